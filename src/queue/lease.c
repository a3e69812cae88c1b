#include "queue/lease.h"

#include <assert.h>

/* Requests of one destination at a courier after which a second courier helps: one event loop carries that many
 * with less work than two do. */
enum { BUSY_WITH_IT = 32 };

void lease_out(struct destination *d, unsigned seat)
{
	struct share *s = destination_share(d, seat);

	if (s->idle) {
		s->idle--;
		d->idle--;
	}
	s->busy++;
	d->busy++;
	d->closing = 0;
}

void lease_back(struct destination *d, unsigned seat, bool connection_kept)
{
	struct share *s = destination_share(d, seat);

	assert(s->busy && d->busy);
	s->busy--;
	d->busy--;
	if (connection_kept) {
		s->idle++;
		d->idle++;
	}
	destination_wake(d);
}

void lease_closed(struct destination *d, unsigned seat, unsigned count)
{
	struct share *s = destination_share(d, seat);

	if (count > s->idle)
		count = s->idle;
	s->idle = (uint16_t)(s->idle - count);
	d->idle -= count;
	d->closing = 0;
	destination_wake(d);
}

void lease_courier_gone(struct destination *d, unsigned seat)
{
	struct share *s = destination_share(d, seat);

	assert(s->busy == 0);
	d->idle -= s->idle;
	s->idle = 0;
	d->closing = 0;
	destination_wake(d);
}

/* Smaller is better. */
static unsigned rank(const struct share *s)
{
	if (s->idle)
		return 0;
	return s->busy && s->busy < BUSY_WITH_IT ? 1 : 2;
}

bool lease_prefers(struct destination *d, const struct courier *c, const struct courier *best)
{
	unsigned mine = rank(destination_share(d, c->seat)), other;

	if (!best)
		return true;
	other = rank(destination_share(d, best->seat));
	if (mine != other)
		return mine < other;
	return c->flying < best->flying;
}
