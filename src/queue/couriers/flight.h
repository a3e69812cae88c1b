/* A flight: a request in a courier's hands. */
#ifndef CAUSEWAY_QUEUE_FLIGHT_H
#define CAUSEWAY_QUEUE_FLIGHT_H

#include "queue/couriers/couriers.h"

struct flight {
	struct list of_courier;
	struct list ahead;            /* of its destination, while it has no lease */
	struct courier *courier;
	struct active *active;
	struct entry *entry;
	uint32_t number;
	bool from_idle, passed;       /* its lease was that of an idle connection; of another flight */
	bool recalled;                /* it was sent ahead and shall come back untried */
	bool probe;                   /* it finds out whether its destination lives */
	bool dot_sent;                /* seen when the link ended: a further try may be a second copy */
	int64_t sent_off;             /* ms of the boot clock */
	uint32_t count, unanswered;
	bool progress;                /* somebody got a result */
	bool noticed;                 /* the postmaster was told of its session */
	bool maybe_twice;             /* no reply to the final dot: not to be tried again sooner than it must */
	uint32_t rcpts[];
};

/* Takes a lease (an idle one if the courier has one), or with ahead a place among those without, and a
 * credit, and begins a flight with count recipients, to be filled in. */
struct flight *flight_begin(struct courier *, struct entry *, size_t count, bool ahead);

/* The flight of that number at that courier, or NULL. */
struct flight *flight_find(struct courier *, uint32_t number);

/* Gives the credit back and frees the flight; its lease was given back before. */
void flight_end(struct flight *);

#endif
