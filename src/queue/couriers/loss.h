/*
 * The end of a courier. It has two halves: its link ends, and the supervisor sees the process end. What it
 * had said before may still wait in the link, so its flights are lost only when both are over; but half an
 * end is taken for the whole one after a while.
 */
#ifndef CAUSEWAY_QUEUE_LOSS_H
#define CAUSEWAY_QUEUE_LOSS_H

#include "queue/couriers/couriers.h"

/* Makes and frees what the couriers' ends need (couriers_new, couriers_free). */
void loss_begin(struct couriers *);
void loss_end(struct couriers *);

/* One half has happened (broken, gone): it is seen to later in this turn. */
void loss_noted(struct courier *);

/* All that is in its hands goes out again; crashed: by its own fault, so its messages are suspect. */
void loss_of_flights(struct courier *, bool crashed);

#endif
