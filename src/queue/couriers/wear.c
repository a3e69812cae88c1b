#include "queue/couriers/wear.h"

#include "queue/core.h"

static const struct settings *settings_of(const struct courier *c)
{
	return c->home->queue->settings;
}

static void retire(struct courier *c)
{
	if (c->retiring)
		return;
	courier_retire(c);
	queue_replace_courier(c->home->queue, c->slot, c->pid);
}

static void idle_for_long(void *arg)
{
	struct courier *c = arg;

	if (c->flying == 0)
		retire(c);
}

void wear_begin(struct courier *c)
{
	if (settings_of(c)->max_idle <= 0)
		return;
	c->idle = loop_timer_new(c->home->queue->loop, idle_for_long, c);
	wear_idle(c);
}

void wear_end(struct courier *c)
{
	loop_timer_free(c->idle);
}

void wear_used(struct courier *c)
{
	int64_t most = settings_of(c)->max_use;

	c->used++;
	if (most > 0 && c->used >= most)
		retire(c);
}

void wear_idle(struct courier *c)
{
	if (c->idle)
		loop_timer_set(c->idle, settings_of(c)->max_idle);
}
