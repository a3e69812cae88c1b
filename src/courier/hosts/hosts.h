/*
 * The hosts that a request may go to, one after the other in the order in which they are to be tried:
 * unix:PATH for LMTP; else a list of domain, domain:service, [host], [host]:service, [address] …, looked up
 * one element at a time when its turn comes (courier/hosts/search.h), and behind it fallback_relay.
 */
#ifndef CAUSEWAY_COURIER_HOSTS_H
#define CAUSEWAY_COURIER_HOSTS_H

#include "courier/hosts/lookup.h"

/* All strings are valid until the next host is asked for. */
struct host {
	const char *name;                /* that of the MX or SRV record, or as written in the nexthop */
	const char *canonical;           /* what its name is an alias of; "": of nothing */
	/* the element of the nexthop or fallback_relay that led here, as written */
	const char *nexthop;
	const char *domain;              /* the same without brackets and service */
	struct endpoint at;
	bool mx_used;                    /* the name comes from an MX or SRV record … */
	bool mx_secure;                  /* … whose answer DNSSEC validated */
	bool secure;                     /* its address was validated */
	/* the name is what the postmaster wrote, or came by validated answers only */
	bool sure;
	uint16_t preference;             /* of its MX record, or the priority of its SRV record */
	bool best;                       /* none of a better preference was published */
	bool loops;                      /* SMTP to port 25: if it calls itself as we are called, mail loops */
	bool dead;                       /* its address let a connection run out of time lately */
	/* of relayhost or fallback_relay: that it cannot be used is our mistake */
	bool relay;
	bool last;                       /* certainly no further one follows */
};

struct hosts;

/* All is borrowed but the watch. */
struct hosts *hosts_new(const struct hosts_setup *, const struct transport *, const char *nexthop,
	const struct hosts_watch *);
void hosts_free(struct hosts *);     /* what was asked for does not come any more */

/* found gets the next host, or NULL if there is none; later, from the loop. */
void hosts_next(struct hosts *, void (*found)(void *arg, const struct host *), void *arg);

/* The host given last passed its handshake: counts for mx_session_limit. */
void hosts_count_session(struct hosts *);

/* Why no further host was given, if it was not for want of them: dsn "4.4.3", "5.4.4", "4.3.5" …, and one
 * line of text, else NULL. */
const char *hosts_failure(const struct hosts *, const char **dsn);

/* Whether that is because this host is the best mail exchanger itself, and best_mx_transport may have the
 * mail. */
bool hosts_are_ours(const struct hosts *);

#endif
