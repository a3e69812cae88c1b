/*
 * The addresses of one host, as a transport looks for them: a numeric address, the DNS (A and AAAA, completed
 * by dns_resolver_options), the hosts file, in the order that host_lookup and dns_support_level allow.
 */
#ifndef CAUSEWAY_COURIER_ADDRESSES_H
#define CAUSEWAY_COURIER_ADDRESSES_H

#include "courier/hosts/lookup.h"

struct address {
	struct endpoint at;              /* port 0 */
	bool secure;                     /* the answer was validated by DNSSEC */
};

struct addresses_answer {
	enum lookup_status status;
	const char *text;                /* one sentence; NULL when found */
	const struct address *list;      /* of wanted families, in the order of inet_protocols */
	size_t count;
	/* the end of the host's chain of aliases; the host itself if it is none */
	const char *canonical;
};

struct addresses;

/* host: as it is written for people. done comes from the loop; the answer is valid during the call. */
struct addresses *addresses_ask(const struct lookup_for *, const char *host,
	void (*done)(void *arg, const struct addresses_answer *), void *arg);
void addresses_cancel(struct addresses *);      /* not after done was called; NULL is none */

#endif
