#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/timer_heap.h"

#define ROUNDS_A_TURN 8

/* Clocks as they were when this turn first asked. */
struct clocks {
	int64_t boot, wall;
	bool read;
};

struct task_queue {
	struct loop_task *first, *last;
};

/*
 * Timers are a heap of our own over one timerfd, because libevent's clock stands still while the machine
 * sleeps. The descriptor is armed for the earliest timer and left alone when that one is stopped: an
 * early wake-up costs less than a system call a change.
 */
struct loop {
	struct event_base *base;
	struct clocks *clocks;
	struct timer_heap timers;
	int timer_fd;
	int64_t armed;               /* what timer_fd waits for; 0: nothing */
	struct event timer_event;
	struct task_queue later, running;
	size_t owned;                /* timers, watches and signals that are not freed yet */
	int64_t rest;                /* us before each wait */
	bool stopping;
};

struct loop_timer {
	struct timer_slot slot;      /* first, so that it leads back to the timer */
	struct loop *loop;
	void (*fire)(void *arg);
	void *arg;
};

struct loop_watch {
	struct loop *loop;
	struct event in, out;
	void (*ready)(void *arg, bool readable, bool writable);
	void *arg;
	bool wants_in, wants_out;
};

struct loop_signal {
	struct loop *loop;
	struct event event;
	void (*caught)(void *arg, int signo);
	void *arg;
};

static int64_t clock_read(clockid_t id, int64_t per_second)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

static const struct clocks *clocks_of(const struct loop *l)
{
	struct clocks *c = l->clocks;

	if (!c->read) {
		c->boot = clock_read(CLOCK_BOOTTIME, 1000);
		c->wall = clock_read(CLOCK_REALTIME, 1000);
		c->read = true;
	}
	return c;
}

int64_t loop_now(const struct loop *l)
{
	return clocks_of(l)->boot;
}

int64_t loop_wall(const struct loop *l)
{
	return clocks_of(l)->wall;
}

int64_t loop_micros(void)
{
	return clock_read(CLOCK_MONOTONIC, 1000000);
}

/* Before each wait: the descriptor must go off no later than the earliest timer. */
static void timers_arm(struct loop *l)
{
	const struct timer_slot *first = timer_heap_first(&l->timers);
	int64_t due = first ? first->due : 0;
	struct itimerspec when = { .it_value = { due / 1000, due % 1000 * 1000000 } };

	if (due == 0 || (l->armed != 0 && l->armed <= due))
		return;
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
		l->armed = due;
}

static void timers_fire(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct timer_slot *first;
	uint64_t times;

	(void)what;
	if (read(fd, &times, sizeof times) < 0 && errno == EAGAIN)
		return;
	l->armed = 0;
	while ((first = timer_heap_first(&l->timers)) && first->due <= loop_now(l)) {
		struct loop_timer *t = (struct loop_timer *)(void *)first;

		timer_heap_remove(&l->timers, first);
		t->fire(t->arg);
	}
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fire)(void *arg), void *arg)
{
	struct loop_timer *t = mem_alloc(sizeof *t);

	*t = (struct loop_timer){ .loop = l, .fire = fire, .arg = arg };
	l->owned++;
	return t;
}

/* Always later than the time of this turn, so that timers which set each other cannot keep the loop in
 * one turn. */
void loop_timer_set(struct loop_timer *t, int64_t after_ms)
{
	timer_heap_set(&t->loop->timers, &t->slot, loop_now(t->loop) + (after_ms > 1 ? after_ms : 1));
}

void loop_timer_stop(struct loop_timer *t)
{
	timer_heap_remove(&t->loop->timers, &t->slot);
}

bool loop_timer_is_set(const struct loop_timer *t)
{
	return t->slot.set;
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(t);
	t->loop->owned--;
	free(t);
}

static void watch_in(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->ready(w->arg, true, false);
}

static void watch_out(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->ready(w->arg, false, true);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd,
	void (*ready)(void *arg, bool readable, bool writable), void *arg)
{
	struct loop_watch *w = mem_alloc(sizeof *w);

	w->loop = l;
	w->ready = ready;
	w->arg = arg;
	event_assign(&w->in, l->base, fd, EV_READ | EV_PERSIST, watch_in, w);
	event_assign(&w->out, l->base, fd, EV_WRITE | EV_PERSIST, watch_out, w);
	l->owned++;
	return w;
}

