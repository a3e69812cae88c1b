/* A courier that has served long enough is replaced by a new one: max_use requests, or max_idle without
 * any. */
#ifndef CAUSEWAY_QUEUE_WEAR_H
#define CAUSEWAY_QUEUE_WEAR_H

#include "queue/couriers/couriers.h"

void wear_begin(struct courier *);   /* it is new, and idle */
void wear_end(struct courier *);
void wear_used(struct courier *);    /* a request was sent to it */
void wear_idle(struct courier *);    /* it has none any more */

#endif
