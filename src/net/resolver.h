/*
 * Host names to addresses, never blocking: numeric addresses, the hosts file, then DNS (libunbound on the
 * loop, which validates and caches). An answer never comes before the call that asked has returned. The
 * same look-up is not made twice at a time.
 */
#ifndef CAUSEWAY_NET_RESOLVER_H
#define CAUSEWAY_NET_RESOLVER_H

#include "net/endpoint.h"
#include "net/loop.h"

struct resolver;

struct resolver_setup {
	const char *servers;               /* list of "addr" or "addr@port"; "": those of resolv.conf */
	const char *trust_anchor_file;     /* DNSSEC root key; "" or not there: nothing is validated */
	const char *hosts_file;
	bool ipv4, ipv6;                   /* families that are wanted */
};

/* Reads its files and does one look-up, so that nothing needs to be opened later. NULL and *why (free()
 * it) on failure. */
struct resolver *resolver_new(struct loop *, const struct resolver_setup *, char **why);
void resolver_free(struct resolver *);     /* what is still asked is never answered */

enum resolver_result {
	RESOLVER_FOUND,
	RESOLVER_LATER,       /* no answer, or none that can be trusted: 4.4.3 */
	RESOLVER_NOTHING      /* there is no such host, or it has no address of a wanted family: 5.4.4 */
};

struct resolver_answer {
	enum resolver_result result;
	const struct endpoint *addresses;  /* with port 0, IPv4 first; valid during the call */
	size_t count;
	const char *text;                  /* what went wrong, one line; NULL when found */
};

struct resolver_query;
struct resolver_query *resolver_ask(struct resolver *, const char *host,
	void (*done)(void *arg, const struct resolver_answer *), void *arg);
void resolver_cancel(struct resolver_query *);      /* not after done was called */

#endif
