/* Fields of a header taken apart: names, and what the MIME fields say (RFC 2045 section 5 and 6, RFC 2046
 * section 5.1). Syntax is read as loosely as readers of mail do. */
#ifndef CAUSEWAY_FORMAT_MIME_FIELD_H
#define CAUSEWAY_FORMAT_MIME_FIELD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"
#include "format/header/mime_value.h"

/* Whether a line begins a field: a name of printable ASCII, perhaps blanks, a colon. */
bool mime_field_begins(struct text line);

/* Whether the field has that name. */
bool mime_field_is(struct text field, const char *name);

/* What stands behind the colon, folds and last CRLF included. */
struct text mime_field_value(struct text field);

/* Takes the next whole field, folds and CRLF included, off a header without empty line; false at its end. */
bool mime_field_next(struct text *header, struct text *field);

/* Breaks a field that goes on behind what is in the buffer: ahead of its last blank, else between characters
 * of UTF-8. Returns the bytes of the first part with the CRLF that it got; what stands behind is to be
 * continued. The buffer has room for three bytes more. */
size_t mime_field_break(struct buf *field);

enum mime_coding {
	MIME_NO_CODING,        /* not said: as 7bit */
	MIME_7BIT, MIME_8BIT, MIME_BINARY, MIME_QUOTED_PRINTABLE, MIME_BASE64,
	MIME_MISNAMED,         /* no known name: readers take the bytes as they are */
	MIME_PRIVATE           /* x-… and uuencode: bytes that are not to be touched */
};

/* The value of a Content-Transfer-Encoding: field. */
enum mime_coding mime_coding(struct text value);

enum mime_type {
	MIME_TYPE_LEAF,
	MIME_TYPE_MULTIPART, MIME_TYPE_DIGEST,
	MIME_TYPE_SIGNED,      /* multipart/signed (RFC 1847) */
	MIME_TYPE_RFC822,
	MIME_TYPE_GLOBAL,      /* message/global (RFC 6532 3.7), which may be encoded */
	MIME_TYPE_MESSAGE      /* another message/…, which may not be encoded */
};

/* The value of a Content-Type: field. A boundary, at most so many bytes of it as fit, goes to the buffer,
 * which is empty if there is none. */
enum mime_type mime_type(struct text value, struct buf *boundary);

#endif
