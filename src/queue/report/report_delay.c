#include "queue/report/report_delay.h"

#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/report/notices.h"
#include "queue/report/report.h"

static int64_t due_at(const struct queue *q, const struct message *m)
{
	int64_t wait = q->settings->delay_warning_time;

	return wait && !m->warned && !report_is_one(m) ? m->arrived + wait : INT64_MAX;
}

bool report_delay_due(const struct queue *q, const struct message *m)
{
	return due_at(q, m) <= queue_now(q);
}

int64_t report_delay_before(const struct queue *q, const struct message *m, int64_t then)
{
	int64_t at = due_at(q, m);

	return at > queue_now(q) && at < then ? at : then;
}

/* RFC 3461 section 4.1: who says nothing may be told. */
static bool is_wanted(unsigned notify)
{
	return notify == 0 || (notify & NOTIFY_DELAY);
}

static void name_judged(struct report *r, const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;

	report_add(r, rcpt, &(struct dsn_rcpt){
		.action = DSN_DELAYED, .status = n->dsn, .remote = n->relay, .diagnostic = n->reply,
		.reason = n->text, .last_attempt = queue_wall(a->queue, n->when) });
}

/* Those in the line of a destination that is not served. */
static void name_waiting(struct report *r, const struct active *a, const struct entry *e)
{
	uint32_t rcpt = e->first;

	for (uint32_t left = e->waiting; left > 0; left--, rcpt = a->rcpts[rcpt].next)
		if (is_wanted(a->envelope->rcpts[rcpt].notify))
			report_add(r, rcpt, &(struct dsn_rcpt){ .action = DSN_DELAYED,
				.status = health_dsn(e->destination), .reason = health_trouble(e->destination) });
}

static int64_t time_left(const struct queue *q, const struct message *m)
{
	int64_t left = q->settings->maximal_queue_lifetime - message_age(m, queue_now(q));

	return left > 0 ? left : 0;
}

static struct report *filled(struct report *r, const struct active *a)
{
	for (uint32_t i = 0; i < a->envelope->count; i++)
		if (recipient_is_deferred(&a->rcpts[i]) && is_wanted(a->envelope->rcpts[i].notify))
			name_judged(r, a, i);
	for (const struct entry *e = a->entries; e; e = e->next)
		name_waiting(r, a, e);
	report_lifetime(r, time_left(a->queue, a->message));
	return r;
}

static void send_copy(struct active *a)
{
	const struct settings *s = a->queue->settings;

	report_send_copy(filled(report_new_copy(a, DSN_DELAYED, s->delay_notice_recipient), a), NOTICE_DELAY);
}

bool report_delay(struct active *a, void (*written)(struct active *))
{
	struct queue *q = a->queue;
	struct report *r;

	if (!report_delay_due(q, a->message))
		return false;
	a->message->warned = true;
	if (!*a->envelope->sender || a->expired)
		return false;
	r = filled(report_new(a, DSN_DELAYED, a->envelope->sender, false), a);
	if (report_count(r)) {
		if (notices_wanted(q->settings, NOTICE_DELAY))
			send_copy(a);
		return report_send(r, written);
	}
	report_free(r);
	return false;
}
