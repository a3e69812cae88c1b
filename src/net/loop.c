#include "net/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define ROUNDS_A_TURN 8

struct loop_timer {
	struct timer_slot slot;      /* first, so that it leads back to the timer */
	struct loop *loop;
	void (*fire)(void *arg);
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
	l->usual = sched_getscheduler(0) == SCHED_OTHER;
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

void loop_set_patient(struct loop *l, bool patient)
{
	if (!l->usual || patient == l->patient)
		return;
	l->patient = patient;
	sched_setscheduler(0, patient ? SCHED_BATCH : SCHED_OTHER, &(struct sched_param){ 0 });
}

void loop_run(struct loop *l)
{
	while (!l->stopping) {
		timers_arm(l);
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
