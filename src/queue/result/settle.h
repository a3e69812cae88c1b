/* The end of an attempt: report what was refused, plan the next attempt or finish the message, and let go of
 * its active part. */
#ifndef CAUSEWAY_QUEUE_SETTLE_H
#define CAUSEWAY_QUEUE_SETTLE_H

#include "queue/message/active.h"

struct queue;

/* Ends the attempt if nothing more can come of it now: all are judged, or the rest waits for dead
 * destinations and some are judged (whose report must not wait). If nobody is judged and what waits shall
 * leave memory, it is as if there had been no attempt yet. The active part may be freed. */
void settle_check(struct queue *, struct active *);

/* The end of the attempt is on the disk: frees the active part, and the message if it is done. */
void settle_committed(struct queue *, struct active *);

#endif
