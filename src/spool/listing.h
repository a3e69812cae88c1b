/* Lists queue/ at start, some names at a time, and removes unfinished files on the way. A disk thread reads,
 * the loop takes. */
#ifndef CAUSEWAY_SPOOL_LISTING_H
#define CAUSEWAY_SPOOL_LISTING_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "spool/ids.h"
#include "spool/names.h"
#include "spool/tree.h"

#define LISTING_NAMES 4096

struct listing_entry {
	uint64_t id;
	enum names_kind kind;     /* NAMES_MESSAGE or NAMES_DROP */
	unsigned count;           /* of a drop */
	uid_t uid;                /* owner of a drop */
};

struct listing {
	const struct tree *tree;
	struct ids *ids;          /* sees every id */
	DIR *stream;
	struct listing_entry entries[LISTING_NAMES];
	size_t count;
	bool end;                 /* these were the last */
	int error;                /* the directory cannot be read */
	size_t strangers;         /* names that are none of ours … */
	char stranger[NAME_MAX + 1];   /* … and one of them */
};

/* Fills entries anew. */
void listing_read(struct listing *);
void listing_clear(struct listing *);

#endif
