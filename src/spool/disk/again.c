#include "spool/disk/again.h"

#include "spool/disk/pace.h"

static void run(void *arg)
{
	again_run(arg);
}

void again_run(struct again *a)
{
	disk_run(a->disk, a->lane, &a->job);
}

bool again_later(struct again *a)
{
	bool first = !a->timer;

	if (first)
		a->timer = loop_timer_new(a->loop, run, a);
	loop_timer_set(a->timer, pace_delay_ms(++a->failures));
	return first;
}

bool again_end(struct again *a)
{
	if (a->timer)
		loop_timer_stop(a->timer);
	return a->timer;
}

void again_clear(struct again *a)
{
	if (a->timer)
		loop_timer_free(a->timer);
	a->timer = NULL;
}
