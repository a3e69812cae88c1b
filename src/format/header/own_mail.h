/* The header of mail that this system writes itself: reports (format/report/dsn.h) and notices. */
#ifndef CAUSEWAY_FORMAT_OWN_MAIL_H
#define CAUSEWAY_FORMAT_OWN_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

struct own_mail {
	const char *from, *to;        /* addresses */
	const char *subject, *message_id;   /* without brackets */
	bool obsolete_from;           /* "address (name)", not "name <address>" (header_from_format) */
	bool answer;                  /* auto-replied, not auto-generated (RFC 3834 section 5) */
	int64_t now;                  /* ms since 1970 */
};

/* Appends the fields from Date: to MIME-Version: in wire form, cleaned; what describes the content follows.
 * */
void own_mail_begin(const struct own_mail *, struct buf *out);

/* Appends a whole text of paragraphs, an LF behind each, and the lines of a transcript (NULL: none), as the
 * content's rest: the empty line, the text, the final dot line. */
void own_mail_text(const char *paragraphs, const char *transcript, struct buf *out);

/* "Wed, 25 Nov 2026 13:30:00 +0000" (RFC 5322 3.3, UTC). */
void own_mail_date(int64_t ms, struct buf *out);

#endif
