/*
 * Two transactions at once (RFC 2920 3.1): the commands of the next one go out behind a content whose final
 * replies are not in yet. The content of the later one never does, so that whatever happens to the connection
 * meanwhile, it is as if it had not begun.
 */
#include "talk/dialogue_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* Whoever is left after a refusal by the one that ends has to be settled by it: no other host, no further
 * transaction. */
bool dialogue_may_follow(const struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);

	return d->manner->pipeline_transactions && d->offers.offers & EHLO_PIPELINING && d->step == STEP_OVER
		&& !d->before && !d->unfit && d->now.left > 0 && d->now.policy.last_host && owed
		&& owed->step == STEP_DOT;
}

void dialogue_make_way(struct dialogue *d)
{
	d->before = mem_alloc(sizeof *d->before);
	*d->before = d->now;
	d->now = (struct course){ .active = false };
	d->served = true;
}

bool dialogue_turn(struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);
	bool meant = d->before && owed && owed->step == STEP_DOT;

	if (meant)
		dialogue_swap(d);
	return meant;
}

void dialogue_swap(struct dialogue *d)
{
	struct course later = d->now;

	if (!d->before)
		return;
	d->now = *d->before;
	*d->before = later;
}

void dialogue_free_course(struct course *c)
{
	for (size_t i = c->collected; i < c->fallen_count; i++)
		verdict_clear(&c->fallen[i].verdict);
	free(c->fallen);
	free(c->state);
	*c = (struct course){ .active = c->active };
}

void dialogue_forget_follower(struct dialogue *d)
{
	if (!d->before || d->before->dot_sent)
		return;   /* an earlier one that is over waits to be collected */
	dialogue_free_course(d->before);
	free(d->before);
	d->before = NULL;
}

bool dialogue_follows(const struct dialogue *d)
{
	return d->before;
}

bool dialogue_passed(struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);
	struct course *c = d->before;

	if (!c || c->left > 0 || c->collected < c->fallen_count || (owed && owed->step == STEP_DOT))
		return false;
	dialogue_free_course(c);
	free(c);
	d->before = NULL;
	return true;
}
