/*
 * A header field with its long lines folded (RFC 5322 2.2.3): ahead of a blank, which changes nothing for a
 * reader; else behind a comma or semicolon outside quotes, where a blank more does no harm in addresses and
 * parameters. Words that are longer than a line stay whole here; line_cut.h cuts them.
 */
#ifndef CAUSEWAY_FORMAT_HEADER_FOLD_H
#define CAUSEWAY_FORMAT_HEADER_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct header_fold {
	struct text left;     /* of the field, */
	struct text line;     /* behind what is left of the line at hand */
	uint64_t limit;       /* bytes of a line without CRLF, above 0 */
	size_t head;          /* bytes at the front that stay together */
	bool indented;        /* the fold ahead of that brought a blank */
	bool in_quotes;
};

/* The field with its CRLFs, which is borrowed. */
void header_fold_begin(struct header_fold *, struct text field, uint64_t limit);

/* Takes the next piece, and what is to be sent behind it: "" or a fold. False at the end. */
bool header_fold_next(struct header_fold *, struct text *piece, const char **fold);

#endif
