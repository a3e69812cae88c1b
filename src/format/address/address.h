/*
 * Mail addresses in wire form, as they stand between < and > (RFC 5321 section 4.1.2, RFC 6531 section 3.3):
 * local part as dot-string or quoted string, domain or address literal, UTF-8 in both. A local part alone is
 * an address too: the origin is appended later. Nothing is ever folded or rewritten here. Limits: 1000 bytes
 * in all, domain 255, label 63; local parts may be long, labels hold '_'.
 */
#ifndef CAUSEWAY_FORMAT_ADDRESS_H
#define CAUSEWAY_FORMAT_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

#define ADDRESS_MAX 1000

/* Whether all of t is one address; if not, a constant complaint in *why that fits behind "RCPT TO: ". */
bool address_check(struct text t, const char **why);

/* Takes a path "<address>" off the front; "<>" gives an empty address. A source route is dropped (RFC
 * 5321 section 3.6.1). */
bool address_path(struct text *from, struct text *address, const char **why);

/* Parts of a valid address, as they are written (quotes and brackets included); domain is empty if there
 * is none. */
void address_split(struct text address, struct text *local, struct text *domain);

/* Appends a valid local part without its quotes and backslashes. */
bool address_unquote(struct text local, struct buf *out);

/* What follows the first of the delimiters in a plain local part, with it; an empty view where there is none,
 * and in addresses that are never split (mailer-daemon, owner-list, list-request …). */
struct text address_extension(struct text local, const char *delimiters);

/* Appends plain text as a local part, quoted if it has to be; false if it cannot be one (controls, not
 * UTF-8) or out is full. */
bool address_quote(struct text plain, struct buf *out);

#endif
