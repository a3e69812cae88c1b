/*
 * One question to the DNS as a transport puts it: dns_reply_filter is applied, whoever explains is told, and
 * the outcome is one of the few that matter for mail.
 */
#ifndef CAUSEWAY_COURIER_LOOKUP_H
#define CAUSEWAY_COURIER_LOOKUP_H

#include "courier/hosts/hosts_setup.h"
#include "courier/transport.h"

/* Who wants to hear of what happens on the way; each may be NULL. */
struct hosts_watch {
	void (*note)(void *arg, const char *text);      /* a line for the log */
	void (*looked_up)(void *arg, const char *name, enum dnsmsg_type, const struct resolver_answer *);
	/* address: numeric, or NULL if it has none */
	void (*left_out)(void *arg, const char *host, const char *address, const char *why);
	void *arg;
};

/* For whom something is looked up. */
struct lookup_for {
	const struct hosts_setup *setup;
	const struct transport *transport;
	const struct hosts_watch *watch;
};
void lookup_note(const struct lookup_for *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lookup_left_out(const struct lookup_for *, const char *host, const struct endpoint *, const char *why);

/* In the order in which one failure counts more than another (behaviour N-13 of the reference). */
enum lookup_status { LOOKUP_FOUND, LOOKUP_FILTERED, LOOKUP_LATER, LOOKUP_INVALID, LOOKUP_NOTHING };

/* The enhanced code of a failure: "4.7.0", "4.4.3", "5.4.4". */
const char *lookup_dsn(enum lookup_status);

struct lookup_answer {
	enum lookup_status status;
	bool secure;                     /* validated by DNSSEC */
	const char *name;                /* the end of the chain of aliases */
	const struct dnsrecord *records;
	size_t count;
	const char *text;                /* one sentence; NULL when found */
};

struct lookup;

/* name: in the form for DNS. done comes from the loop, the answer is valid during the call. */
struct lookup *lookup_ask(const struct lookup_for *, const char *name, enum dnsmsg_type,
	void (*done)(void *arg, const struct lookup_answer *), void *arg);
void lookup_cancel(struct lookup *);         /* not after done was called; NULL is none */

#endif
