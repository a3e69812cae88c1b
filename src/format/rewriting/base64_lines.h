/* Text of a message in base64 (RFC 2045 section 6.8), a piece at a time, in lines of 76 bytes. */
#ifndef CAUSEWAY_FORMAT_BASE64_LINES_H
#define CAUSEWAY_FORMAT_BASE64_LINES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* All zero at the beginning. */
struct base64_lines {
	unsigned char held[3];
	size_t n;
	size_t column;
	bool crlf;            /* one is encoded only if more text follows: the last may be a boundary's */
};

/* Appends what is whole; false if out's ceiling was met. A CR and its LF come in one piece. */
bool base64_lines_add(struct base64_lines *, struct text bytes, struct buf *out);

/* Appends the rest; with_crlf: the last CRLF belongs to the text. */
bool base64_lines_end(struct base64_lines *, bool with_crlf, struct buf *out);

#endif
