/* The header of a message that is handed over: who is to get it, and what it lacks (RFC 5322 section 3.6).
 * Lines end in LF or CRLF. */
#ifndef CAUSEWAY_TOOL_INJECT_HEADER_H
#define CAUSEWAY_TOOL_INJECT_HEADER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* A line that may stand in a header: "Name:…" with a name of printable ASCII. */
bool inject_header_is_field(struct text line);

struct inject_header {
	bool resent;             /* there are Resent- fields: they say who gets it (RFC 5322 3.6.6) */
	bool from, date, message_id; /* there is one; of the Resent- kind if resent */
	bool utf8;               /* characters above ASCII in valid UTF-8 */
};

/* Looks through all fields. */
struct inject_header inject_header_scan(struct text header);

/* Calls found(arg, address) for the recipients in To, Cc and Bcc, or their Resent- forms; false and one line
 * in *why (free() it) that names field and address if one is no good. */
bool inject_header_recipients(struct text header, void (*found)(void *arg, const char *address), void *arg,
	char **why);

/* Takes the next field with all its lines off the front; with no_bcc Bcc and Resent-Bcc are left out. False
 * at the end. */
bool inject_header_next(struct text *header, bool no_bcc, struct text *field);

/* Appends a From: field; full_name may be NULL, and is encoded if it is not ASCII (RFC 2047). */
void inject_header_from(const char *field, const char *full_name, const char *address, struct buf *out);

#endif
