/*
 * The structure of a message in wire form (RFC 2045, 2046, 5322) while it passes by: fields, the ends of
 * headers, lines of bodies, boundaries of multiparts however deep. Bytes may come cut anywhere; what is kept
 * is one field, the beginning of one line, and one boundary a level. Nothing is refused: what cannot be made
 * sense of is text.
 */
#ifndef CAUSEWAY_FORMAT_MIME_H
#define CAUSEWAY_FORMAT_MIME_H

#include "format/header/mime_field.h"
#include "format/rewriting/rewriting.h"

struct mime_limits {
	size_t header;        /* bytes of a field that are looked at in one piece */
	size_t boundary;      /* bytes of a boundary that are compared */
	size_t nesting;       /* multiparts within each other */
};

enum mime_event {
	MIME_MORE,            /* no more to tell before more bytes come */
	/* a whole field, folds and last CRLF included; one that is too long comes in several, of which all but
	 * the first begin with a blank */
	MIME_FIELD,
	MIME_BODY,            /* a header is over (mime_entity): its empty line, if it has one */
	MIME_TEXT,            /* of a leaf: a line with its CRLF, or some of a long one */
	MIME_BETWEEN,         /* the same ahead of a multipart's first part or behind its last */
	MIME_BOUNDARY,        /* the line of a boundary */
	MIME_END              /* the final dot line; no text */
};

enum mime_kind {
	MIME_LEAF,            /* text that a coding may be applied to */
	MIME_OPAQUE,          /* text that has to stay as it is */
	MIME_MULTIPART,       /* parts follow */
	MIME_SIGNED,          /* the same of a multipart/signed (RFC 1847): nothing of them may be changed */
	MIME_MESSAGE          /* another header follows */
};

/* What a header says of what follows it; of a header that is not over, what its fields have said so far. */
struct mime_entity {
	enum rewriting_header header;
	enum mime_kind kind;
	enum mime_coding coding;
	bool has_version;     /* MIME-Version: */
	bool unended;         /* text follows the header without an empty line */
	bool sealed;          /* inside a multipart/signed, header included */
};

struct mime;

/* global_is_leaf: message/global is text like any other, not a header and a body. */
struct mime *mime_new(const struct mime_limits *, bool global_is_leaf);
void mime_free(struct mime *);

/* Takes bytes off the front of wire and tells the next event; its text, without stuffed dots, is valid
 * until the next call, for which wire must not be changed before MIME_MORE. */
enum mime_event mime_next(struct mime *, struct text *wire, struct text *text);

/* Of the header that is being read, or was read last; valid until the next call of mime_next. */
const struct mime_entity *mime_entity(const struct mime *);

/* Whether a multipart lies deeper than the limit, and is taken for text therefore. */
bool mime_too_deep(const struct mime *);

/* Whether a multipart is open here: then a text's last CRLF belongs to the boundary, even if that does not
 * come any more. */
bool mime_in_multipart(const struct mime *);

/* Whether a line with its CRLF would be read as a boundary here. */
bool mime_is_boundary(const struct mime *, struct text line);

#endif
