/* What XFORWARD tells a server about the client that a message came from (Postfix' XFORWARD_README). */
#ifndef CAUSEWAY_FORMAT_XFORWARD_H
#define CAUSEWAY_FORMAT_XFORWARD_H

#include <stdbool.h>

#include "base/buf.h"

/* Attributes; NULL: not known. */
struct xforward {
	char *name, *addr, *port, *proto, *helo, *ident, *source;
};

/* Frees the strings. */
void xforward_release(struct xforward *);

/* Appends "XFORWARD NAME=value ADDR=value …" with CRLF: those of attributes (EHLO_XF_…) that are known.
 * False, and nothing appended, if there is none. */
bool xforward_print(const struct xforward *, unsigned attributes, struct buf *out);

#endif
