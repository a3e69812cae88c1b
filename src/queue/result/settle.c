#include "queue/result/settle.h"

#include "base/log.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/message/unwritten.h"
#include "queue/operator/orders.h"
#include "queue/operator/verify.h"
#include "queue/report/report.h"
#include "queue/report/report_bounce.h"
#include "queue/report/report_delay.h"
#include "queue/report/report_success.h"
#include "queue/result/batch.h"
#include "queue/result/delivery_log.h"
#include "queue/result/judge.h"

enum { SOON = 1000 };                 /* ms: least wait after a host was too busy */

/* What the operator keeps back is not the host's fault. */
static bool is_kept_back(const struct active *a)
{
	if (a->message->order != ORDER_NONE)
		return true;
	for (const struct entry *e = a->entries; e; e = e->next)
		if (e->waiting && e->destination->health.suspended)
			return true;
	return false;
}

static bool too_old(const struct queue *q, const struct active *a)
{
	const struct settings *s = q->settings;

	if (is_kept_back(a))
		return false;
	return message_age(a->message, queue_now(q)) >= (*a->envelope->sender ? s->maximal_queue_lifetime
		: s->bounce_queue_lifetime);
}

/* Whether all recipients that wait do so for dead destinations or for the operator. */
static bool is_stalled(const struct active *a)
{
	if (a->message->order != ORDER_NONE)
		return true;
	for (const struct entry *e = a->entries; e; e = e->next)
		if (e->waiting && !health_stalls(e->destination))
			return false;
	return true;
}

static bool shall_park(const struct active *a)
{
	if (a->message->order != ORDER_NONE)
		return true;
	for (const struct entry *e = a->entries; e; e = e->next)
		if (e->waiting && !parking_wanted(e->destination, a->message))
			return false;
	return true;
}

static void park_waiting(struct active *a)
{
	if (a->message->order == ORDER_ROUTE)
		return;
	for (struct entry *e = a->entries; e; e = e->next) {
		if (!e->waiting)
			continue;
		destination_withdraw(e->destination, e);
		parking_park(e->destination, e);
	}
}

/* The attempt is over: the message waits on the disk again, unless the operator has said what shall become of
 * it. */
static void wait_until(struct queue *q, struct message *m, int64_t due)
{
	messages_set_state(q->messages, m, MESSAGE_DEFERRED);
	if (m->order == ORDER_NONE)
		schedule_set(q->schedule, m, due);
	else
		order_complete(q, m);
	queue_wake(q);
}

/* To the schedule without having been tried: nothing is journalled, no attempt is counted. */
static void put_aside(struct queue *q, struct active *a)
{
	struct message *m = a->message;
	int64_t most = q->settings->maximal_backoff_time;
	int64_t due = queue_now(q) + schedule_backoff(most, 0, most, schedule_random(&q->random));

	due = report_delay_before(q, m, due);
	m->called = 0;
	park_waiting(a);
	active_free(a);
	wait_until(q, m, due);
}

/* Whether somebody would get a further attempt. */
static bool is_unfinished(const struct active *a)
{
	for (size_t i = 0; i < a->envelope->count; i++)
		if (recipient_is_deferred(&a->rcpts[i]))
			return true;
	return a->open > 0;
}

/* The journal's lines of those who get no further attempt. */
static size_t record_refused(struct queue *q, struct active *a)
{
	size_t left = a->open;

	for (uint32_t i = 0; i < a->envelope->count; i++) {
		const struct note *n = a->rcpts[i].note;

		if (a->rcpts[i].returned)
			continue;
		if (n && n->outcome == OUTCOME_BOUNCED) {
			judge_record(q, a, i, 'b');
			batch_add_result(q->batches, a, i);
		} else if (n && n->outcome == OUTCOME_DEFERRED && a->expired) {
			judge_record(q, a, i, 'e');
		} else if (n && n->outcome == OUTCOME_DEFERRED) {
			messages_set_reason(q->messages, a->message, n->text);
			left++;
		}
	}
	return left;
}

