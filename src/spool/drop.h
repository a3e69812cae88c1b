/*
 * Watches a drop directory and names the files in it: by inotify as they come, by scanning at start, after an
 * overflow, and once in a while. Holds a bounded number of names, however many files there are. The same name
 * may be given twice.
 */
#ifndef CAUSEWAY_SPOOL_DROP_H
#define CAUSEWAY_SPOOL_DROP_H

#include <limits.h>

#include "spool/disk.h"

struct drop;

/* dir: a descriptor of the directory at path, borrowed. names(arg) is called from the loop when there are
 * names to take again. Nothing is looked at before drop_begin. NULL and an errno in *error if the directory
 * cannot be watched. */
struct drop *drop_new(struct loop *, struct disk *, int dir, const char *path, void (*names)(void *arg),
	void *arg, int *error);
void drop_free(struct drop *);   /* no job of its own may be outstanding (disk_idle) */

/* Starts looking; drop_end: no more. */
void drop_begin(struct drop *);
void drop_end(struct drop *);

/* The next name to try; *directory: drop_is_directory was called for it. False: none now, names will be
 * called. */
bool drop_next(struct drop *, char name[NAME_MAX + 1], bool *directory);

/* The name cannot be claimed: it is given again after a while that grows. Returns whether this is news. */
bool drop_stuck(struct drop *, const char *name);

/* The name is a directory, which stays. Returns whether this is news. */
bool drop_is_directory(struct drop *, const char *name);

/* The name was taken or has gone: nothing special is known of it any more. */
void drop_forget(struct drop *, const char *name);

#endif
