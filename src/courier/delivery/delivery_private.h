/*
 * A delivery's insides, for the files delivery*.c: delivery.c begins and ends it, delivery_hosts.c leads it
 * from host to host, delivery_attempt.c has one attempt at one host, delivery_follow.c two requests on one
 * connection.
 */
#ifndef CAUSEWAY_COURIER_DELIVERY_PRIVATE_H
#define CAUSEWAY_COURIER_DELIVERY_PRIVATE_H

#include "courier/delivery/delivery.h"
#include "courier/delivery/tally.h"
#include "courier/tls/dane.h"

/* What is awaited. */
enum phase {
	WAITING,     /* a connection, sent ahead */
	FOLLOWING,   /* the end of the request before on the same connection */
	SEARCHING,   /* the next host; a session that is left may end meanwhile */
	TRYING,      /* the end of an attempt: the session has the recipients that are left */
	PARTING      /* the end of a connection that is not kept: everybody has an answer */
};

struct delivery {
	struct list in;                  /* those that run */
	struct list ahead;               /* those of the destination that wait */
	struct delivery *follower;       /* whose commands go out behind this one's content, or NULL */
	bool recalled;                   /* while it followed */
	enum phase phase;
	struct delivery_tools *tools;
	struct request *request;
	int fd;
	const struct transport *transport;
	struct hosts *hosts;             /* NULL: not needed yet */
	struct hosts_watch watch;
	char *tls_peer;                  /* of a new connection with TLS, for the operator */
	struct dane *dane;               /* TLSA records of the host at hand are looked up */
	struct session *session;
	bool took_idle;                  /* from the pool, when it began */
	struct session_peer peer;        /* the host at hand */
	bool reused;                     /* the session served before this request */
	bool stale;                      /* it turned out to be dead before anything was tried */
	bool asked_hosts;                /* some host was given */
	bool at_relay;                   /* it is one of relayhost or fallback_relay */
	bool at_last;                    /* the session goes to the last of them */
	struct xforward client;          /* borrows from the request */
	struct endpoint used;            /* where an idle session went: not asked twice */
	struct envelope *outside;        /* its addresses as the peer sees them; NULL: as they are */
	struct envelope part;            /* the recipients of the transaction that runs */
	uint32_t *asked;                 /* those as indexes of the request's envelope */
	struct tally *tally;
	enum site site;
	char *site_reason;
	bool served;
};

/* delivery.c */

/* Everybody has an answer: the connection is kept, handed on or closed, and the request is over. */
void delivery_end(struct delivery *);
/* The request is over, and d is freed; next: to whom the connection was passed. */
void delivery_finish(struct delivery *, enum connection, uint32_t next);
/* The request was never begun, and d is freed. */
void delivery_give_back(struct delivery *);

/* delivery_hosts.c */

/* Whoever is left goes to the next host. */
void delivery_next_host(struct delivery *);
/* TLS failed where mail may do without it: the same host at once, in clear. */
void delivery_connect_in_clear(struct delivery *);

/* delivery_attempt.c */

/* What the session of an attempt tells; the argument is the delivery. */
extern const struct session_events delivery_events;
void delivery_note(void *delivery, const char *text);
/* An attempt over d->session for who is left; and what it is to send. */
void delivery_begin(struct delivery *, bool last_host);
struct session_job delivery_job(struct delivery *, bool last_host);
/* What an attempt says about its host, taken from the session. */
void delivery_transaction_over(struct delivery *);
/* The answer of whoever is left, unless something better comes; the text is copied. */
void delivery_set_reason(struct delivery *, enum stage, const char *dsn, const char *text);
/* The same without a session, with what tls= says. */
void delivery_set_reason_tls(struct delivery *, enum stage, const char *dsn, const char *text,
	const char *tls);
/* What the request will say of its destination. */
void delivery_set_site(struct delivery *, enum site, const char *reason);

/* delivery_follow.c, as session_events */

void delivery_may_follow(void *delivery);
void delivery_passed(void *delivery);
void delivery_returned(void *delivery);

#endif
