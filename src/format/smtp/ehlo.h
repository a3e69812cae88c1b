/* What a server announced in answer to EHLO or LHLO (RFC 5321 section 4.1.1.1). */
#ifndef CAUSEWAY_FORMAT_EHLO_H
#define CAUSEWAY_FORMAT_EHLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	EHLO_PIPELINING = 1 << 0, EHLO_SIZE = 1 << 1, EHLO_8BITMIME = 1 << 2, EHLO_DSN = 1 << 3,
	EHLO_ENHANCEDSTATUSCODES = 1 << 4, EHLO_SMTPUTF8 = 1 << 5, EHLO_STARTTLS = 1 << 6, EHLO_AUTH = 1 << 7,
	EHLO_CHUNKING = 1 << 8, EHLO_XFORWARD = 1 << 9, EHLO_REQUIRETLS = 1 << 10, EHLO_XCLIENT = 1 << 11,
	EHLO_ETRN = 1 << 12, EHLO_VRFY = 1 << 13, EHLO_VERP = 1 << 14
};

struct ehlo {
	unsigned offers;           /* EHLO_… */
	uint64_t size;             /* announced limit in bytes; 0: none known */
	char name[256];            /* the server's own name, first word of the first line, cleaned */
	char auth[512];            /* mechanisms, blank-separated */
	unsigned xforward;         /* EHLO_XF_… */
};

enum {
	EHLO_XF_NAME = 1, EHLO_XF_ADDR = 2, EHLO_XF_PORT = 4, EHLO_XF_PROTO = 8, EHLO_XF_HELO = 16,
	EHLO_XF_IDENT = 32, EHLO_XF_SOURCE = 64
};

/* Reads the text of a reply (lines with code, joined by '\n'); everything known before is forgotten. */
void ehlo_parse(struct ehlo *, const char *reply_text);

/* The bits for a list of keywords as in smtp_discard_ehlo_keywords; unknown words are ignored;
 * "silent-discard" is EHLO_SILENT. */
#define EHLO_SILENT (1u << 31)
unsigned ehlo_mask(const char *list);

/* Appends a blank and the keyword for each bit. */
void ehlo_names(unsigned mask, struct buf *out);

#endif
