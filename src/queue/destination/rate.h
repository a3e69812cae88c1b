/* How many events there were in the last minute: an estimate from the counts of this minute and the one
 * before. A zeroed struct is one without events. */
#ifndef CAUSEWAY_QUEUE_RATE_H
#define CAUSEWAY_QUEUE_RATE_H

#include <stdint.h>

struct rate {
	int64_t minute;               /* since boot, of the last event */
	uint32_t now, before;         /* events in it, and in the one before it */
};

/* An event at that time; ms of the boot clock. */
void rate_count(struct rate *, int64_t now);
uint64_t rate_last_minute(const struct rate *, int64_t now);

#endif
