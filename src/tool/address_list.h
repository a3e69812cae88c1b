/*
 * Lists of addresses as people write them in header fields and on command lines: names, comments, groups,
 * folded lines and the obsolete forms (RFC 5322 sections 3.4 and 4.4). What comes out is in wire form
 * (format/address/address.h) and valid.
 */
#ifndef CAUSEWAY_TOOL_ADDRESS_LIST_H
#define CAUSEWAY_TOOL_ADDRESS_LIST_H

#include <stdbool.h>

#include "base/text.h"

/* What is wrong with a list: a constant complaint about the element that begins at element and was read up
 * to its end. */
struct address_list_fault {
	struct text element;
	const char *why;
};

/* Calls found(arg, address) for each address; false and the fault at the first element that is no address
 * (earlier ones were reported). */
bool address_list(struct text list, void (*found)(void *arg, const char *address), void *arg,
	struct address_list_fault *);

#endif
