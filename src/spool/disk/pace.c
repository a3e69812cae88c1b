#include "spool/disk/pace.h"

enum { DELAY_MAX_MS = 30000 };

static void begin(void *arg)
{
	struct pace *p = arg;

	if (p->running)
		return;
	p->running = true;
	p->wanted = p->hurried = false;
	p->start(p->arg);
}

void pace_init(struct pace *p, struct loop *loop, int64_t rest_ms, void (*start)(void *arg), void *arg)
{
	*p = (struct pace){ .loop = loop, .rest = rest_ms * 1000, .start = start, .arg = arg,
		.task = { .fn = begin, .arg = p } };
	p->timer = loop_timer_new(loop, begin, p);
}

void pace_clear(struct pace *p)
{
	loop_cancel(p->loop, &p->task);
	loop_timer_free(p->timer);
}

void pace_ask(struct pace *p)
{
	int64_t rested;

	if (p->wanted)
		return;
	p->wanted = true;
	if (p->running || loop_timer_is_set(p->timer))
		return;
	rested = loop_micros() - p->ended;
	if (rested >= p->rest)
		loop_later(p->loop, &p->task);
	else
		loop_timer_set(p->timer, (p->rest - rested + 999) / 1000);
}

void pace_hurry(struct pace *p)
{
	pace_ask(p);
	p->hurried = true;
	if (p->running || p->failures)
		return;
	loop_timer_stop(p->timer);
	loop_later(p->loop, &p->task);
}

void pace_ended(struct pace *p)
{
	p->running = false;
	p->failures = 0;
	p->ended = loop_micros();
	if (p->hurried)
		loop_later(p->loop, &p->task);
	else if (p->wanted)
		loop_timer_set(p->timer, p->rest / 1000);
}

void pace_failed(struct pace *p)
{
	p->running = false;
	p->wanted = true;
	loop_timer_set(p->timer, pace_delay_ms(++p->failures));
}

int64_t pace_delay_ms(unsigned failures)
{
	int64_t delay = failures < 6 ? 1000 << (failures - 1) : DELAY_MAX_MS;

	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}
