/*
 * What the MX or SRV records of a domain say: the hosts to look up, or why there are none (RFC 5321 section
 * 5.1, RFC 7505, RFC 2782). Reads answers, asks nothing.
 */
#ifndef CAUSEWAY_COURIER_EXCHANGERS_H
#define CAUSEWAY_COURIER_EXCHANGERS_H

#include "courier/hosts/candidates.h"
#include "courier/hosts/lookup.h"

enum exchangers {
	EXCHANGERS_FOUND,        /* targets, in the order to look them up */
	EXCHANGERS_NONE,         /* no such record: for MX the domain itself is meant */
	EXCHANGERS_NULL,         /* "." : there is no such service on purpose */
	EXCHANGERS_FAILED        /* *dsn and text say why */
};

/* service: "_submission._tcp", or NULL for MX. text has room for size bytes. */
enum exchangers exchangers_read(const struct lookup_for *, const char *domain, const char *service,
	const struct lookup_answer *, struct targets *, const char **dsn, char *text, size_t size);

#endif
