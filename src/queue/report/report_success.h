/*
 * Reports of success (RFC 3461 section 5.2): for NOTIFY=SUCCESS, where the server has no DSN extension and
 * so cannot make them itself. A recipient is "relayed", or "delivered" by a transport to a final store (flag
 * X). Like a refusal, such a result is not journalled before the report about it is on the disk, so that no
 * crash loses the report; those of a message are gathered until its attempt ends, but for a second at most,
 * since a crash meanwhile means a second copy.
 */
#ifndef CAUSEWAY_QUEUE_REPORT_SUCCESS_H
#define CAUSEWAY_QUEUE_REPORT_SUCCESS_H

#include "queue/message/active.h"

struct queue;
struct successes;

/* Successes that wait to be reported together: none yet. */
struct successes *successes_new(struct queue *);
void successes_free(struct successes *);

/* Whether the recipient's note, which says sent, must be reported before it is recorded. Where a caller
 * waits it is told to him instead. */
bool success_is_owed(const struct active *, uint32_t rcpt);
/* It was found to be. */
void successes_add(struct successes *, struct active *, uint32_t rcpt);

/* Reports now what is owed of the message: false if nothing is. Else the attempt is ATTEMPT_WRITING until
 * the results are recorded, and settle_check follows. */
bool successes_report(struct successes *, struct active *);
/* At the end of a turn, when the queue stops: reports all that is owed now. */
void successes_hurry(struct successes *);
/* Nothing is owed. */
bool successes_idle(const struct successes *);

#endif
