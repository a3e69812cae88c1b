#include "queue/route/elsewhere.h"

#include <stdio.h>

#include "queue/core.h"
#include "queue/result/judge.h"
#include "queue/route/route.h"

static void loops(struct queue *q, struct entry *e, uint32_t rcpt)
{
	const struct destination *d = e->destination;
	char text[ROUTE_NEXTHOP_MAX + 80];

	snprintf(text, sizeof text, "mail for %s loops back to myself", d->nexthop);
	if (q->settings->soft_bounce)
		judge_here(q, e->active, rcpt, d->transport, OUTCOME_DEFERRED, "4.4.6", text);
	else
		judge_here(q, e->active, rcpt, d->transport, OUTCOME_BOUNCED, "5.4.6", text);
}

void elsewhere_send(struct queue *q, struct entry *e, uint32_t rcpt)
{
	struct active *a = e->active;
	struct recipient *r = &a->rcpts[rcpt];
	struct route_answer way;
	struct destination *d;

	route_best_mx(q->route, a->envelope->rcpts[rcpt].address, &way);
	if (!way.found) {
		judge_here(q, a, rcpt, way.transport, OUTCOME_DEFERRED, way.dsn, way.text);
		return;
	}
	d = destinations_get(q->destinations, way.transport, way.nexthop);
	if (r->sent_elsewhere || d == e->destination) {
		loops(q, e, rcpt);
		return;
	}
	r->sent_elsewhere = true;
	destination_return(d, active_entry(a, d), rcpt);
}
