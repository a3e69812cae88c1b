/* Text beyond ASCII in a header: encoded words (RFC 2047). */
#ifndef CAUSEWAY_FORMAT_ENCODED_WORD_H
#define CAUSEWAY_FORMAT_ENCODED_WORD_H

#include "base/buf.h"
#include "base/text.h"

/* The charset of bytes: utf-8, or unknown-8bit (RFC 1428) for those that are none. */
const char *encoded_charset(struct text);

/* Appends bytes as encoded words of at most 75 bytes, each but the first on a line of its own; they may
 * stand in text, phrases and comments. Characters of UTF-8 stay whole. */
void encoded_words(struct text, struct buf *out);

#endif
