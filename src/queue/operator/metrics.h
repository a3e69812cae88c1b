/* Counters of what was delivered, by transport, and the page of numbers for Prometheus. */
#ifndef CAUSEWAY_QUEUE_METRICS_H
#define CAUSEWAY_QUEUE_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "queue/message/active.h"

struct queue;
struct metrics;

/* All counters are zero. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *);

/* The recipient's note is on the disk: counts it here and at its destination. */
void metrics_count(struct metrics *, struct queue *, const struct active *, uint32_t rcpt);

/* All transports together. */
uint64_t metrics_total(const struct metrics *, enum outcome);

/* Age of the oldest message in ms, 0 if there is none. Looks through the whole queue, but only when the few
 * hundred that were the oldest at the last look have all gone. */
int64_t metrics_oldest(struct metrics *, const struct queue *);

/* What stands ahead of a metric's values in the Prometheus text format; and that with its only value. */
void metrics_head(struct buf *, const char *name, const char *type, const char *help);
void metrics_value(struct buf *, const char *name, const char *type, const char *help, double value);

#endif
