/* From the spool into the queue: new messages, those known at start, and waiting ones whose envelope is read
 * again when they are due. */
#ifndef CAUSEWAY_QUEUE_INTAKE_H
#define CAUSEWAY_QUEUE_INTAKE_H

#include "spool/spool.h"

struct queue;

extern const struct spool_events intake_events;   /* arg: struct queue */

/* Loads messages that are due while there is room for active ones; holds the spool's intake back while too
 * many wait for room. */
void intake_load_due(struct queue *);

#endif
