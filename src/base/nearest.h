/*
 * What a mistyped name was meant to be: of all names that are shown to it, the one with the fewest letters
 * wrong, missing, too many or in the wrong order, if these are few.
 */
#ifndef CAUSEWAY_BASE_NEAREST_H
#define CAUSEWAY_BASE_NEAREST_H

#include "base/buf.h"

struct nearest;

/* Looks for what is like the mistyped name, which must live as long. */
struct nearest *nearest_new(const char *mistyped);
void nearest_free(struct nearest *);

/* Takes a name into account; it is copied. */
void nearest_consider(struct nearest *, const char *name);

/* Appends "; did you mean NAME?", or nothing if no name was near. */
void nearest_print(const struct nearest *, struct buf *out);

#endif
