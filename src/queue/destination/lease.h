/*
 * The count of a destination's connections at each courier, and which courier gets the next one. A flight has
 * the lease of one connection, or was sent ahead of one (doc/design.md "Sent ahead"): then it gets the lease
 * of another flight of the same courier, or comes back.
 */
#ifndef CAUSEWAY_QUEUE_LEASE_H
#define CAUSEWAY_QUEUE_LEASE_H

#include "queue/couriers/couriers.h"

struct flight;

/* The flight begins with a lease, that of an idle connection if its courier has one. */
void lease_out(struct flight *);
/* It begins without. */
void lease_await(struct flight *);
/* The flight is over. next: with CONNECTION_PASSED the flight that has the connection now, else NULL. */
void lease_back(struct flight *, const struct finish *, struct flight *next);
/* The same where the courier cannot say any more what became of the connection. */
void lease_lost(struct flight *);
/* Idle connections there have been closed. */
void lease_closed(struct destination *, unsigned seat, unsigned count);
/* The courier has ended: its connections are closed. */
void lease_courier_gone(struct destination *, unsigned seat);

/* Whether c suits the destination better than best (NULL: none yet): idle connections first, then the courier
 * that works for it already as long as that one is not busy with it, then the one with the least in its
 * hands. */
bool lease_prefers(struct destination *, const struct courier *c, const struct courier *best);

/* Whether one more request may go ahead at that courier. */
bool lease_may_await(struct destination *, const struct courier *);
/* Calls back what waits for a lease of the destination, up to count of them, the oldest first. */
void lease_recall(struct destination *, unsigned count);
/* The same for what waits of one message, and at one courier. */
void lease_recall_message(struct destination *, const struct active *);
void lease_recall_courier(struct courier *);

#endif
