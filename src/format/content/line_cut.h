/*
 * Content in wire form with its long lines cut for a server that does not take them (RFC 5321 4.5.3.1.6):
 * behind so many bytes of a line come CRLF and a blank, and the line goes on; characters of UTF-8 stay whole.
 * A dot that was stuffed is not counted, and none is stuffed behind a cut.
 */
#ifndef CAUSEWAY_FORMAT_LINE_CUT_H
#define CAUSEWAY_FORMAT_LINE_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

#define LINE_LONG 998   /* bytes of a line, without its end, that every server takes */

struct line_cut {
	uint64_t limit;      /* most bytes of a line, above 0 */
	uint64_t column;     /* bytes of the line at hand that went out */
	uint64_t cut_column; /* those of them that stand there in any case: the blank behind a cut */
	char held[4];        /* beginning of a character that goes on in the next bytes */
	size_t held_n;
	bool inside;         /* the line at hand has begun */
	bool cut;            /* some line was too long */
};

/* How long the lines of a content are, all zero before its first byte. */
struct line_lengths {
	uint64_t column;     /* bytes of the line at hand */
	bool has_long;       /* some line is longer than LINE_LONG, a stuffed dot counted or not */
};

/* The next bytes of the content, cut anywhere. */
void line_lengths_see(struct line_lengths *, struct text bytes);

/* Stands before the first byte of a content. */
void line_cut_begin(struct line_cut *, uint64_t limit);

/* Appends what comes out of the next bytes; false if out's ceiling was met. */
bool line_cut_add(struct line_cut *, struct text bytes, struct buf *out);

#endif
