#include "fake_loop.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

enum { WATCHES_MAX = 64 };

struct loop {
	struct list timers, watches;
	struct loop_task *first, **end;
	int64_t boot, wall;
	bool stopped;
};

struct loop_timer {
	struct list all;
	struct loop *loop;
	void (*fire)(void *arg);
	void *arg;
	int64_t due;
	bool set;
};

struct loop_watch {
	struct list all;
	int fd;
	void (*ready)(void *arg, bool readable, bool writable);
	void *arg;
	bool in, out;
};

struct loop *loop_new(void)
{
	struct loop *l = mem_alloc(sizeof *l);

	list_init(&l->timers);
	list_init(&l->watches);
	l->end = &l->first;
	l->boot = 1000000;
	l->wall = INT64_C(1700000000000);
	return l;
}

void loop_free(struct loop *l)
{
	assert(list_empty(&l->timers) && list_empty(&l->watches));
	free(l);
}

int64_t loop_now(const struct loop *l)
{
	return l->boot;
}

int64_t loop_wall(const struct loop *l)
{
	return l->wall;
}

int64_t loop_micros(void)
{
	return 0;
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fire)(void *arg), void *arg)
{
	struct loop_timer *t = mem_alloc(sizeof *t);

	*t = (struct loop_timer){ .loop = l, .fire = fire, .arg = arg };
	list_append(&l->timers, &t->all);
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms)
{
	t->due = t->loop->boot + (after_ms > 1 ? after_ms : 1);
	t->set = true;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->set = false;
}

bool loop_timer_is_set(const struct loop_timer *t)
{
	return t->set;
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	list_remove(&t->all);
	free(t);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*ready)(void *arg, bool readable,
                                                                        bool writable), void *arg)
{
	struct loop_watch *w = mem_alloc(sizeof *w);

	*w = (struct loop_watch){ .fd = fd, .ready = ready, .arg = arg };
	list_append(&l->watches, &w->all);
	return w;
}

void loop_watch_want(struct loop_watch *w, bool readable, bool writable)
{
	w->in = readable;
	w->out = writable;
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	list_remove(&w->all);
	free(w);
}

void loop_later(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*l->end = t;
	l->end = &t->next;
}

void loop_cancel(struct loop *l, struct loop_task *t)
{
	struct loop_task **at = &l->first;

	if (!t->queued)
		return;
	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	t->queued = false;
	for (l->end = &l->first; *l->end; l->end = &(*l->end)->next)
		;
}

static bool run_tasks(struct loop *l)
{
	struct loop_task *t, *last = NULL;
	bool any = l->first;

	for (t = l->first; t; t = t->next)
		last = t;
	while ((t = l->first)) {
		l->first = t->next;
		if (!l->first)
			l->end = &l->first;
		t->queued = false;
		t->fn(t->arg);
		if (t == last)
			break;
	}
	return any;
}

/* One watch at a time: its call-back may free others. */
static bool run_watch(struct loop *l)
{
	LIST_EACH(at, &l->watches) {
		struct loop_watch *w = LIST_OF(at, struct loop_watch, all);
		struct pollfd p = { .fd = w->fd, .events = (short)((w->in ? POLLIN : 0) | (w->out ? POLLOUT
		                                                                           : 0)) };

		if (!p.events || poll(&p, 1, 0) <= 0)
			continue;
		list_remove(&w->all);
		list_append(&l->watches, &w->all);
		w->ready(w->arg, w->in && p.revents & ~POLLOUT, w->out && p.revents & POLLOUT);
		return true;
	}
	return false;
}

static struct loop_timer *earliest(struct loop *l)
{
	struct loop_timer *first = NULL;

	LIST_EACH(at, &l->timers) {
		struct loop_timer *t = LIST_OF(at, struct loop_timer, all);

		if (t->set && (!first || t->due < first->due))
			first = t;
	}
	return first;
}

/* Everything that can be done now, else a step in time; false at the limit. */
static bool go_on(struct loop *l, int64_t limit)
{
	struct loop_timer *t = earliest(l);
	bool busy = false;

	if (t && t->due <= l->boot) {
		t->set = false;
		t->fire(t->arg);
		busy = true;
	}
	for (int i = 0; i < WATCHES_MAX && run_watch(l); i++)
		busy = true;
	if (run_tasks(l) || busy)
		return true;
	if (!t || t->due > limit) {
		l->wall += limit - l->boot;
		l->boot = limit;
		return false;
	}
	l->wall += t->due - l->boot;
	l->boot = t->due;
	return true;
}

bool fake_loop_until(struct loop *l, bool (*done)(void *arg), void *arg, int64_t max_ms)
{
	int64_t limit = l->boot + max_ms;

	while ((!done || !done(arg)) && go_on(l, limit))
		;
	log_flush();
	return done && done(arg);
}

void loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped && go_on(l, INT64_MAX))
		;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

void fake_loop_jump(struct loop *l, int64_t ms)
{
	l->wall += ms;
}
