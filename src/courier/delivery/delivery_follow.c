#include "courier/delivery/delivery_private.h"

/* Whether the mail that is next may go by the connection at hand. */
static bool fits(const struct delivery *d)
{
	const struct list *first = ahead_first(d->tools->ahead, d->request->destination);
	const struct request *r = first ? LIST_OF(first, const struct delivery, ahead)->request : NULL;

	return r && session_serves(d->session, r->envelope->sender, r->tls_wanted);
}

/* The request that has waited longest for a connection of this destination gets this one already. */
void delivery_may_follow(void *arg)
{
	struct delivery *d = arg, *next;
	struct list *first = NULL;
	struct session_job job;

	if (transport_keeps(d->transport, d->request->nexthop) && fits(d))
		first = ahead_take(d->tools->ahead, d->request->destination);
	if (!first)
		return;
	next = d->follower = LIST_OF(first, struct delivery, ahead);
	next->phase = FOLLOWING;
	next->session = d->session;
	next->reused = true;
	job = delivery_job(next, session_is_only(d->session));
	session_follow(d->session, &job, &delivery_events, next);
}

/* The connection is the follower's, with its lease. */
void delivery_passed(void *arg)
{
	struct delivery *d = arg;

	delivery_transaction_over(d);
	d->session = NULL;
	d->follower->phase = TRYING;
	delivery_finish(d, CONNECTION_PASSED, d->follower->request->number);
}

/* Nothing came of it: it waits again, unless the queue has wanted it back meanwhile. */
void delivery_returned(void *arg)
{
	struct delivery *d = arg;

	d->phase = WAITING;
	d->session = NULL;
	d->reused = false;
	if (d->recalled)
		delivery_give_back(d);
	else
		ahead_put(d->tools->ahead, d->request->destination, &d->ahead);
}
