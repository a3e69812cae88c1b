#include "queue/judge.h"

#include <assert.h>
#include <stdio.h>

#include "queue/batch.h"
#include "queue/core.h"

void judge_record(struct queue *q, struct active *a, uint32_t rcpt, char status)
{
	const struct note *n = a->rcpts[rcpt].note;
	const struct spool_result result = {
		.rcpt = rcpt, .status = status, .dsn = n->dsn, .peer = n->relay, .text = n->text,
	                                     .when = queue_wall(q, n->when) };

	spool_result(q->spool, a->message->id, &result);
	if (status != 'd')
		message_set_final(a->message, rcpt, a->envelope->count);
}

void judge(struct queue *q, struct active *a, uint32_t rcpt, const struct note *values)
{
	struct recipient *r = &a->rcpts[rcpt];

	assert(r->state != RCPT_OVER && r->state != RCPT_JUDGED && !r->note);
	r->note = note_new(values);
	if (!r->note->when)
		r->note->when = queue_now(q);
	if (!r->note->sent_off)
		r->note->sent_off = r->note->when;
	r->state = RCPT_JUDGED;
	a->open--;
	a->judged++;
	if (values->outcome == OUTCOME_BOUNCED)
		return;
	judge_record(q, a, rcpt, values->outcome == OUTCOME_SENT ? 's' : 'd');
	batch_add_result(q->batches, a, rcpt);
}

/* The log names the protocol that the mail was meant for. */
static const char *process_of(const struct queue *q, const char *transport)
{
	const struct settings_transport *t = transport ? settings_transport(q->settings, transport) : NULL;

	if (!t)
		return "qmgr";
	return t->manner->protocol == PROTOCOL_LMTP ? "lmtp" : "smtp";
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
