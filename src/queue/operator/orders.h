/*
 * What the operator's orders do to one message: hold it, let it go, delete it, try it now. An order about a
 * message that is being delivered is kept in message->order: its recipients that have not left for a courier
 * leave their lines, and the attempt ends as soon as those that have are answered (settle_check).
 */
#ifndef CAUSEWAY_QUEUE_ORDERS_H
#define CAUSEWAY_QUEUE_ORDERS_H

#include "queue/message/message.h"
#include "queue/queue.h"

/* Whether the order would change something about the message. */
bool order_applies(enum queue_order, const struct message *);

/* Carries it out, which may free the message; only if it applies. The journal is told in this turn's
 * batch. */
void order_give(struct queue *, enum queue_order, struct message *);

/* Holds the message, which the log has been told. */
void order_hold(struct queue *, struct message *);

/* The routes have changed: who waits in a line, however long, is put aside and finds another way at once; but
 * nobody for whom a caller waits. */
void orders_route_anew(struct queue *);

/* The message waits on the disk, and what was ordered meanwhile is done now; the message may be freed. */
void order_complete(struct queue *, struct message *);

#endif
