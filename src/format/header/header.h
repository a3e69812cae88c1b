/* Looks at the header of content in wire form while it passes by: what intake has to know about it, in
 * bounded memory. */
#ifndef CAUSEWAY_FORMAT_HEADER_H
#define CAUSEWAY_FORMAT_HEADER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

#define HEADER_MESSAGE_ID_MAX 250

/* What a field may be about. */
enum header_field { HEADER_OTHER, HEADER_RECEIVED, HEADER_MESSAGE_ID, HEADER_TLS_REQUIRED,
	HEADER_REQUIRETLS };

struct header {
	unsigned hops;             /* Received: fields */
	bool utf8;                 /* some byte above 127 */
	bool tls_optional;         /* TLS-Required: no (RFC 8689 section 5) */
	bool requiretls;           /* Require-TLS-ESMTP: yes, which stands for a MAIL parameter that was lost */
	struct buf message_id;     /* value of the first Message-ID: field, cleaned */
	bool over;                 /* the empty line was met */
	enum header_field field;   /* the last one that began, of which more may follow, */
	struct buf value;          /* and its value so far, if that has to be one word */
	struct buf line;           /* beginning of a line whose end is still to come */
};

/* Before the first byte. */
void header_init(struct header *);
void header_free(struct header *);

/* Stands before the first byte of a new content. */
void header_begin(struct header *);

/* Looks at the next bytes of content, cut anywhere; costs nothing behind the header. */
void header_feed(struct header *, struct text piece);

#endif
