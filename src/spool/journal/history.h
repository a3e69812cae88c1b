/* What the journal has about one message, for the operator (spool_history). */
#ifndef CAUSEWAY_SPOOL_HISTORY_H
#define CAUSEWAY_SPOOL_HISTORY_H

#include <stdint.h>

#include "spool/disk/disk.h"
#include "spool/disk/tree.h"

/* told(arg, lines) is called from the loop with its lines without their frames, oldest first, an LF behind
 * each. The tree is borrowed until then. */
void history_read(struct disk *, const struct tree *, uint64_t id, void (*told)(void *arg, const char *lines),
	void *arg);

#endif
