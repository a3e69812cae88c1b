/*
 * One element of a nexthop, looked up: SRV where use_srv_lookup names its service, MX for SMTP, else the host
 * itself; then the addresses of what was found, in the order in which they are to be tried, without this host
 * itself and what is worse (mail loops).
 */
#ifndef CAUSEWAY_COURIER_SEARCH_H
#define CAUSEWAY_COURIER_SEARCH_H

#include "courier/hosts/candidates.h"
#include "courier/hosts/lookup.h"
#include "format/address/domain.h"

struct search_result {
	const struct candidate *list;
	size_t count;
	uint16_t best;               /* the preference of the best host that was published */
	bool exchangers;             /* the hosts came from MX or SRV records … */
	bool exchangers_secure;      /* … whose answer was validated */
	bool backup;                 /* this host is one of them: no other nexthop takes its place */
	bool loops;                  /* this host is the best of them */
	const char *dsn, *text;      /* if there is no address */
};

struct search;

/* service: the element's, or the one by default. port: of that; SRV records have their own. done comes from
 * the loop; the result is valid until the search is freed. */
struct search *search_start(const struct lookup_for *, const struct domain_nexthop *, const char *service,
	uint16_t port, void (*done)(void *arg, const struct search_result *), void *arg);
void search_free(struct search *);

/* Loop detection is for SMTP to port 25 only (behaviour A-6 of the reference). */
bool search_minds_loops(const struct transport *, uint16_t port);

#endif
