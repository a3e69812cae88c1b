/* sasl_mechanism_filter: which of the mechanisms that a server offers may be used. */
#ifndef CAUSEWAY_COURIER_MECHANISMS_H
#define CAUSEWAY_COURIER_MECHANISMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "table/match_list.h"

/* Appends those of the offered mechanisms (separated by blanks) that may be used, which are all if the filter
 * is empty; false and *why, valid until the next call, if a table cannot be asked. */
bool mechanisms_filter(const struct match_list *filter, const char *offered, struct buf *out,
	const char **why);

#endif
