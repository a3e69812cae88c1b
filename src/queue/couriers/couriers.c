#include "queue/couriers/couriers.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "link/keys.h"
#include "queue/core.h"
#include "queue/couriers/flight.h"
#include "queue/couriers/kept.h"
#include "queue/couriers/loss.h"
#include "queue/couriers/results.h"
#include "queue/couriers/wear.h"
#include "queue/destination/lease.h"
#include "queue/operator/explain.h"
#include "queue/queue.h"

struct couriers *couriers_new(struct queue *q)
{
	struct couriers *all = mem_alloc(sizeof *all);

	all->queue = q;
	list_init(&all->list);
	all->flights = idmap_new();
	loss_begin(all);
	return all;
}

void couriers_forget(struct courier *c)
{
	LIST_EACH(l, &c->flights)
		flight_end(LIST_OF(l, struct flight, of_courier));
	list_remove(&c->all);
	wear_end(c);
	link_free(c->link);
	free(c);
}

void couriers_free(struct couriers *all)
{
	if (!all)
		return;
	LIST_EACH(l, &all->list)
		couriers_forget(LIST_OF(l, struct courier, all));
	idmap_free(all->flights);
	loss_end(all);
	free(all);
}

/* --- what a courier says --- */

static struct queue *hear(struct courier *c)
{
	c->heard = queue_now(c->home->queue);
	return c->home->queue;
}

static void heard_credit(void *arg, unsigned more)
{
	struct courier *c = arg;

	c->credit = more < LINK_SLOTS - c->flying - c->credit ? c->credit + more : LINK_SLOTS - c->flying;
	queue_wake(hear(c));
}

static void heard_answer(void *arg, const struct answer *a)
{
	struct courier *c = arg;

	results_answer(hear(c), c, a);
}

static void heard_finish(void *arg, const struct finish *f)
{
	struct courier *c = arg;

	results_finish(hear(c), c, f);
}

static void heard_closed(void *arg, uint32_t destination, unsigned count)
{
	struct courier *c = arg;
	struct destination *d = destinations_find(c->home->queue->destinations, destination);

	if (d)
		lease_closed(d, c->seat, count);
}

static void heard_note(void *arg, uint32_t request, const char *text)
{
	results_note(arg, request, text);
}

static void heard_found(void *arg, uint32_t number, const char *answer)
{
	explanations_found(hear(arg)->explanations, number, answer);
}

static void tell(void *arg, const char *name, struct text value)
{
	struct courier *c = arg;

	link_send_keep(c->link, name, value.p, value.n);
}

/* What is kept for all. A courier that does not listen gets no more to wait for it here; it does without. */
static void tell_others(const struct courier *from, const char *name, struct text value)
{
	LIST_EACH(l, &from->home->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c != from && !c->broken && !link_is_behind(c->link))
			tell(c, name, value);
	}
}

static void heard_keep(void *arg, const char *name, const void *value, size_t n)
{
	struct courier *c = arg;
	struct queue *q = hear(c);

	kept_put(q->kept, name, text_make(value, n));
	if (strncmp(name, LINK_KEY_FOR_ALL, strlen(LINK_KEY_FOR_ALL)) == 0)
		tell_others(c, name, kept_get(q->kept, name, loop_wall(q->loop)));
}

static void heard_have(void *arg, const char *name)
{
	struct courier *c = arg;
	struct queue *q = hear(c);
	struct text value;

	/* as in tell_others */
	if (link_is_behind(c->link))
		return;
	value = kept_get(q->kept, name, loop_wall(q->loop));
	link_send_keep(c->link, name, value.p, value.n);
}

static void heard_break(void *arg, const char *why)
{
	struct courier *c = arg;

	if (!c->gone && !c->retiring)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "courier %ld: %s", (long)c->pid, why);
	c->broken = true;
	explanations_lost(c->home->queue->explanations, c);
	loss_noted(c);
}

static const struct link_events events = {
	.credit = heard_credit, .answer = heard_answer, .finish = heard_finish, .closed = heard_closed,
	.note = heard_note, .found = heard_found, .keep = heard_keep, .have = heard_have, .broken = heard_break,
};

/* --- coming and going --- */

static bool seat_is_taken(const struct couriers *all, unsigned seat)
{
	for (const struct list *l = all->list.next; l != &all->list; l = l->next)
		if (LIST_OF(l, const struct courier, all)->seat == seat)
			return true;
	return false;
}

static unsigned free_seat(const struct couriers *all)
{
	unsigned seat = 0;

	while (seat_is_taken(all, seat))
		seat++;
	return seat;
}

void couriers_add(struct couriers *all, unsigned slot, pid_t pid, int fd)
{
	struct courier *c = mem_alloc(sizeof *c);

	c->home = all;
	c->slot = slot;
	c->pid = pid;
	c->seat = free_seat(all);
	c->apart = slot == QUEUE_SLOT_APART;
	list_init(&c->flights);
	list_append(&all->list, &c->all);
	c->link = link_new(all->queue->loop, fd, &events, c);
	wear_begin(c);
	kept_each(all->queue->kept, LINK_KEY_FOR_ALL, loop_wall(all->queue->loop), tell, c);
}

