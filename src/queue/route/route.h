/*
 * Which way mail for an address takes: transport_maps (address, domain, parent domains, as transport(5)),
 * then mailbox_domains to mailbox_transport, else relayhost and default_transport. Nothing is refused here:
 * what cannot be routed is deferred, with the reason.
 */
#ifndef CAUSEWAY_QUEUE_ROUTE_H
#define CAUSEWAY_QUEUE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"

#define ROUTE_TRANSPORT_MAX 128
#define ROUTE_NEXTHOP_MAX 1300

struct route_answer {
	bool found;
	const char *rule;             /* the parameter that decided, constant; "none" if none could be asked */
	char transport[ROUTE_TRANSPORT_MAX];   /* also of a way that is not open; "" if none was named */
	char nexthop[ROUTE_NEXTHOP_MAX];
	const char *dsn;              /* else: enhanced code, constant */
	char text[512];               /* and one line for log and listing */
};

struct route;

/* Opens the tables. One that cannot be opened is logged, and what would need it is deferred. The settings are
 * borrowed. */
struct route *route_new(const struct settings *);
void route_free(struct route *);

/* A number that differs, but for rare chances, where other ways may be found: by other settings, or other
 * files of tables. */
uint64_t route_signature(const struct route *);

/* The way of best_mx_transport for an address whose best mail exchanger is this host. */
void route_best_mx(struct route *, const char *address, struct route_answer *);

/* The way of one address (wire form, with a domain). */
void route_find(struct route *, const char *address, struct route_answer *);

#endif
