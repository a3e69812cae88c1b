#include "queue/operator/walk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "queue/core.h"
#include "queue/message/tls_wanted.h"
#include "queue/route/route.h"

enum { LOADS_MAX = 16, STEPS = 500, NAP = 20 };   /* at once; in one turn of the loop; ms */

struct walk {
	struct list all;
	struct queue *queue;
	struct walk_order order;
	struct queue_filter filter;
	char *state, *to, *from, *reason;
	uint64_t *ids;
	size_t count, next, loading, stops;
	struct loop_task step;
	struct loop_timer *nap;         /* while whoever is told has enough */
};

static char *copy_if_any(const char *s)
{
	return s && *s ? mem_str(s) : NULL;
}

static void walk_free(struct walk *w)
{
	list_remove(&w->all);
	loop_cancel(w->queue->loop, &w->step);
	loop_timer_free(w->nap);
	free(w->state);
	free(w->to);
	free(w->from);
	free(w->reason);
	free(w->ids);
	free(w);
}

void walks_free(struct queue *q)
{
	LIST_EACH(l, &q->walks)
		walk_free(LIST_OF(l, struct walk, all));
}

/* --- the filter --- */

/* What memory knows. */
static bool may_match(const struct walk *w, const struct message *m)
{
	if (w->state && strcmp(w->state, message_state_name(m)) != 0)
		return false;
	if (w->filter.older && message_age(m, queue_now(w->queue)) < w->filter.older)
		return false;
	return !w->reason || strcasestr(message_reason(m), w->reason);
}

static bool goes_to(struct queue *q, const char *address, const char *to)
{
	struct text local, domain;
	struct route_answer way;
	char name[ROUTE_TRANSPORT_MAX + ROUTE_NEXTHOP_MAX];

	address_split(text_of(address), &local, &domain);
	if (text_is_nocase(domain, to) || strcasecmp(address, to) == 0)
		return true;
	route_find(q->route, address, &way);
	snprintf(name, sizeof name, "%s:%s", way.transport, way.nexthop);
	return way.found && strcasestr(name, to);
}

/* What only the envelope knows. */
static bool matches(const struct walk *w, const struct message *m, const struct envelope *e)
{
	if (w->from && !strcasestr(e->sender, w->from) && !(strcmp(w->from, "<>") == 0 && !*e->sender))
		return false;
	for (size_t i = 0; w->to && i < e->count; i++)
		if (!message_is_final(m, i) && goes_to(w->queue, e->rcpts[i].address, w->to))
			return true;
	return !w->to;
}

/* --- the walk --- */

static void stop_at(struct walk *w, const struct walk_stop *s)
{
	if (s->envelope && !matches(w, s->message, s->envelope))
		return;
	w->stops++;
	w->order.at(w->order.arg, s);
}

static void loaded(void *arg, uint64_t id, struct spool_message *found)
{
	struct walk *w = arg;
	struct message *m = messages_find(w->queue->messages, id);

	w->loading--;
	if (m && found)
		stop_at(w, &(struct walk_stop){ m, found->envelope, found->content_at, found->content_size,
			found->fd, tls_wanted_of(w->queue->settings, found) });
	if (found)
		spool_message_free(found);
	loop_later(w->queue->loop, &w->step);
}

static void visit(struct walk *w, struct message *m)
{
	const struct active *a = m->active;

	if (!may_match(w, m))
		return;
	if (a) {
		stop_at(w, &(struct walk_stop){ m, a->envelope, a->content_at, a->content_size, a->fd,
			a->tls_wanted });
	} else if (w->order.envelopes || w->to || w->from) {
		w->loading++;
		spool_load(w->queue->spool, m->id, loaded, w);
	} else {
		stop_at(w, &(struct walk_stop){ .message = m, .fd = -1 });
	}
}

static bool may_go_on(const struct walk *w)
{
	return w->next < w->count && w->loading < LOADS_MAX && !(w->order.full && w->order.full(w->order.arg));
}

static void step(void *arg)
{
	struct walk *w = arg;
	struct message *m;
	bool more = may_go_on(w);

	for (size_t left = STEPS; more && left; left--, more = may_go_on(w)) {
		m = messages_find(w->queue->messages, w->ids[w->next++]);
		if (m)
			visit(w, m);
	}
	if (more) {
		loop_later(w->queue->loop, &w->step);
	} else if (w->next == w->count && w->loading == 0) {
		w->order.end(w->order.arg, w->stops);
		walk_free(w);
	} else if (w->loading == 0) {
		loop_timer_set(w->nap, NAP);
	}
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Ids, not messages: they may be gone when the walk comes to them. */
static void note_ids(struct walk *w)
{
	const struct messages *all = w->queue->messages;
	const struct message *m;
	size_t cursor = 0;

	w->ids = mem_alloc((messages_total(all) + 1) * sizeof *w->ids);
	if (w->order.id)
		w->ids[w->count++] = w->order.id;
	while (!w->order.id && (m = messages_each(all, &cursor)))
		w->ids[w->count++] = m->id;
	qsort(w->ids, w->count, sizeof *w->ids, by_id);
}

void walk_begin(struct queue *q, const struct walk_order *order)
{
	struct walk *w = mem_alloc(sizeof *w);

	w->queue = q;
	w->order = *order;
	if (order->filter) {
		w->filter.older = order->filter->older;
		w->state = copy_if_any(order->filter->state);
		w->to = copy_if_any(order->filter->to);
		w->from = copy_if_any(order->filter->from);
		w->reason = copy_if_any(order->filter->reason);
	}
	w->step = (struct loop_task){ .fn = step, .arg = w };
	w->nap = loop_timer_new(q->loop, step, w);
	list_append(&q->walks, &w->all);
	note_ids(w);
	loop_later(q->loop, &w->step);
}
