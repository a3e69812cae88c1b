#include "queue/couriers.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/lease.h"
#include "queue/results.h"

enum {
	LAST_WORDS = 5000,            /* ms for the last answers of a courier that has ended to be read */
	LAST_BREATH = 30000           /* ms for a courier whose link has ended to end as well */
};

struct couriers {
	struct queue *queue;
	struct list list;
	struct idmap *flights;        /* by number */
	uint32_t last_number;
	unsigned seats;               /* given so far; a seat is used again */
	struct loop_task bury;
	struct loop_timer *patience;
};

static void bury_all(void *arg);
static void give_in(struct courier *c);

static void patience_over(void *arg)
{
	struct couriers *all = arg;

	LIST_EACH(l, &all->list)
		give_in(LIST_OF(l, struct courier, all));
	bury_all(all);
}

struct couriers *couriers_new(struct queue *q)
{
	struct couriers *all = mem_alloc(sizeof *all);

	all->queue = q;
	list_init(&all->list);
	all->flights = idmap_new();
	all->bury = (struct loop_task){ .fn = bury_all, .arg = all };
	all->patience = loop_timer_new(q->loop, patience_over, all);
	return all;
}

static void courier_free(struct courier *c)
{
	LIST_EACH(l, &c->flights)
		flight_end(LIST_OF(l, struct flight, of_courier));
	list_remove(&c->all);
	link_free(c->link);
	free(c);
}

void couriers_free(struct couriers *all)
{
	if (!all)
		return;
	LIST_EACH(l, &all->list)
		courier_free(LIST_OF(l, struct courier, all));
	idmap_free(all->flights);
	loop_cancel(all->queue->loop, &all->bury);
	loop_timer_free(all->patience);
	free(all);
}

/* --- the end of a courier: of its link, and of the process --- */

static void note_end(struct courier *c)
{
	struct couriers *all = c->home;

	if (!c->ended)
		c->ended = queue_now(all->queue);
	loop_later(all->queue->loop, &all->bury);
	if (!loop_timer_is_set(all->patience))
		loop_timer_set(all->patience, LAST_WORDS);
}

/* Half an end is taken for the whole one after a while: nothing here may wait for ever for somebody else's
 * word. */
static void give_in(struct courier *c)
{
	int64_t waited = queue_now(c->home->queue) - c->ended;

	if (c->gone && waited >= LAST_WORDS)
		c->broken = true;
	if (c->broken && !c->gone && waited >= LAST_WORDS)
		queue_kill_courier(c->home->queue, c->slot, c->pid);
	if (c->broken && !c->gone && waited >= LAST_BREATH) {
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
		         "delivery process %ld has closed its link, but nobody has seen its end; "
		         "what it had goes out again",
		         (long)c->pid);
		c->gone = true;
	}
	if (c->broken != c->gone)
		loop_timer_set(c->home->patience, LAST_WORDS);
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

static void heard_note(void *arg, const char *text)
{
	(void)arg;
	log_line(LOG_LEVEL_INFO, "courier", NULL, "%s", text);
}

static void heard_break(void *arg, const char *why)
{
	struct courier *c = arg;

	if (!c->gone && !c->retiring)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "delivery process %ld: %s", (long)c->pid, why);
	c->broken = true;
	note_end(c);
}

static const struct link_events events = {
	.credit = heard_credit, .answer = heard_answer, .finish = heard_finish, .closed = heard_closed,
	.note = heard_note, .broken = heard_break,
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
	if (c->seat >= all->seats)
		all->seats = c->seat + 1;
	list_init(&c->flights);
	list_append(&all->list, &c->all);
	c->link = link_new(all->queue->loop, fd, &events, c);
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
	note_end(c);
}

/* Ended by its own fault, not by somebody's signal. */
static bool has_crashed(int status)
{
	static const int faults[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS };

	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof faults / sizeof faults[0]; i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return false;
}

static void lose_flights(struct courier *c, bool crashed)
{
	LIST_EACH(l, &c->flights) {
		struct flight *f = LIST_OF(l, struct flight, of_courier);

		if (c->link)
			f->dot_sent = link_dot_marked(c->link, f->number);
		results_lost(c->home->queue, f, crashed);
	}
}

/* Closing our end tells a courier that is still there to end. */
static void drop_link(struct courier *c)
{
	LIST_EACH(l, &c->flights) {
		struct flight *f = LIST_OF(l, struct flight, of_courier);

		f->dot_sent = link_dot_marked(c->link, f->number);
	}
	link_free(c->link);
	c->link = NULL;
}

static void bury(struct courier *c)
{
	struct queue *q = c->home->queue;
	struct destination *d;
	size_t cursor = 0;

	if (c->flying)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
		         "delivery process %ld has ended with %u requests in its hands; they go out again",
		         (long)c->pid, c->flying);
	lose_flights(c, has_crashed(c->status));
	while ((d = destinations_each(q->destinations, &cursor)))
		lease_courier_gone(d, c->seat);
	courier_free(c);
	queue_wake(q);
}

static void bury_all(void *arg)
{
	struct couriers *all = arg;

	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c->broken && c->link)
			drop_link(c);
		if (c->broken && c->gone)
			bury(c);
	}
}

void couriers_retire(struct couriers *all)
{
	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c->retiring)
			continue;
		c->retiring = true;
		if (!c->broken)
			link_send_stop(c->link);
	}
}

void couriers_give_up(struct couriers *all)
{
	LIST_EACH(l, &all->list)
		lose_flights(LIST_OF(l, struct courier, all), false);
}

/* --- choice --- */

static bool takes_requests(const struct courier *c)
{
	return !c->retiring && !c->broken;
}

static bool has_credit(const struct courier *c)
{
	return takes_requests(c) && c->credit > 0;
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
		if (has_credit(LIST_OF(l, const struct courier, all)))
			return true;
	return false;
}

struct courier *couriers_choose(struct couriers *all, struct destination *d)
{
	bool may_open = destination_open(d) < d->limit;
	struct courier *best = NULL, *hoarder = NULL;

	LIST_EACH(l, &all->list) {
		struct courier *c = LIST_OF(l, struct courier, all);
		const struct share *s = destination_share(d, c->seat);

		if (has_credit(c) && (s->idle || may_open) && lease_prefers(d, c, best))
			best = c;
		else if (s->idle && !c->broken)
			hoarder = c;
	}
	if (!best && hoarder && d->closing == 0) {
		d->closing++;
		link_send_close_idle(hoarder->link, d->number, 1);
	}
	return best;
}

/* --- flights --- */

struct flight *flight_begin(struct courier *c, struct entry *e, size_t count)
{
	struct couriers *all = c->home;
	struct flight *f = mem_alloc(sizeof *f + count * sizeof f->rcpts[0]);

	if (!c->flying)
		c->heard = queue_now(all->queue);
	lease_out(e->destination, c->seat);
	f->courier = c;
	f->active = e->active;
	f->entry = e;
	f->number = ++all->last_number;
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
	f->courier->flying--;
	f->courier->credit++;
	f->active->flights--;
	free(f);
}

size_t couriers_flying(const struct couriers *all)
{
	return idmap_count(all->flights);
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
		         "delivery process %ld has said nothing for %lld s with %u requests in its hands; "
		         "it is killed", (long)c->pid, (long long)silence(c) / 1000, c->flying);
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
	return json_pack("{s:I, s:I, s:I, s:I, s:b}", "slot", (json_int_t)c->slot, "pid", (json_int_t)c->pid,
	                 "credits", (json_int_t)c->credit, "in_flight", (json_int_t)c->flying,
	                 "retiring", (int)c->retiring);
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
