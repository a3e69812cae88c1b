#include "queue/report/report_success.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/message/unwritten.h"
#include "queue/report/report.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"
#include "talk/transport_flags.h"

enum { AGE_MAX = 1000, LOOK = 250 };   /* ms that a success may wait for others, and between looks */

struct successes {
	struct queue *queue;
	struct list all;               /* of active messages that owe one */
	struct loop_timer *timer;
};

bool success_is_owed(const struct active *a, uint32_t rcpt)
{
	const struct recipient *r = &a->rcpts[rcpt];

	return (a->envelope->rcpts[rcpt].notify & NOTIFY_SUCCESS) && r->note->outcome == OUTCOME_SENT &&
		!r->note->peer_reports && !r->returned && *a->envelope->sender &&
		!waits_for(a->queue->waits, a);
}

void successes_add(struct successes *s, struct active *a, uint32_t rcpt)
{
	a->rcpts[rcpt].owed = OWED_GATHERED;
	if (a->owed++ > 0)
		return;
	a->owed_since = queue_now(s->queue);
	list_append(&s->all, &a->of_owed);
	if (!loop_timer_is_set(s->timer))
		loop_timer_set(s->timer, LOOK);
}

/* --- the report --- */

/* Whether the transport leads to where the mail stays. */
static bool is_final(const struct settings *s, const char *transport)
{
	const struct settings_transport *t = settings_transport(s, transport);

	return t && t->manner->protocol == PROTOCOL_LMTP
		&& (transport_flags_have(t->flags, FLAG_FINAL) || t->manner->assume_final);
}

static void name(struct report *r, const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;
	enum dsn_action action = is_final(a->queue->settings, n->transport) ? DSN_DELIVERED : DSN_RELAYED;

	report_add(r, rcpt, &(struct dsn_rcpt){
		.action = action, .status = n->dsn, .remote = n->relay, .diagnostic = n->reply,
		.last_attempt = queue_wall(a->queue, n->when) });
}

static void record_reported(struct active *a)
{
	for (uint32_t i = 0; i < a->envelope->count; i++) {
		if (a->rcpts[i].owed != OWED_REPORTED)
			continue;
		a->rcpts[i].owed = OWED_NOTHING;
		judge_record_kept(a->queue, a, i);
	}
	report_tell_all(a);
}

static void written(struct active *a)
{
	a->writing = false;
	record_reported(a);
	settle_check(a->queue, a);
	queue_wake(a->queue);
}

static void send(struct active *a)
{
	struct report *r = report_new(a, DSN_DELIVERED, a->envelope->sender, false);

	for (uint32_t i = 0; i < a->envelope->count; i++) {
		if (a->rcpts[i].owed != OWED_GATHERED)
			continue;
		name(r, a, i);
		a->rcpts[i].owed = OWED_REPORTED;
	}
	a->owed = 0;
	list_remove(&a->of_owed);
	a->writing = report_send(r, written);
	if (!a->writing)
		record_reported(a);
}

/* Of an unwritten message nothing may be recorded unless all of it is over. */
static bool must_be_written(const struct active *a)
{
	if (a->unwritten && a->flights)
		return true;
	for (uint32_t i = 0; a->unwritten && i < a->envelope->count; i++)
		if (a->rcpts[i].state != RCPT_OVER && !a->rcpts[i].owed)
			return true;
	return false;
}

bool successes_report(struct successes *s, struct active *a)
{
	if (!a->owed)
		return false;
	if (must_be_written(a))
		unwritten_write(s->queue->unwritten, a);
	else
		send(a);
	return a->writing;
}

/* Those that have waited for that long. */
static void report_older(struct successes *s, int64_t age)
{
	int64_t now = queue_now(s->queue);

	LIST_EACH(at, &s->all) {
		struct active *a = LIST_OF(at, struct active, of_owed);

		if (now - a->owed_since >= age && !a->writing && !a->settled)
			successes_report(s, a);
	}
}

void successes_hurry(struct successes *s)
{
	report_older(s, 0);
}

bool successes_idle(const struct successes *s)
{
	return list_empty(&s->all);
}

static void look(void *arg)
{
	struct successes *s = arg;

	report_older(s, AGE_MAX);
	if (!list_empty(&s->all))
		loop_timer_set(s->timer, LOOK);
}

struct successes *successes_new(struct queue *q)
{
	struct successes *s = mem_alloc(sizeof *s);

	s->queue = q;
	list_init(&s->all);
	s->timer = loop_timer_new(q->loop, look, s);
	return s;
}

void successes_free(struct successes *s)
{
	if (!s)
		return;
	loop_timer_free(s->timer);
	free(s);
}
