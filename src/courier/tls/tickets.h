/*
 * TLS sessions that may be resumed. The queue process keeps them for all couriers (queue/couriers/kept.h); a
 * courier asks over the link when it begins to connect. An answer that is not there when TLS begins, and
 * within 20 ms, means a full handshake.
 */
#ifndef CAUSEWAY_COURIER_TICKETS_H
#define CAUSEWAY_COURIER_TICKETS_H

#include "base/list.h"
#include "link/link.h"

#define TICKET_PATIENCE 20   /* ms */

struct tickets;

/* Both are borrowed; the link is the way to where they are kept. */
struct tickets *tickets_new(struct loop *, struct link *);
void tickets_free(struct tickets *);                 /* nobody may wait any more */
/* What the link says. */
void tickets_came(struct tickets *, const char *key, const void *value, size_t n);

/* One that is waited for; in a struct of the caller's, all zero: none. */
struct ticket {
	struct list in;
	struct tickets *home;            /* NULL: nothing was asked for */
	char *key;
	char *bytes;                     /* the session; NULL: none (yet) */
	size_t n;
	int64_t due;                     /* loop_now when it is waited for no longer */
	struct loop_timer *timer;
	void (*ready)(void *arg);        /* after ticket_waits said so: the answer came, or the time is over */
	void *arg;
};

/* Asks for it by the key, which the ticket owns. */
void ticket_ask(struct ticket *, struct tickets *, char *key, void (*ready)(void *arg), void *arg);
/* Whether the answer may still come: then ready is called once. */
bool ticket_waits(struct ticket *);
/* Sends the session to be kept for so long (ms). */
void ticket_keep(const struct ticket *, const void *bytes, size_t n, int64_t lifetime);
void ticket_clear(struct ticket *);

#endif
