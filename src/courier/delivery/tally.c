#include "courier/delivery/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/smtp/reply.h"

struct tally {
	struct link *link;
	const struct request *request;
	int64_t began;                   /* loop_micros */
	bool *open;                      /* by recipient: no answer yet */
	size_t left, deferred;           /* how many are open, how many were told to wait */
	char deferred_dsn[VERDICT_DSN_SIZE];
	struct verdict reason;
	char *reason_relay, *reason_tls;
};

struct tally *tally_new(struct link *link, const struct request *r)
{
	struct tally *t = mem_alloc(sizeof *t);

	t->link = link;
	t->request = r;
	t->began = loop_micros();
	t->left = r->envelope->count;
	t->open = mem_alloc(t->left * sizeof t->open[0]);
	memset(t->open, true, t->left * sizeof t->open[0]);
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	verdict_clear(&t->reason);
	free(t->reason_relay);
	free(t->reason_tls);
	free(t->open);
	free(t);
}

size_t tally_left(const struct tally *t)
{
	return t->left;
}

size_t tally_deferred(const struct tally *t)
{
	return t->deferred;
}

const char *tally_deferred_dsn(const struct tally *t)
{
	return t->deferred_dsn;
}

static int64_t to_ms(int64_t micros)
{
	return micros > 0 ? (micros + 500) / 1000 : 0;
}

/* Set-up ends with the first command of the transaction; hosts tried before count as set-up. */
static void set_times(const struct tally *t, const struct session *s, struct answer *a)
{
	int64_t now = loop_micros(), mail_at = s ? session_mail_at(s) : 0;

	a->setup = to_ms((mail_at ? mail_at : now) - t->began);
	a->transmission = mail_at ? to_ms(now - mail_at) : 0;
}

static void send_answer(struct tally *t, uint32_t rcpt, struct verdict *v, const char *relay,
	const char *tls, const struct session *s)
{
	struct answer a = { .request = t->request->number, .rcpt = rcpt, .verdict = *v };

	assert(t->open[rcpt]);
	t->open[rcpt] = false;
	t->left--;
	if (v->outcome == OUTCOME_DEFERRED) {
		t->deferred++;
		memcpy(t->deferred_dsn, v->dsn, sizeof t->deferred_dsn);
	}
	a.relay = (char *)relay;
	a.tls = (char *)tls;
	a.conn_use = s ? session_uses(s) : 1;
	a.peer_reports = s && session_has_dsn(s);
	if (s && session_complaint(s))
		a.transcript = (char *)session_transcript(s);
	set_times(t, s, &a);
	link_send_answer(t->link, &a);
	verdict_clear(v);
}

void tally_answer(struct tally *t, uint32_t rcpt, struct verdict *v, struct session *s)
{
	send_answer(t, rcpt, v, s ? session_relay(s) : "none", s ? session_tls(s) : NULL, s);
}

void tally_give_reason(struct tally *t, struct verdict *v, const char *relay, const char *tls)
{
	char *copy = mem_str(relay), *tls_copy = mem_str(tls);

	verdict_clear(&t->reason);
	t->reason = *v;
	*v = (struct verdict){ 0 };
	free(t->reason_relay);
	t->reason_relay = copy;
	free(t->reason_tls);
	t->reason_tls = tls_copy;
}

const struct verdict *tally_reason(const struct tally *t)
{
	return &t->reason;
}

void tally_answer_left(struct tally *t, struct session *s)
{
	struct verdict v = { 0 };

	for (uint32_t i = 0; t->left > 0; i++) {
		if (!t->open[i])
			continue;
		verdict_copy(&v, &t->reason);
		send_answer(t, i, &v, t->reason_relay ? t->reason_relay : "none", t->reason_tls, s);
	}
}

void tally_gather(const struct tally *t, struct envelope *part, uint32_t **index)
{
	const struct envelope *e = t->request->envelope;
	size_t n = 0;

	*part = *e;
	part->rcpts = mem_alloc(t->left * sizeof part->rcpts[0]);
	part->count = t->left;
	*index = mem_alloc(t->left * sizeof **index);
	for (uint32_t i = 0; i < e->count; i++) {
		if (!t->open[i])
			continue;
		part->rcpts[n] = e->rcpts[i];
		(*index)[n++] = i;
	}
}

void tally_note(struct tally *t, const char *text)
{
	char *clean = text_cleaned(text, REPLY_TEXT_MAX);

	link_send_note(t->link, t->request->number, clean);
	free(clean);
}
