/*
 * The addresses in the value of a header field that holds an address list (RFC 5322 sections 3.4 and
 * 4.4): groups, display names, comments, folds, quoted strings, source routes. What is no address is
 * passed over, so that a field with mistakes still gives those it has.
 */
#ifndef CAUSEWAY_FORMAT_ADDRESS_HEADER_H
#define CAUSEWAY_FORMAT_ADDRESS_HEADER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* A walk over a value. */
struct address_header {
	struct text rest;            /* still to be read */
	const char *list_until;      /* up to here there is no "<" */
	bool fresh;                  /* nothing of this element of the list has been read */
	struct text at;              /* where the address last found stands, with its source route */
	struct buf plain;            /* its local part without quotes */
	struct buf address;          /* itself in wire form, quoted only where it has to be */
};

void address_header_init(struct address_header *);
void address_header_free(struct address_header *);

/* Stands before the first byte of a value, which is borrowed: what follows the colon, folds as CRLF or LF. */
void address_header_begin(struct address_header *, struct text value);

/* The next address, in `at` and `address`; false at the end. A word that is an element by itself is an
 * address without a domain. */
bool address_header_next(struct address_header *);

/* Whether fields of that name hold addresses of senders or recipients: From, To, Reply-To, Resent-Cc and so
 * on. */
bool address_header_is(struct text name);

#endif
