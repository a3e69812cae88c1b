/* Reports of delay: one a message, to its sender, once it is older than delay_warning_time (RFC 3464 2.3.3).
 * */
#ifndef CAUSEWAY_QUEUE_REPORT_DELAY_H
#define CAUSEWAY_QUEUE_REPORT_DELAY_H

#include "queue/message/active.h"

struct queue;

/* Whether the time for it has come, and nothing was said or found out yet. */
bool report_delay_due(const struct queue *, const struct message *);
/* When that will be, at that time or before it if nothing else happens; ms of the boot clock. */
int64_t report_delay_before(const struct queue *, const struct message *, int64_t then);

/* At the end of an attempt: makes the report about all who have no final result, if one is due and NOTIFY
 * allows it; written(active) is called when it is on the disk, and the journal must then be told
 * (spool_warned). False: none is made. */
bool report_delay(struct active *, void (*written)(struct active *));

#endif
