#include "queue/destination/destination.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "format/address/domain.h"
#include "queue/core.h"
#include "queue/couriers/suspect.h"
#include "queue/destination/health.h"
#include "talk/transport_flags.h"

enum {
	UNLIMITED = 10000,            /* connections, or recipients of a request, where the setting is 0 */
	REFILLS = 16,                 /* crowded destinations looked at in a turn */
	FORGET_AFTER = 10 * 60 * 1000,
	KEY_MAX = 2048
};

struct destinations {
	struct queue *queue;
	struct map *by_name;          /* "transport NUL nexthop" */
	struct idmap *by_number;
	struct list ready, crowded;
	uint32_t last_number;
};

struct destinations *destinations_new(struct queue *q)
{
	struct destinations *all = mem_alloc(sizeof *all);

	all->queue = q;
	all->by_name = map_new();
	all->by_number = idmap_new();
	list_init(&all->ready);
	list_init(&all->crowded);
	return all;
}

static void destination_free(struct destination *d)
{
	list_remove(&d->ready);
	list_remove(&d->crowded);
	health_end(d);
	width_end(d);
	parking_free(&d->parking);
	loop_timer_free(d->pause);
	free(d->transport);
	free(d->nexthop);
	free(d->name);
	free(d->flags);
	free(d->tls);
	free(d->shares);
	free(d);
}

void destinations_free(struct destinations *all)
{
	struct destination *d;
	size_t cursor = 0;

	if (!all)
		return;
	while ((d = idmap_next(all->by_number, &cursor)))
		destination_free(d);
	map_free(all->by_name);
	idmap_free(all->by_number);
	free(all);
}

static unsigned bounded(int64_t value, unsigned least, unsigned most)
{
	if (value == 0 || value > most)
		return most;
	return value < least ? least : (unsigned)value;
}

static struct window_rules rules_of(const struct manner *m)
{
	struct window_rules r = {
		.limit = bounded(m->destination_concurrency_limit, 1, UNLIMITED),
		.cohorts = (unsigned)m->destination_concurrency_failed_cohort_limit,
	};

	r.initial = bounded(m->initial_destination_concurrency, 1, r.limit);
	feedback_read(m->destination_concurrency_positive_feedback, &r.positive);
	feedback_read(m->destination_concurrency_negative_feedback, &r.negative);
	return r;
}

static void configure(struct destination *d)
{
	const struct settings_transport *t = settings_transport(d->queue->settings, d->transport);
	const struct manner *m = t ? t->manner : NULL;

	if (!m)
		return;
	d->protocol = m->protocol;
	d->rules = rules_of(m);
	d->rcpt_limit = transport_flags_name_recipient(t->flags) ? 1
		: bounded(m->destination_recipient_limit, 1, UNLIMITED);
	d->rate_delay = m->destination_rate_delay;
	free(d->flags);
	d->flags = mem_str(t->flags);
}

static struct destination *destination_new(struct destinations *all, const char *transport,
	const char *nexthop)
{
	struct destination *d = mem_alloc(sizeof *d);

	d->queue = all->queue;
	d->number = ++all->last_number;
	d->transport = mem_str(transport);
	d->nexthop = mem_str(nexthop);
	d->name = mem_fmt("%s:%s", transport, nexthop);
	list_init(&d->line);
	list_init(&d->ready);
	list_init(&d->crowded);
	list_init(&d->ahead);
	configure(d);
	window_begin(&d->window, &d->rules);
	health_begin(d);
	return d;
}

/* "transport NUL nexthop"; returns its length. */
static size_t print_key(char key[KEY_MAX], const char *transport, const char *nexthop)
{
	size_t n = strlen(transport), m = strlen(nexthop);

	assert(n + 1 + m <= KEY_MAX);
	memcpy(key, transport, n + 1);
	memcpy(key + n + 1, nexthop, m);
	return n + 1 + m;
}

struct destination *destinations_get(struct destinations *all, const char *transport, const char *nexthop)
{
	char key[KEY_MAX];
	size_t n = print_key(key, transport, nexthop);
	struct destination *d = map_get(all->by_name, key, n);

	if (!d) {
		d = destination_new(all, transport, nexthop);
		map_put(all->by_name, key, n, d);
		idmap_put(all->by_number, d->number, d);
	}
	d->used = queue_now(all->queue);
	return d;
}

const struct destination *destinations_known(const struct destinations *all, const char *transport,
	const char *nexthop)
{
	char key[KEY_MAX];
	size_t n = print_key(key, transport, nexthop);

	return map_get(all->by_name, key, n);
}

struct destination *destinations_find(const struct destinations *all, uint32_t number)
{
	return idmap_get(all->by_number, number);
}

struct destination *destinations_each(const struct destinations *all, size_t *cursor)
{
	return idmap_next(all->by_number, cursor);
}

void destinations_reconfigure(struct destinations *all)
{
	struct destination *d;
	size_t cursor = 0;

	while ((d = idmap_next(all->by_number, &cursor))) {
		configure(d);
		if (d->window.size > d->rules.limit)
			d->window.size = d->rules.limit;
		destination_wake(d);
	}
}

static bool is_unused(const struct destination *d, int64_t now)
{
	return d->entries == 0 && d->busy + d->idle == 0 && parking_count(&d->parking) == 0 &&
		!d->health.suspended &&
		now - d->used >= FORGET_AFTER;
}

