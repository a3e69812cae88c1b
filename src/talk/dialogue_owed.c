/* The replies that are owed, in runs: a ring, the oldest first. */
#include "talk/dialogue_private.h"

#include <assert.h>

const struct owed *dialogue_owed(const struct dialogue *d)
{
	return d->owed_runs ? &d->owed[d->owed_first] : NULL;
}

void dialogue_owe(struct dialogue *d, enum step step, size_t rcpt, size_t count)
{
	struct owed *last = &d->owed[(d->owed_first + d->owed_runs + OWED_MAX - 1) % OWED_MAX];

	if (d->owed_runs && last->step == step && (step == STEP_RCPT || step == STEP_CHUNK)) {
		last->count++;
		return;
	}
	assert(d->owed_runs < OWED_MAX);
	d->owed[(d->owed_first + d->owed_runs) % OWED_MAX] =
		(struct owed){ .step = step, .rcpt = rcpt, .count = count };
	d->owed_runs++;
}

void dialogue_count_finals(struct dialogue *d)
{
	struct owed *oldest = &d->owed[d->owed_first];

	if (!d->owed_runs || oldest->step != STEP_DOT || d->now.finals)
		return;
	d->now.finals = d->lmtp && d->now.left ? d->now.left : 1;
	oldest->count = d->now.finals;
	d->now.next_final = 0;
	d->dirty = false;
}

struct owed dialogue_take_owed(struct dialogue *d)
{
	struct owed *oldest = &d->owed[d->owed_first], owner = *oldest;

	oldest->rcpt++;
	if (--oldest->count == 0) {
		d->owed_first = (d->owed_first + 1) % OWED_MAX;
		d->owed_runs--;
	}
	if (d->owed_runs == 0)
		d->burst = 0;
	return owner;
}
