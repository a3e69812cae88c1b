/* Sends what may go: destinations in turn, one request each, until windows, limits or the couriers' credits
 * are used up. */
#ifndef CAUSEWAY_QUEUE_DISPATCH_H
#define CAUSEWAY_QUEUE_DISPATCH_H

struct queue;

void dispatch(struct queue *);

#endif
