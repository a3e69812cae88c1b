/* Makes changes of names in queue/ and drop/new durable, for all who wait for it at once. */
#ifndef CAUSEWAY_SPOOL_DIRSYNC_H
#define CAUSEWAY_SPOOL_DIRSYNC_H

#include "base/list.h"
#include "spool/disk/disk.h"
#include "spool/disk/tree.h"

struct dirsync;

/* Embedded in who waits. */
struct dirsync_waiter {
	struct list link;
	void (*synced)(void *arg);
	void *arg;
};

/* All are borrowed. */
struct dirsync *dirsync_new(struct loop *, struct disk *, const struct tree *);
void dirsync_free(struct dirsync *);

/* synced(arg) is called from the loop when all changes made before this call are on the disk. While the disk
 * refuses it waits, saying so. */
void dirsync_wait(struct dirsync *, struct dirsync_waiter *);

/* The same at once, in the disk thread that calls it; an errno value: wait as everybody does. */
int dirsync_here(const struct tree *);

/* Whether nobody waits. */
bool dirsync_idle(const struct dirsync *);

#endif