static void forget(struct destinations *all, struct destination *d)
{
	char key[KEY_MAX];
	size_t n = print_key(key, d->transport, d->nexthop);

	map_take(all->by_name, key, n);
	idmap_take(all->by_number, d->number);
	destination_free(d);
}

void destinations_sweep(struct destinations *all, int64_t now)
{
	size_t count = 0, cursor = 0;
	struct destination **unused = mem_alloc((idmap_count(all->by_number) + 1) * sizeof *unused), *d;

	while ((d = idmap_next(all->by_number, &cursor)))
		if (is_unused(d, now))
			unused[count++] = d;
	while (count)
		forget(all, unused[--count]);
	free(unused);
}

void destination_enqueue(struct destination *d, struct entry *e, bool front)
{
	assert(e->waiting && list_empty(&e->in_line));
	if (e->active->message->order != ORDER_NONE)
		return;
	if (e->active->message->suspect) {
		suspects_enqueue(d->queue->suspects, e, front);
		return;
	}
	if (front)
		list_prepend(&d->line, &e->in_line);
	else
		list_append(&d->line, &e->in_line);
	d->in_line++;
	d->waiting += e->waiting;
	destination_wake(d);
}

void destination_withdraw(struct destination *d, struct entry *e)
{
	if (list_empty(&e->in_line))
		return;
	if (e->apart) {
		suspects_withdraw(d->queue->suspects, e);
		return;
	}
	list_remove(&e->in_line);
	d->in_line--;
	d->waiting -= e->waiting;
}

void destination_return(struct destination *d, struct entry *e, uint32_t rcpt)
{
	destination_withdraw(d, e);
	entry_prepend(e, rcpt);
	destination_enqueue(d, e, true);
}

void destination_forget(struct destination *d, struct entry *e)
{
	destination_withdraw(d, e);
	if (d->latest == e)
		d->latest = NULL;
	d->entries--;
	d->used = queue_now(d->queue);
}

struct entry *destination_latest(const struct destination *d)
{
	return d->latest;
}

void destination_remember(struct destination *d, struct entry *e)
{
	d->latest = e;
	d->entries++;
}

struct entry *destination_first(struct destination *d)
{
	return LIST_OF(list_first(&d->line), struct entry, in_line);
}

size_t destination_take(struct destination *d, struct entry *e, uint32_t *out, size_t max)
{
	size_t count;

	destination_withdraw(d, e);
	count = entry_take(e, out, max);
	if (e->waiting)
		destination_enqueue(d, e, false);
	return count;
}

void destination_try_again(struct destination *d)
{
	if (list_empty(&d->ready))
		list_append(&d->queue->destinations->ready, &d->ready);
}

void destination_wake(struct destination *d)
{
	destination_try_again(d);
	queue_wake(d->queue);
}

struct destination *destinations_ready(struct destinations *all)
{
	struct list *first = list_first(&all->ready);

	if (!first)
		return NULL;
	list_remove(first);
	return LIST_OF(first, struct destination, ready);
}

void destination_crowded(struct destination *d)
{
	if (list_empty(&d->crowded))
		list_append(&d->queue->destinations->crowded, &d->crowded);
}

void destinations_refill(struct destinations *all)
{
	struct list *first;

	for (int i = 0; i < REFILLS && (first = list_first(&all->crowded)); i++) {
		struct destination *d = LIST_OF(first, struct destination, crowded);

		list_remove(first);
		if (d->health.dead || d->health.suspended)
			continue;
		parking_refill(d);
		if (parking_count(&d->parking))
			destination_crowded(d);
	}
}

static void pause_over(void *arg)
{
	destination_wake(arg);
}

bool destination_has_room(struct destination *d, int64_t now)
{
	if (d->health.suspended)
		return false;
	if (d->health.dead)
		return d->health.probe_wanted && !d->health.probing;
	if (now < d->pause_until) {
		if (!d->pause)
			d->pause = loop_timer_new(d->queue->loop, pause_over, d);
		loop_timer_set(d->pause, d->pause_until - now);
		return false;
	}
	return d->busy < (d->rate_delay ? 1 : width_of(d));
}

bool destination_is_full(const struct destination *d, int64_t now)
{
	return !d->health.suspended && !d->health.dead && now >= d->pause_until && !d->rate_delay &&
		d->busy >= width_of(d);
}

void destination_pause(struct destination *d, int64_t until)
{
	if (until > d->pause_until)
		d->pause_until = until;
}

struct share *destination_share(struct destination *d, unsigned seat)
{
	if (seat >= d->seats) {
		d->shares = mem_grow(d->shares, seat + 1, sizeof *d->shares);
		memset(d->shares + d->seats, 0, (seat + 1 - d->seats) * sizeof *d->shares);
		d->seats = seat + 1;
	}
	return &d->shares[seat];
}

unsigned destination_open(const struct destination *d)
{
	return d->busy + d->idle;
}

const char *destination_socket(const struct destination *d)
{
	struct text nexthop = text_of(d->nexthop);

	if (d->protocol != PROTOCOL_LMTP || domain_lmtp(&nexthop) != DOMAIN_LMTP_SOCKET)
		return NULL;
	return nexthop.p;   /* to the end of the nexthop */
}
