/* The way back from dot-stuffing (RFC 5321 section 4.5.2): the first dot of each line is taken away. */
#ifndef CAUSEWAY_FORMAT_UNSTUFF_H
#define CAUSEWAY_FORMAT_UNSTUFF_H

#include <stdbool.h>

#include "base/text.h"

/* Where in a line the next byte stands; all zero at the beginning of a text. */
struct unstuff {
	bool in_line;      /* the bytes before did not end their line */
};

/* Takes bytes off the front and gives a view of what is left of them; false if there is nothing left. Lines
 * end in LF. */
bool unstuff_next(struct unstuff *, struct text *from, struct text *piece);

#endif
