/* sasl_mechanism_filter: which of the mechanisms that a server offers may be used. */
#ifndef CAUSEWAY_COURIER_MECHANISMS_H
#define CAUSEWAY_COURIER_MECHANISMS_H

#include <stdbool.h>

#include "base/buf.h"

struct mechanisms;

/* Reads the list: names and tables (type:name), each with a ! in front for what is not to be used; the first
 * element that matches decides, an empty list lets all pass. NULL and *why, to free(), on failure. */
struct mechanisms *mechanisms_open(const char *list, char **why);
void mechanisms_free(struct mechanisms *);

/* Appends those of the offered mechanisms (separated by blanks) that may be used; false and *why, valid until the
 * next call, if a table cannot be asked. */
bool mechanisms_filter(const struct mechanisms *, const char *offered, struct buf *out, const char **why);

#endif
