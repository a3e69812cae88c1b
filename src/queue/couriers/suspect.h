/*
 * Messages that a courier had in its hands when it crashed. One of them may be why, so they leave the lines
 * of their destinations and go out one at a time in a courier of their own, while all else goes on. Who
 * survives that is innocent. A message that makes that courier crash twice is held for the operator. The
 * count in the journal says: 1 was there when a courier crashed, 2 and more made one crash that had nothing
 * else to do.
 */
#ifndef CAUSEWAY_QUEUE_SUSPECT_H
#define CAUSEWAY_QUEUE_SUSPECT_H

#include "queue/couriers/couriers.h"

struct queue;
struct suspects;

/* Nobody is suspect yet. */
struct suspects *suspects_new(struct queue *);
void suspects_free(struct suspects *);

/* The courier has crashed with the message in its hands; true if the message is guilty: it shall be held. */
bool suspect_crashed(struct queue *, struct active *, const struct courier *);
/* A request of the message has ended well in the courier. */
void suspect_survived(struct queue *, struct active *, const struct courier *);

/* An entry of a suspect, with waiting recipients, waits in this line instead of its destination's. */
void suspects_enqueue(struct suspects *, struct entry *, bool front);
void suspects_withdraw(struct suspects *, struct entry *);

/* At the end of a turn: sends the next one, if the last is over; asks for the courier when there is something
 * to send, and lets it go when there is not. */
void suspects_turn(struct suspects *);

#endif
