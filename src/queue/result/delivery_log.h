/* The log lines about messages and recipients, in the form that log readers know (those of
 * Postfix; causeway-admin(7) lists them). */
#ifndef CAUSEWAY_QUEUE_DELIVERY_LOG_H
#define CAUSEWAY_QUEUE_DELIVERY_LOG_H

#include "queue/message/active.h"

struct queue;

/* "pickup: uid=… from=<…>" and "cleanup: message-id=…"; a report has the second one only. */
void delivery_log_arrival(const struct queue *, const struct spool_message *);
/* "qmgr: from=<…>, size=…, nrcpt=… (queue active)". */
void delivery_log_active(const struct queue *, const struct active *);
/* "lmtp: to=<…>, relay=…, delay=…, delays=…, dsn=…, status=… (…)". */
void delivery_log(const struct queue *, const struct active *, uint32_t rcpt);
/* "qmgr: from=<…>, status=expired, returned to sender". */
void delivery_log_expired(const struct queue *, const struct active *);

/* Appends ms as seconds: at most two significant digits, at most that many decimals, rounded, no trailing
 * zeros (D2-10). */
void delivery_log_delay(int64_t ms, int64_t decimals, struct buf *out);

#endif
