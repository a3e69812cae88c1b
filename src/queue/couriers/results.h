/* What comes back from couriers: each recipient's answer, the end of a request, and requests that were lost
 * with their courier. */
#ifndef CAUSEWAY_QUEUE_RESULTS_H
#define CAUSEWAY_QUEUE_RESULTS_H

#include "queue/couriers/flight.h"

/* An answer that names no recipient in flight, or one that is answered already, is ignored with a warning. */
void results_answer(struct queue *, struct courier *, const struct answer *);
void results_finish(struct queue *, struct courier *, const struct finish *);

/* Logs what a courier says of a request before it is over, in the courier's name. */
void results_note(struct courier *, uint32_t request, const char *text);

/* The flight's courier has ended: who has no result goes out again at once; if the content was on its way,
 * this may give a second copy, which is logged. crashed: by its own fault, maybe because of this message. The
 * flight is freed. */
void results_lost(struct queue *, struct flight *, bool crashed);

#endif
