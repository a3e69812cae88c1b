/* Sends what may go: destinations in turn, one request each, until windows, limits or the couriers' credits
 * are used up. */
#ifndef CAUSEWAY_QUEUE_DISPATCH_H
#define CAUSEWAY_QUEUE_DISPATCH_H

#include <stdbool.h>

struct courier;
struct entry;
struct queue;

/* Called at the end of a turn of the loop (queue_wake), never from within what has made room. */
void dispatch(struct queue *);

/* Sends a request for the entry's next recipients, as many as its destination allows, to that courier; ahead:
 * it has no lease yet. */
void dispatch_send(struct queue *, struct entry *, struct courier *, bool ahead);

#endif
