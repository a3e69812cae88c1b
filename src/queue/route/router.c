#include "queue/route/router.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"
#include "queue/route/route.h"

enum { SLICE = 2000 };                /* recipients a turn */

struct router {
	struct queue *queue;
	struct loop_task work;
	struct active *first, *last;
};

static void route_one(struct queue *q, struct active *a, uint32_t rcpt)
{
	struct route_answer answer;

	route_find(q->route, a->envelope->rcpts[rcpt].address, &answer);
	if (answer.found)
		entry_append(active_entry(a, destinations_get(q->destinations, answer.transport,
			answer.nexthop)), rcpt);
	else
		judge_here(q, a, rcpt, answer.transport, OUTCOME_DEFERRED, answer.dsn, answer.text);
}

/* All recipients have their way: only now do they line up, so that those of one destination share requests.
 * What was called up to ask after a dead host goes ahead of those that only wait for it. */
static void through(struct router *r, struct active *a)
{
	r->first = a->next_to_route;
	if (!r->first)
		r->last = NULL;
	a->next_to_route = NULL;
	for (struct entry *e = a->entries; e; e = e->next)
		destination_enqueue(e->destination, e, e->destination->health.probe_wanted);
	settle_check(r->queue, a);
}

static void work(void *arg)
{
	struct router *r = arg;
	size_t left = SLICE;

	while (r->first && left) {
		struct active *a = r->first;

		for (; a->routed < a->envelope->count && left; a->routed++, left--)
			if (a->rcpts[a->routed].state == RCPT_ROUTING)
				route_one(r->queue, a, (uint32_t)a->routed);
		if (a->routed == a->envelope->count)
			through(r, a);
	}
	if (r->first)
		loop_later(r->queue->loop, &r->work);
}

struct router *router_new(struct queue *q)
{
	struct router *r = mem_alloc(sizeof *r);

	r->queue = q;
	r->work = (struct loop_task){ .fn = work, .arg = r };
	return r;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	loop_cancel(r->queue->loop, &r->work);
	free(r);
}

void router_ask(struct router *r, struct active *a)
{
	if (r->last)
		r->last->next_to_route = a;
	else
		r->first = a;
	r->last = a;
	loop_later(r->queue->loop, &r->work);
}
