/* Whether there is room on the disk for more mail: below minimum_free (space or inodes) no, above twice that
 * yes again. */
#ifndef CAUSEWAY_SPOOL_SPACE_H
#define CAUSEWAY_SPOOL_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"
#include "spool/disk/tree.h"

struct space;

/* minimum: bytes, 0: 64 MiB or 1 % of the disk, whichever is less. again(arg) is called from the loop when
 * there is room again. */
struct space *space_new(struct loop *, const struct tree *, uint64_t minimum, void (*again)(void *arg),
	void *arg);
void space_free(struct space *);
void space_set_minimum(struct space *, uint64_t minimum);

/* So much was written: looks at the disk if that may matter. */
void space_used(struct space *, uint64_t bytes);

/* A write met the end of the disk, or of a quota (error): no more until there is room again. */
void space_met_end(struct space *, int error);

/* Whether intake has to wait. */
bool space_is_short(const struct space *);
uint64_t space_free_bytes(const struct space *);   /* when last looked */

#endif
