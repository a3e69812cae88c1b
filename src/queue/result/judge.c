#include "queue/result/judge.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/destination/lease.h"
#include "queue/message/unwritten.h"
#include "queue/operator/verify.h"
#include "queue/report/report_success.h"
#include "queue/result/batch.h"
#include "queue/result/status_filter.h"

void judge_record(struct queue *q, struct active *a, uint32_t rcpt, char status)
{
	const struct note *n = a->rcpts[rcpt].note;
	const struct spool_result result = {
		.rcpt = rcpt, .status = status, .dsn = n->dsn, .peer = n->relay, .text = n->text,
		.when = queue_wall(q, n->when) };

	spool_result(q->spool, a->message->id, &result);
	a->rcpts[rcpt].recorded = true;
	if (status != 'd')
		message_set_final(a->message, rcpt, a->envelope->count);
}

static void tell_returned_and_sent(const struct active *a, uint32_t rcpt)
{
	log_line(LOG_LEVEL_WARNING, "qmgr", a->name,
		"to=<%s>: delivered after it was handed back to its caller, whose next attempt is a second copy",
		a->envelope->rcpts[rcpt].address);
}

static void record(struct queue *q, struct active *a, uint32_t rcpt)
{
	bool sent = a->rcpts[rcpt].note->outcome == OUTCOME_SENT;

	if (!a->rcpts[rcpt].returned)
		judge_record(q, a, rcpt, sent ? 's' : 'd');
	else if (sent)
		tell_returned_and_sent(a, rcpt);
	batch_add_result(q->batches, a, rcpt);
}

void judge_record_kept(struct queue *q, struct active *a, uint32_t rcpt)
{
	record(q, a, rcpt);
}

/* A refusal waits for the report about it, and so does what the sender wants to be told of. */
static bool waits_for_report(const struct recipient *r)
{
	return !r->returned && (r->note->outcome == OUTCOME_BOUNCED || r->owed != OWED_NOTHING);
}

void judge_record_all(struct queue *q, struct active *a)
{
	for (uint32_t i = 0; i < a->envelope->count; i++) {
		const struct recipient *r = &a->rcpts[i];

		if (r->note && !r->recorded && !r->returned && !waits_for_report(r))
			record(q, a, i);
	}
}

void judge(struct queue *q, struct active *a, uint32_t rcpt, const struct note *values)
{
	struct recipient *r = &a->rcpts[rcpt];
	struct note filtered;

	assert(r->state != RCPT_OVER && r->state != RCPT_JUDGED && !r->note);
	r->note = note_new(status_filter(q->status_filters, values, &filtered));
	if (!r->note->when)
		r->note->when = queue_now(q);
	if (!r->note->sent_off)
		r->note->sent_off = r->note->when;
	r->state = RCPT_JUDGED;
	r->note->probe = a->verification != NULL;
	a->open--;
	a->judged++;
	if (a->verification) {
		verify_judged(a);
		return;
	}
	if (success_is_owed(a, rcpt))
		successes_add(q->successes, a, rcpt);
	if (a->unwritten)
		unwritten_judged(q->unwritten, a);
	else if (!waits_for_report(r))
		record(q, a, rcpt);
}

/* The log names the protocol that the mail was meant for. */
static const char *process_of(const struct queue *q, const char *transport)
{
	const struct settings_transport *t = transport ? settings_transport(q->settings, transport) : NULL;

	return t ? protocol_name(t->manner->protocol) : "qmgr";
}

void judge_here(struct queue *q, struct active *a, uint32_t rcpt, const char *transport, enum outcome outcome,
	const char *dsn, const char *text)
{
	struct note n = {
		.outcome = outcome, .process = process_of(q, transport), .transport = transport ? transport : "",
		.relay = "none", .text = text
	};

	snprintf(n.dsn, sizeof n.dsn, "%s", dsn);
	judge(q, a, rcpt, &n);
}

void judge_waiting(struct queue *q, struct active *a, const char *dsn, const char *text)
{
	uint32_t rcpt;

	for (struct entry *e = a->entries; e; e = e->next) {
		destination_withdraw(e->destination, e);
		lease_recall_message(e->destination, a);
		while (entry_take(e, &rcpt, 1))
			judge_here(q, a, rcpt, e->destination->transport, OUTCOME_DEFERRED,
				dsn ? dsn : health_dsn(e->destination), text ? text : health_trouble(e->destination));
	}
}
