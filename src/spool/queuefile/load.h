/* Reads a message's envelope again and opens its file, for when it is due (spool_load). */
#ifndef CAUSEWAY_SPOOL_LOAD_H
#define CAUSEWAY_SPOOL_LOAD_H

#include "spool/disk/disk.h"
#include "spool/disk/tree.h"
#include "spool/journal/ledger.h"
#include "spool/parts.h"
#include "spool/spool.h"

struct load_setup {
	const struct parts *parts;
	/* The file cannot be used; moved: it is in corrupt/. */
	void (*corrupt)(void *arg, uint64_t id, const char *reason, bool moved);
	void *arg;
	size_t outstanding;     /* loads that are not done: kept here for all users of the setup */
};

/* done(arg, id, message) is called from the loop; message NULL: corrupt, or there is no such file. While the
 * system refuses to open or read it, it is tried again. The setup is borrowed. */
void load_start(struct load_setup *, uint64_t id, void (*done)(void *arg, uint64_t id,
	struct spool_message *), void *arg);

#endif
