/*
 * Answers "how would mail go there?": looks everything up as a delivery would, and connects to nobody. The
 * question and the answer are JSON objects, on their way over the link.
 *
 *   question   {"transport", "nexthop"}
 *   answer     "hosts"     in the order in which they are tried; members: the tables at the end of explain.c
 *              "left_out"  [{"host", "address" or null, "why"}]
 *              "lookups"   [{"name", "type", "dnssec", "result", "records": ["mx.test. 60 IN MX 10 h." …]}]
 *              "notes"     lines that a delivery would log
 *              "failure"   {"dsn", "text"}: why there is no (further) host; null if there is none
 */
#ifndef CAUSEWAY_COURIER_EXPLAIN_H
#define CAUSEWAY_COURIER_EXPLAIN_H

#include "base/list.h"
#include "courier/tls/dane.h"
#include "link/link.h"

struct explainer {
	const struct hosts_setup *hosts;
	const struct transports *transports;
	struct link *link;
	struct list running;
};

/* All of these are borrowed; answers go out over the link. */
void explain_init(struct explainer *, const struct hosts_setup *, const struct transports *, struct link *);
void explain_free_all(struct explainer *);      /* what was asked for is not answered any more */

/* A question came; the answer goes to the link, later. */
void explain_start(struct explainer *, uint32_t number, const char *question);

/* One host, as it is explained. */
struct explained {
	const struct explainer *explainer;
	const struct transport *transport;
	const struct host *host;
	const struct security *security;       /* what TLS has to be like, with the TLSA records; NULL: … */
	const char *insecure;                  /* … why the host may not be used */
};

#endif
