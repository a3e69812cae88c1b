/* Where refused drop files go: drop/bad, or a pickup directory's own one, each with a line that says why.
 * Runs in disk threads. */
#ifndef CAUSEWAY_SPOOL_BAD_H
#define CAUSEWAY_SPOOL_BAD_H

#include <limits.h>
#include <stdint.h>

#include "spool/drop/source.h"

/* Moves queue/from to the source's bad/NAME, NAME.2, NAME.3 … (the first that is free), with NAME.reason
 * beside it; put (may be NULL) is the name that it got. 0 or an errno: then it is where it was. */
int bad_move(const struct tree *, const struct source *, const char *from, const char *name,
	const char *reason, char put[NAME_MAX + 1]);

/* Writes bad/NAME.reason (NAME.2.reason … where refused files have that name) for what stays where it is,
 * unless it was written before. 0 or an errno. */
int bad_note(const struct source *, const char *name, const char *reason);

#endif
