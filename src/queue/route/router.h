/*
 * Routes the recipients of messages that have become active and lines them up at their destinations. It
 * answers later, never from inside router_ask, and takes large messages in slices, so that one with 100 000
 * recipients does not hold up the loop.
 */
#ifndef CAUSEWAY_QUEUE_ROUTER_H
#define CAUSEWAY_QUEUE_ROUTER_H

#include "queue/message/active.h"

struct queue;
struct router;

/* Nobody was asked for yet. */
struct router *router_new(struct queue *);
void router_free(struct router *);

/* Routes every recipient in RCPT_ROUTING; the active part belongs to the router until it is through
 * (active->routed). */
void router_ask(struct router *, struct active *);

#endif
