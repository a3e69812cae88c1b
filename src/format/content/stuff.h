/* Dot-stuffing of raw text (RFC 5321 section 4.5.2): a dot more ahead of each line that begins with one. */
#ifndef CAUSEWAY_FORMAT_STUFF_H
#define CAUSEWAY_FORMAT_STUFF_H

#include <stdbool.h>

#include "base/text.h"

/* Where in a line the next byte stands; all zero at the beginning of a text. */
struct stuff {
	bool in_line;      /* the bytes before did not end their line */
	bool stuffed;      /* the dot ahead of this line's dot is out */
};

/* Takes bytes off the front and gives what comes out for them: a view of them, or of a single dot that goes
 * ahead of what is left. False if there is nothing left. Lines end in LF. */
bool stuff_next(struct stuff *, struct text *from, struct text *piece);

#endif
