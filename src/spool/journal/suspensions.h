/* The destinations that the operator has suspended, as the journal has them: a set of names. */
#ifndef CAUSEWAY_SPOOL_SUSPENSIONS_H
#define CAUSEWAY_SPOOL_SUSPENSIONS_H

#include <stddef.h>

#include "base/buf.h"
#include "format/journal/journal_line.h"

struct suspensions;

/* Nothing is suspended. */
struct suspensions *suspensions_new(void);
void suspensions_free(struct suspensions *);

/* Takes in a line of kind suspend; its name is not encoded. */
void suspensions_apply(struct suspensions *, const struct journal_line *);
/* Names in any order; cursor starts at 0; NULL at the end; no change meanwhile. */
const char *suspensions_next(const struct suspensions *, size_t *cursor);
/* Appends the lines from which an empty set would become this one. */
void suspensions_print(const struct suspensions *, struct buf *out);

#endif