static struct courier *find(struct couriers *all, unsigned slot, pid_t pid)
{
	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c->slot == slot && c->pid == pid)
			return c;
	}
	return NULL;
}

/* What it had said before its end may still wait in the socket: its flights are judged when the link has
 * ended too. */
void couriers_gone(struct couriers *all, unsigned slot, pid_t pid, int status)
{
	struct courier *c = find(all, slot, pid);

	if (!c)
		return;
	c->gone = true;
	c->status = status;
	c->retiring = true;
	loss_noted(c);
}

void courier_retire(struct courier *c)
{
	if (c->retiring)
		return;
	c->retiring = true;
	if (c->broken)
		return;
	lease_recall_courier(c);
	link_send_stop(c->link);
}

void couriers_retire(struct couriers *all)
{
	LIST_EACH(l, &all->list)
		courier_retire(LIST_OF(l, struct courier, all));
}

/* --- choice --- */

static bool takes_requests(const struct courier *c)
{
	return !c->retiring && !c->broken;
}

struct courier *couriers_apart(struct couriers *all)
{
	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c->apart && takes_requests(c))
			return c;
	}
	return NULL;
}

static bool has_credit(const struct courier *c, bool apart)
{
	return takes_requests(c) && c->apart == apart && c->credit > 0;
}

struct courier *couriers_any(struct couriers *all)
{
	LIST_EACH(l, &all->list)
		if (takes_requests(LIST_OF(l, struct courier, all)))
			return LIST_OF(l, struct courier, all);
	return NULL;
}

size_t couriers_working(const struct couriers *all)
{
	size_t n = 0;

	for (const struct list *l = all->list.next; l != &all->list; l = l->next)
		n += takes_requests(LIST_OF(l, const struct courier, all));
	return n;
}

bool couriers_have_credit(const struct couriers *all)
{
	for (const struct list *l = all->list.next; l != &all->list; l = l->next)
		if (has_credit(LIST_OF(l, const struct courier, all), false))
			return true;
	return false;
}

struct courier *couriers_choose(struct couriers *all, struct destination *d, bool apart)
{
	bool may_open = destination_open(d) < d->rules.limit;
	struct courier *best = NULL, *hoarder = NULL;

	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);
		const struct share *s = destination_share(d, c->seat);

		if (has_credit(c, apart) && (s->idle > 0 || may_open) && lease_prefers(d, c, best))
			best = c;
		else if (s->idle > 0 && !c->broken)
			hoarder = c;
	}
	if (!best && hoarder && d->closing == 0) {
		d->closing++;
		link_send_close_idle(hoarder->link, d->number, 1);
	}
	return best;
}

struct courier *couriers_ahead(struct couriers *all, struct destination *d)
{
	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (has_credit(c, false) && lease_may_await(d, c))
			return c;
	}
	return NULL;
}

/* --- what they have in hand --- */

size_t couriers_flying(const struct couriers *all)
{
	return idmap_count(all->flights);
}

void couriers_give_up(struct couriers *all)
{
	LIST_EACH(l, &all->list)
		loss_of_flights(LIST_OF(l, struct courier, all), false);
}

static int64_t silence(const struct courier *c)
{
	return c->flying ? queue_now(c->home->queue) - c->heard : 0;
}

int64_t couriers_silence(const struct couriers *all)
{
	int64_t longest = 0;

	for (const struct list *l = all->list.next; l != &all->list; l = l->next) {
		int64_t ms = silence(LIST_OF(l, const struct courier, all));

		longest = ms > longest ? ms : longest;
	}
	return longest;
}

void couriers_watch(struct couriers *all)
{
	int64_t patience = all->queue->settings->daemon_timeout;

	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c->gone || patience <= 0 || silence(c) <= patience)
			continue;
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"courier %ld has said nothing for %lld s with %u request%s in its hands; "
			"it is killed", (long)c->pid, (long long)silence(c) / 1000, c->flying,
			text_plural(c->flying));
		queue_kill_courier(all->queue, c->slot, c->pid);
	}
}

void couriers_flush(struct couriers *all)
{
	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (!c->broken)
			link_flush(c->link);
	}
}

static json_t *courier_json(const struct courier *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "slot", (json_int_t)c->slot, "pid", (json_int_t)c->pid,
		"credits", (json_int_t)c->credit, "in_flight", (json_int_t)c->flying,
		"retiring", (int)c->retiring, "for_suspects", (int)c->apart);
}

json_t *couriers_list(const struct couriers *all)
{
	json_t *list = json_array();

	for (const struct list *l = all->list.next; l != &all->list; l = l->next) {
		const struct courier *c = LIST_OF(l, const struct courier, all);

		json_array_append_new(list, courier_json(c));
	}
	return list;
}
