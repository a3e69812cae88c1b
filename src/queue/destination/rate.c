#include "queue/destination/rate.h"

enum { MINUTE = 60 * 1000 };

static struct rate at(const struct rate *r, int64_t minute)
{
	if (minute == r->minute)
		return *r;
	return (struct rate){ .minute = minute, .before = minute == r->minute + 1 ? r->now : 0 };
}

void rate_count(struct rate *r, int64_t now)
{
	*r = at(r, now / MINUTE);
	r->now++;
}

uint64_t rate_last_minute(const struct rate *r, int64_t now)
{
	struct rate current = at(r, now / MINUTE);
	uint64_t left = (uint64_t)(MINUTE - now % MINUTE);

	return current.now + (current.before * left + MINUTE / 2) / MINUTE;
}
