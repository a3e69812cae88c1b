#include "queue/destination/lease.h"

#include <assert.h>

#include "queue/couriers/flight.h"

/* Requests of one destination at a courier after which a second courier helps: one event loop carries that
 * many with less work than two do. */
enum { BUSY_WITH_IT = 32 };

/* Requests that may wait for each connection at work: what is answered and sent while a packet rests and
 * travels. */
enum { AHEAD_OF_EACH = 2 };

static struct destination *destination_of(const struct flight *f)
{
	return f->entry->destination;
}

static struct share *share_of(const struct flight *f)
{
	return destination_share(destination_of(f), f->courier->seat);
}

/* Below zero: connections have ended for which a request was sent meanwhile. */
static void add_idle(struct destination *d, struct share *s, int count)
{
	int before = s->idle > 0 ? s->idle : 0;

	s->idle += count;
	d->idle = (unsigned)((int)d->idle + (s->idle > 0 ? s->idle : 0) - before);
}

static bool has_lease(const struct flight *f)
{
	return list_empty(&f->ahead);
}

static void stop_waiting(struct flight *f)
{
	list_remove(&f->ahead);
	share_of(f)->ahead--;
}

void lease_out(struct flight *f)
{
	struct destination *d = destination_of(f);
	struct share *s = share_of(f);

	f->from_idle = s->idle > 0;
	if (f->from_idle)
		add_idle(d, s, -1);
	s->busy++;
	d->busy++;
	d->closing = 0;
}

void lease_await(struct flight *f)
{
	list_append(&destination_of(f)->ahead, &f->ahead);
	share_of(f)->ahead++;
}

static void recall(struct flight *f)
{
	if (f->recalled || has_lease(f) || f->courier->broken)
		return;
	f->recalled = true;
	link_send_recall(f->courier->link, destination_of(f)->number, f->number);
}

/* What waits there may wait for nothing, or for long. */
static void recall_from(struct destination *d, const struct courier *c)
{
	LIST_EACH(l, &d->ahead) {
		struct flight *f = LIST_OF(l, struct flight, ahead);

		if (f->courier == c)
			recall(f);
	}
}

static void give_back(struct flight *f, const struct finish *said)
{
	struct destination *d = destination_of(f);
	struct share *s = share_of(f);

	assert(s->busy && d->busy);
	s->busy--;
	d->busy--;
	add_idle(d, s, said->connection != CONNECTION_CLOSED);
}

/* Whether there was an idle connection may have looked otherwise from the courier than from here. */
static void set_right(struct flight *f, const struct finish *said)
{
	if (!f->passed && f->from_idle != said->took_idle)
		add_idle(destination_of(f), share_of(f), f->from_idle ? 1 : -1);
}

void lease_back(struct flight *f, const struct finish *said, struct flight *next)
{
	struct destination *d = destination_of(f);

	if (!has_lease(f)) {
		stop_waiting(f);
		return;
	}
	d->keeps = said->connection != CONNECTION_CLOSED;
	set_right(f, said);
	if (next && !has_lease(next)) {
		stop_waiting(next);
		next->passed = true;
	} else {
		give_back(f, said);
	}
	if (!d->keeps || share_of(f)->busy == 0)
		recall_from(d, f->courier);
	destination_wake(d);
}

void lease_lost(struct flight *f)
{
	lease_back(f, &(struct finish){ .connection = CONNECTION_CLOSED, .took_idle = f->from_idle }, NULL);
}

void lease_closed(struct destination *d, unsigned seat, unsigned count)
{
	struct share *s = destination_share(d, seat);

	/* a courier that closes what it does not have is not believed for ever */
	add_idle(d, s, count < (unsigned)(s->idle + (int)LINK_SLOTS) ? -(int)count : 0);
	d->closing = 0;
	destination_wake(d);
}

void lease_courier_gone(struct destination *d, unsigned seat)
{
	struct share *s = destination_share(d, seat);

	assert(s->busy == 0 && s->ahead == 0);
	add_idle(d, s, -s->idle);
	d->closing = 0;
	destination_wake(d);
}

/* Smaller is better. */
static unsigned rank(const struct share *s)
{
	if (s->idle > 0)
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

/* Sent ahead. */

/* Half of the credits stay for requests that have a lease, which is what gives credits back. */
bool lease_may_await(struct destination *d, const struct courier *c)
{
	const struct share *s = destination_share(d, c->seat);

	return s->ahead < AHEAD_OF_EACH * s->busy && c->credit > c->flying;
}

void lease_recall(struct destination *d, unsigned count)
{
	LIST_EACH(l, &d->ahead) {
		if (count-- == 0)
			break;
		recall(LIST_OF(l, struct flight, ahead));
	}
}

void lease_recall_message(struct destination *d, const struct active *a)
{
	LIST_EACH(l, &d->ahead) {
		struct flight *f = LIST_OF(l, struct flight, ahead);

		if (f->active == a)
			recall(f);
	}
}

void lease_recall_courier(struct courier *c)
{
	LIST_EACH(l, &c->flights)
		recall(LIST_OF(l, struct flight, of_courier));
}