static void event_switch(struct event *e, bool *is, bool wanted)
{
	if (*is == wanted)
		return;
	*is = wanted;
	if (wanted)
		event_add(e, NULL);
	else
		event_del(e);
}

void loop_watch_want(struct loop_watch *w, bool readable, bool writable)
{
	event_switch(&w->in, &w->wants_in, readable);
	event_switch(&w->out, &w->wants_out, writable);
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	loop_watch_want(w, false, false);
	w->loop->owned--;
	free(w);
}

static void signal_caught(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->caught(s->arg, signo);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*caught)(void *arg, int signo),
	void *arg)
{
	struct loop_signal *s = mem_alloc(sizeof *s);

	s->loop = l;
	s->caught = caught;
	s->arg = arg;
	event_assign(&s->event, l->base, signo, EV_SIGNAL | EV_PERSIST, signal_caught, s);
	event_add(&s->event, NULL);
	l->owned++;
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	event_del(&s->event);
	s->loop->owned--;
	free(s);
}

void loop_later(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	if (l->later.last)
		l->later.last->next = t;
	else
		l->later.first = t;
	l->later.last = t;
}

static bool tasks_remove(struct task_queue *q, struct loop_task *t)
{
	struct loop_task *before = NULL, *at = q->first;

	while (at && at != t) {
		before = at;
		at = at->next;
	}
	if (!at)
		return false;
	if (before)
		before->next = t->next;
	else
		q->first = t->next;
	if (q->last == t)
		q->last = before;
	return true;
}

void loop_cancel(struct loop *l, struct loop_task *t)
{
	if (!t->queued)
		return;
	t->queued = false;
	if (!tasks_remove(&l->running, t))
		tasks_remove(&l->later, t);
}

static void round_run(struct loop *l)
{
	l->running = l->later;
	l->later = (struct task_queue){ NULL, NULL };
	while (l->running.first) {
		struct loop_task *t = l->running.first;

		l->running.first = t->next;
		if (!t->next)
			l->running.last = NULL;
		t->queued = false;
		t->fn(t->arg);
	}
}

/* What tasks ask for runs in a further round; after a few of them in the next turn, which then does not
 * wait. */
static void tasks_run(struct loop *l)
{
	for (int rounds = 0; l->later.first && rounds < ROUNDS_A_TURN; rounds++)
		round_run(l);
}

static struct event_base *base_new(void)
{
	struct event_config *config = mem_check(event_config_new());
	struct event_base *base;

	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	base = mem_check(event_base_new_with_config(config));
	event_config_free(config);
	return base;
}

/* Without it there is no waiting, and nothing has begun yet: the process dies as if memory had run out. */
static int timer_descriptor(void)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, NULL, "cannot make a timer: %m");
		exit(EX_OSERR);
	}
	return fd;
}

struct loop *loop_new(void)
{
	struct loop *l = mem_alloc(sizeof *l);

	signal(SIGPIPE, SIG_IGN);
	l->base = base_new();
	l->clocks = mem_alloc(sizeof *l->clocks);
	l->timer_fd = timer_descriptor();
	event_assign(&l->timer_event, l->base, l->timer_fd, EV_READ | EV_PERSIST, timers_fire, l);
	event_add(&l->timer_event, NULL);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(l->owned == 0);
	event_del(&l->timer_event);
	close(l->timer_fd);
	event_base_free(l->base);
	timer_heap_release(&l->timers);
	free(l->clocks);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

void loop_set_rest(struct loop *l, int64_t micros)
{
	l->rest = micros;
}

static void rest(const struct loop *l)
{
	struct timespec time = { .tv_nsec = l->rest * 1000 };

	if (l->rest && !l->later.first)
		nanosleep(&time, NULL);
}

void loop_run(struct loop *l)
{
	while (!l->stopping) {
		timers_arm(l);
		rest(l);
		l->clocks->read = false;
		event_base_loop(l->base, EVLOOP_ONCE | (l->later.first ? EVLOOP_NONBLOCK : 0));
		tasks_run(l);
		log_flush();
	}
	l->stopping = false;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}