static void plan_next(struct queue *q, struct active *a)
{
	const struct settings *s = q->settings;
	int64_t least = a->soon && SOON < s->minimal_backoff_time ? SOON : s->minimal_backoff_time;
	int64_t age = message_age(a->message, queue_now(q));

	a->due = queue_now(q) + schedule_backoff(age, least, s->maximal_backoff_time,
		schedule_random(&q->random));
	a->due = report_delay_before(q, a->message, a->due);
	spool_next(q->spool, a->message->id, queue_wall(q, a->due), a->message->attempts);
}

/* What the journal is told of the attempt's end: behind the reports that it relies on, if there are any. */
static void record_end(struct queue *q, struct active *a)
{
	size_t left;

	judge_record_all(q, a);
	left = record_refused(q, a);
	report_tell_all(a);
	if (left) {
		if (a->late)
			spool_warned(q->spool, a->message->id);
		plan_next(q, a);
	} else {
		a->done = true;
		spool_done(q->spool, a->message->id);
	}
	batch_add_settled(q->batches, a);
}

/* A report is on the disk, or all were handed over: when none is left, what they tell of may be recorded. */
static void reported(struct active *a)
{
	if (--a->reporting == 0)
		record_end(a->queue, a);
}

/* The reports about this attempt, and then its end; the count keeps it from ending before all are asked
 * for. */
static void report(struct active *a)
{
	a->reporting = 1;
	if (a->message->order != ORDER_DELETE) {
		a->reporting += report_bounce(a, reported);
		a->late = report_delay(a, reported);
		a->reporting += a->late;
	}
	active_close(a);
	reported(a);
}

static void settle(struct queue *q, struct active *a)
{
	struct message *m = a->message;

	a->settled = true;
	m->called = 0;
	a->expired = too_old(q, a) && is_unfinished(a);
	/* their destination was tried since the start, if not for them: its trouble is theirs */
	if (a->expired)
		judge_waiting(q, a, NULL, NULL);
	else
		park_waiting(a);
	if (a->judged && m->attempts < MESSAGE_ATTEMPTS_MAX)
		m->attempts++;
	report(a);
}

/* What lives on needs its queue file first, and then comes back here. */
static void settle_when_written(struct queue *q, struct active *a)
{
	if (a->unwritten && is_unfinished(a) && !too_old(q, a))
		unwritten_write(q->unwritten, a);
	else
		settle(q, a);
}

static void put_aside_when_written(struct queue *q, struct active *a)
{
	if (a->unwritten && a->message->order != ORDER_DELETE)
		unwritten_write(q->unwritten, a);
	else
		put_aside(q, a);
}

/* A caller who waits has the first word. */
static void end_attempt(struct queue *q, struct active *a)
{
	if (!successes_report(q->successes, a) && !waits_offer(q->waits, a))
		settle_when_written(q, a);
}

/* Whether an attempt whose rest only waits may not wait for it. */
static bool has_something_to_end(const struct queue *q, const struct active *a)
{
	return a->judged || too_old(q, a) || report_delay_due(q, a->message);
}

void settle_check(struct queue *q, struct active *a)
{
	if (a->verification) {
		verify_check(a);
		return;
	}
	if (active_phase(a) != ATTEMPT_DELIVERING && active_phase(a) != ATTEMPT_WAITING)
		return;
	waits_hurry(q->waits, a);
	if (active_phase(a) != ATTEMPT_WAITING)
		return;
	if (waits_for(q->waits, a) && is_stalled(a))
		judge_waiting(q, a, NULL, NULL);
	if (a->open == 0 || (is_stalled(a) && has_something_to_end(q, a)))
		end_attempt(q, a);
	else if (!a->judged && shall_park(a))
		put_aside_when_written(q, a);
}

static void log_end_of(const struct queue *q, const struct active *a)
{
	if (a->expired)
		delivery_log_expired(q, a);
	for (uint32_t i = 0; a->expired && i < a->envelope->count; i++)
		if (recipient_is_deferred(&a->rcpts[i]))
			event_end(q, a, i, "expired");
	if (a->done)
		log_line(LOG_LEVEL_INFO, "qmgr", a->name, "removed");
}

void settle_committed(struct queue *q, struct active *a)
{
	struct message *m = a->message;
	bool done = a->done;
	int64_t due = a->wake ? queue_now(q) : a->due;

	log_end_of(q, a);
	active_free(a);
	if (done)
		messages_remove(q->messages, m);
	else
		wait_until(q, m, due);
	queue_wake(q);
}
