/* What the journal has about one message, for the operator. Reads the file now. */
#ifndef CAUSEWAY_SPOOL_HISTORY_H
#define CAUSEWAY_SPOOL_HISTORY_H

#include <stdint.h>

#include "spool/tree.h"

/* show(arg, text) for each line, oldest first, without its frame. */
void history_show(const struct tree *, uint64_t id, void (*show)(void *arg, const char *line), void *arg);

#endif
