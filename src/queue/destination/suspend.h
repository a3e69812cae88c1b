/* Destinations that were suspended when the queue process ended (queue_suspend is in queue/queue.h). */
#ifndef CAUSEWAY_QUEUE_SUSPEND_H
#define CAUSEWAY_QUEUE_SUSPEND_H

/* As spool_events.suspended; arg is the queue. */
void suspend_known(void *arg, const char *destination);

#endif
