/*
 * Questions to the DNS, never blocking (libunbound on the loop, which validates and caches). An answer never
 * comes before the call that asked has returned; the same question is not asked twice at a time. A name
 * server that is down, refuses, breaks off or cannot be believed gives RESOLVER_LATER, never
 * RESOLVER_NOTHING.
 */
#ifndef CAUSEWAY_NET_RESOLVER_H
#define CAUSEWAY_NET_RESOLVER_H

#include "format/dns/dnsrecord.h"
#include "net/loop.h"

#define RESOLVER_RECORDS_MAX 100           /* of one answer; those behind them are left out */

struct resolver;

struct resolver_setup {
	const char *servers;               /* list of "addr" or "addr@port"; "": those of resolv.conf */
	const char *trust_anchor_file;     /* DNSSEC root key; "" or not there: nothing is validated */
	int64_t patience;                  /* ms that the answer to a question may take */
};

/* Reads its files and does one look-up, so that nothing needs to be opened later. NULL and *why (free()
 * it) on failure. */
struct resolver *resolver_new(struct loop *, const struct resolver_setup *, char **why);
void resolver_free(struct resolver *);     /* what is still asked is never answered */

enum resolver_result {
	RESOLVER_FOUND,
	RESOLVER_LATER,       /* no answer, or none that can be believed */
	RESOLVER_NAMELESS,    /* there is no such name */
	RESOLVER_EMPTY        /* the name has no such record */
};

/* How far an answer can be believed (RFC 4033 section 5); one that is bogus has no records. */
enum dnssec { DNSSEC_INSECURE, DNSSEC_SECURE, DNSSEC_BOGUS };
const char *dnssec_word(enum dnssec);      /* "insecure" … */

struct resolver_answer {
	enum resolver_result result;
	enum dnssec dnssec;
	/* EMPTY: there is not even the SOA record that says so (RFC 2308 2.2) */
	bool unproven;
	const char *name;                  /* whose records these are: the end of a chain of aliases */
	const struct dnsrecord *records;
	size_t count;
	const char *text;                  /* what went wrong, for people; NULL when found */
};

struct resolver_query;

/* name: in the form for DNS (format/address/domain.h). The answer is valid during the call of done. */
struct resolver_query *resolver_ask(struct resolver *, const char *name, enum dnsmsg_type,
	void (*done)(void *arg, const struct resolver_answer *), void *arg);
void resolver_cancel(struct resolver_query *);      /* not after done was called; NULL is none */

#endif
