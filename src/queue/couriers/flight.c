#include "queue/couriers/flight.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/couriers/wear.h"
#include "queue/destination/lease.h"

struct flight *flight_begin(struct courier *c, struct entry *e, size_t count, bool ahead)
{
	struct couriers *all = c->home;
	struct flight *f = mem_alloc(sizeof *f + count * sizeof f->rcpts[0]);

	if (!c->flying)
		c->heard = queue_now(all->queue);
	f->courier = c;
	f->active = e->active;
	f->entry = e;
	list_init(&f->ahead);
	if (ahead)
		lease_await(f);
	else
		lease_out(f);
	f->number = ++all->last_flight;
	f->sent_off = queue_now(all->queue);
	f->count = f->unanswered = (uint32_t)count;
	list_append(&c->flights, &f->of_courier);
	idmap_put(all->flights, f->number, f);
	e->active->flights++;
	c->flying++;
	c->credit--;
	return f;
}

struct flight *flight_find(struct courier *c, uint32_t number)
{
	struct flight *f = idmap_get(c->home->flights, number);

	return f && f->courier == c ? f : NULL;
}

void flight_end(struct flight *f)
{
	idmap_take(f->courier->home->flights, f->number);
	list_remove(&f->of_courier);
	if (--f->courier->flying == 0)
		wear_idle(f->courier);
	f->courier->credit++;
	f->active->flights--;
	free(f);
}
