/* Lists queue/ at start, and removes unfinished files on the way. Runs in a disk thread. */
#ifndef CAUSEWAY_SPOOL_LISTING_H
#define CAUSEWAY_SPOOL_LISTING_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "spool/disk/ids.h"
#include "spool/disk/names.h"
#include "spool/disk/tree.h"

struct listing_entry {
	uint64_t id;
	enum names_kind kind;     /* NAMES_MESSAGE or NAMES_DROP */
	unsigned count;           /* of a drop */
	uid_t uid;                /* owner of a drop */
};

struct listing {
	const struct tree *tree;
	struct ids *ids;          /* sees every id */
	struct listing_entry *entries;
	size_t count, room;
	int error;                /* the directory cannot be read to its end */
	size_t strangers;         /* names that are none of ours … */
	char stranger[NAME_MAX + 1];   /* … and one of them */
};

/* Fills entries; they are there until listing_clear. */
void listing_read(struct listing *);
void listing_clear(struct listing *);

#endif
