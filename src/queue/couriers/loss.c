#include "queue/couriers/loss.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/core.h"
#include "queue/couriers/flight.h"
#include "queue/couriers/results.h"
#include "queue/destination/lease.h"
#include "queue/report/notices.h"

enum {
	LAST_WORDS = 5000,            /* ms for the last answers of a courier that has ended to be read */
	LAST_BREATH = 30000           /* ms for a courier whose link has ended to end as well */
};

/* Ended by its own fault, not by somebody's signal. */
static bool has_crashed(int status)
{
	static const int faults[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS };

	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof faults / sizeof faults[0]; i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return false;
}

static void read_marks(struct courier *c)
{
	LIST_EACH(l, &c->flights) {
		struct flight *f = LIST_OF(l, struct flight, of_courier);

		f->dot_sent = link_dot_marked(c->link, f->number);
	}
}

void loss_of_flights(struct courier *c, bool crashed)
{
	if (c->link)
		read_marks(c);
	LIST_EACH(l, &c->flights)
		results_lost(c->home->queue, LIST_OF(l, struct flight, of_courier), crashed);
}

/* Closing our end tells a courier that is still there to end. */
static void drop_link(struct courier *c)
{
	read_marks(c);
	link_free(c->link);
	c->link = NULL;
}

static void tell_crash(struct queue *q, const struct courier *c)
{
	int signal = WTERMSIG(c->status);
	char *text = mem_fmt("Courier %ld was ended by signal %d (%s). Another one takes its place; the messages "
		"that it had are tried again, one at a time.\nPlease report what the log says about it.\n",
		(long)c->pid, signal, strsignal(signal));

	notices_raise(q->notices, &(struct notice){ .class = NOTICE_SOFTWARE, .key = "courier crashed",
		.subject = "a courier has crashed", .text = text });
	free(text);
}

static void bury(struct courier *c)
{
	struct queue *q = c->home->queue;
	struct destination *d;
	size_t cursor = 0;

	if (c->flying)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"courier %ld has ended with %u request%s in its hands; what it had goes out again",
			(long)c->pid, c->flying, text_plural(c->flying));
	if (has_crashed(c->status))
		tell_crash(q, c);
	loss_of_flights(c, has_crashed(c->status));
	while ((d = destinations_each(q->destinations, &cursor)))
		lease_courier_gone(d, c->seat);
	couriers_forget(c);
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

/* Nothing here may wait for ever for somebody else's word. */
static void give_in(struct courier *c)
{
	int64_t waited = queue_now(c->home->queue) - c->ended;

	if (c->gone && waited >= LAST_WORDS)
		c->broken = true;
	if (c->broken && !c->gone && waited >= LAST_WORDS)
		queue_kill_courier(c->home->queue, c->slot, c->pid);
	if (c->broken && !c->gone && waited >= LAST_BREATH) {
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"courier %ld has closed its link, but nobody has seen its end; "
			"what it had goes out again",
			(long)c->pid);
		c->gone = true;
	}
	if (c->broken != c->gone)
		loop_timer_set(c->home->patience, LAST_WORDS);
}

static void patience_over(void *arg)
{
	struct couriers *all = arg;

	LIST_EACH(l, &all->list)
		give_in(LIST_OF(l, struct courier, all));
	bury_all(all);
}

void loss_begin(struct couriers *all)
{
	all->bury = (struct loop_task){ .fn = bury_all, .arg = all };
	all->patience = loop_timer_new(all->queue->loop, patience_over, all);
}

void loss_end(struct couriers *all)
{
	loop_cancel(all->queue->loop, &all->bury);
	loop_timer_free(all->patience);
}

void loss_noted(struct courier *c)
{
	struct couriers *all = c->home;

	if (!c->ended)
		c->ended = queue_now(all->queue);
	loop_later(all->queue->loop, &all->bury);
	if (!loop_timer_is_set(all->patience))
		loop_timer_set(all->patience, LAST_WORDS);
}
