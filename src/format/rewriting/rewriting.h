/*
 * Content on its way to a peer when it cannot go out as it stands in the file. Wire form comes in, the trace
 * lines ahead of it included, and wire form goes out, through one chain in this order:
 *
 *	structure of the message (mime.h), 7-bit conversion (mime_convert.h), rules for fields and lines,
 *	header in ASCII (header_ascii.h) and folded (header_fold.h),
 *	dots stuffed (stuff.h), long lines cut (line_cut.h)
 *
 * Memory is bounded by the limits given, whatever the message.
 */
#ifndef CAUSEWAY_FORMAT_REWRITING_H
#define CAUSEWAY_FORMAT_REWRITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* Which header a field stands in. */
enum rewriting_header {
	HEADER_PRIMARY,      /* of the message itself */
	HEADER_PART,         /* of a part of a multipart */
	HEADER_NESTED        /* of a message/rfc822 inside */
};

/* What the configuration's tables do to fields and lines; either may be NULL. */
struct rewriting_rules {
	/* One whole field as it stands, folds and last CRLF included. Appends the fields that are sent in its
	 * place, with their CRLFs: nothing leaves it out. NULL, or a constant text why no answer can be had:
	 * then the message is not sent now. */
	const char *(*field)(void *arg, enum rewriting_header, struct text field, struct buf *out);
	/* The same for a line of a body with its CRLF, or for record_limit bytes of a longer one, without. */
	const char *(*line)(void *arg, struct text line, struct buf *out);
	void *arg;
};

struct rewriting_setup {
	bool seven_bit;              /* the peer takes no bytes above 127 */
	bool ascii_header;           /* the same, but in headers only */
	size_t header_limit;         /* bytes of a field that are looked at */
	size_t boundary_limit;       /* bytes of a boundary that are compared */
	size_t nesting_limit;        /* multiparts within each other */
	uint64_t line_limit;         /* longest line that goes out, in bytes without CRLF; 0: any */
	size_t record_limit;         /* longest piece of a line that rules.line sees, bytes */
	const struct rewriting_rules *rules;   /* borrowed; NULL: none */
};

struct rewriting;

/* Stands before the first byte of a message. */
struct rewriting *rewriting_new(const struct rewriting_setup *);
void rewriting_free(struct rewriting *);

/* Appends what goes out for the next bytes; the final dot line ends it. False: rewriting_failure says why,
 * and nothing more may be sent. */
bool rewriting_add(struct rewriting *, struct text wire, struct buf *out);

/* NULL, or why the message cannot be sent to this peer: one cleaned line, and in *dsn its status. */
const char *rewriting_failure(const struct rewriting *, const char **dsn);

/* What the log should say of a message. */
enum rewriting_remark {
	REWRITING_CUT = 1,           /* some line was cut or folded */
	/* rules changed a field longer than header_limit, and its rest is left out */
	REWRITING_LOST_END = 2
};

/* Those that are true by now. */
unsigned rewriting_seen(const struct rewriting *);

#endif
