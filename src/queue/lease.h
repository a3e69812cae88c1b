/* The count of a destination's connections at each courier, and which courier gets the next one. */
#ifndef CAUSEWAY_QUEUE_LEASE_H
#define CAUSEWAY_QUEUE_LEASE_H

#include "queue/couriers.h"

/* A request goes to that courier, over an idle connection if it has one. */
void lease_out(struct destination *, unsigned seat);
/* The request is over; the connection lies idle now, or is closed. */
void lease_back(struct destination *, unsigned seat, bool connection_kept);
/* Idle connections there have been closed. Those that a request was sent for meanwhile are its own lease and
 * stay. */
void lease_closed(struct destination *, unsigned seat, unsigned count);
/* The courier has ended: its connections are closed. */
void lease_courier_gone(struct destination *, unsigned seat);

/* Whether c suits the destination better than best (NULL: none yet): idle connections first, then the courier
 * that works for it already as long as that one is not busy with it, then the one with the least in its
 * hands. */
bool lease_prefers(struct destination *, const struct courier *c, const struct courier *best);

#endif
