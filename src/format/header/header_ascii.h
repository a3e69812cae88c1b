/*
 * Header fields in ASCII, for peers and readers that know no other: text and names become encoded words (RFC
 * 2047), MIME parameters get a charset (RFC 2231), and addresses and ids for which there is no other form go
 * the way of RFC 6857.
 */
#ifndef CAUSEWAY_FORMAT_HEADER_ASCII_H
#define CAUSEWAY_FORMAT_HEADER_ASCII_H

#include "base/buf.h"
#include "base/text.h"

/* Appends one whole field, folds and last CRLF included, in ASCII; one that is in ASCII stays as it is. A
 * multipart's boundary stays too, since the lines in the body do. */
void header_ascii(struct text field, struct buf *out);

#endif
