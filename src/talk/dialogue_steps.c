/*
 * The steps of the dialogue in the order of RFC 5321 and 2033, each a pair: what to say, and what to make
 * of the reply. The table stands at the end.
 */
#include "talk/dialogue_private.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Hears a reply that concerns everybody who is left; true if it is what was hoped for. */
static bool passes(struct dialogue *d, enum stage stage, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(stage, r, false);

	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, stage, "sent a reply that is out of place", r);
	else if (meaning != MEANS_YES)
		dialogue_refuse_left(d, stage, meaning, r);
	return meaning == MEANS_YES;
}

/* Greeting, and EHLO, LHLO or HELO (RFC 5321 3.1, 3.2; RFC 2033 4.1) */

/* Whether one of the greeting's words is ESMTP. */
static bool names_esmtp(const char *greeting)
{
	static const char blanks[] = " \t\n";

	while (*greeting) {
		size_t n = strcspn(greeting, blanks);

		if (text_is_nocase(text_make(greeting, n), "ESMTP"))
			return true;
		greeting += n;
		greeting += strspn(greeting, blanks);
	}
	return false;
}

static void hear_greeting(struct dialogue *d, const struct reply *r)
{
	const struct manner *m = d->manner;

	if (passes(d, STAGE_GREETING, r) && !d->lmtp)
		d->helo = m->never_send_ehlo || !(m->always_send_ehlo || names_esmtp(r->text));
}

static enum step say_helo(struct dialogue *d, struct buf *out)
{
	const char *name = d->manner->helo_name;

	if (d->left == 0)
		return STEP_OVER;
	buf_fmt(out, "%s %s\r\n", d->lmtp ? "LHLO" : d->helo ? "HELO" : "EHLO", *name ? name : d->myhostname);
	return STEP_READY;
}

static void discard(struct dialogue *d)
{
	struct buf words;

	d->offers.offers &= ~d->discard;
	if (!(d->discard & ~EHLO_SILENT) || d->discard & EHLO_SILENT)
		return;
	buf_init(&words, REPLY_LINE_MAX);
	buf_str(&words, "discarding EHLO keywords:");
	ehlo_names(d->discard, &words);
	free(d->remark);
	d->remark = buf_take(&words);
}

static void learn_offers(struct dialogue *d, const char *reply_text)
{
	struct ehlo *e = &d->offers;

	ehlo_parse(e, reply_text);
	discard(d);
	if (e->offers & EHLO_SMTPUTF8)
		e->offers |= EHLO_8BITMIME;   /* RFC 6531 3.1: implied */
}

static void hear_helo(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_HELO, r, false);
	bool refused = meaning == MEANS_LATER || meaning == MEANS_NEVER;

	if (refused && !d->lmtp && !d->helo && r->code != 421) {
		d->helo = true;   /* RFC 5321 3.2: a server without extensions */
		return;
	}
	d->greeted = passes(d, STAGE_HELO, r);
	if (d->greeted && !d->helo)
		learn_offers(d, r->text);
}

static enum step say_ready(struct dialogue *d, struct buf *out)
{
	const char *missing = manner_tls_missing(d->manner);

	(void)out;
	if (d->left && !d->greeted)
		return STEP_HELO;
	if (d->left && missing) {
		dialogue_fail_left(d, STAGE_STARTTLS, "4.7.4", missing);
		d->unfit = true;
	}
	return d->left ? STEP_RSET : STEP_OVER;
}

/* RSET (RFC 5321 4.1.1.5): pipelined ahead of the next MAIL, or at once where accepted recipients would
 * stay locked */

static enum step say_rset(struct dialogue *d, struct buf *out)
{
	if (d->dirty)
		buf_str(out, "RSET\r\n");
	d->dirty = false;
	return d->active ? STEP_MAIL : STEP_IDLE;
}

static void hear_rset(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_RSET, r, false);

	if (meaning == MEANS_YES)
		return;
	dialogue_refuse_left(d, STAGE_RSET, meaning, r);
	dialogue_stop(d);
}

/* MAIL (RFC 5321 4.1.1.2) */

/* What the peer said it cannot take is not even offered to it; true if so. */
static bool refuse_here(struct dialogue *d)
{
	const struct ehlo *e = &d->offers;
	char *text;

	if (e->offers & EHLO_SIZE && e->size && d->t.content_size > e->size) {
		text = mem_fmt("message size %llu exceeds size limit %llu of server %s",
		               (unsigned long long)d->t.content_size, (unsigned long long)e->size, d->host);
		dialogue_fail_left(d, STAGE_MAIL, "5.3.4", text);
		free(text);
		return true;
	}
	if (d->needs_utf8 && !(e->offers & EHLO_SMTPUTF8)) {
		text = mem_fmt("SMTPUTF8 is required, but was not offered by host %s", d->host);
		/* another host may offer it */
		dialogue_fail_left(d, STAGE_MAIL, d->t.last_host ? "5.6.7" : "4.6.7", text);
		free(text);
		return true;
	}
	return false;
}

static enum step say_mail(struct dialogue *d, struct buf *out)
{
	if (refuse_here(d))
		return STEP_OVER;
	dialogue_say_mail(d, out);
	return STEP_RCPT;
}

static void hear_mail(struct dialogue *d, const struct reply *r)
{
	if (!passes(d, STAGE_MAIL, r))
		d->dirty = true;
}

/* RCPT (RFC 5321 4.1.1.3) */

static enum step say_rcpt(struct dialogue *d, struct buf *out)
{
	const struct envelope *e = d->t.envelope;

	if (d->left == 0)
		return STEP_OVER;   /* MAIL was refused */
	if (d->asked == e->count)
		return d->t.probe ? STEP_OVER : STEP_DATA;
	dialogue_say_rcpt(d, &e->rcpts[d->asked++], out);
	return STEP_RCPT;
}

static void accept_rcpt(struct dialogue *d, const struct reply *r, size_t rcpt)
{
	struct verdict v = { 0 };

	d->accepted++;
	d->state[rcpt] = RCPT_ACCEPTED;
	if (!d->t.probe)
		return;
	verdict_sent(&v, r);
	v.stage = STAGE_RCPT;
	dialogue_judge(d, rcpt, &v);
}

static void hear_rcpt(struct dialogue *d, const struct reply *r)
{
	size_t rcpt = d->answered;
	enum reply_meaning meaning = reply_meaning(STAGE_RCPT, r, d->accepted > 0);

	d->dirty = true;   /* until the dot: a transaction is open */
	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, STAGE_RCPT, "sent a reply that is out of place", r);
	else if (d->state[rcpt] == RCPT_JUDGED)
		return;            /* MAIL was refused */
	else if (meaning == MEANS_YES)
		accept_rcpt(d, r, rcpt);
	else
		dialogue_refuse(d, STAGE_RCPT, meaning, r, rcpt);
}

/* DATA and content (RFC 5321 4.1.1.4) */

static enum step say_data(struct dialogue *d, struct buf *out)
{
	if (d->left == 0)
		return STEP_OVER;
	buf_str(out, "DATA\r\n");
	return STEP_CONTENT;
}

static void hear_data(struct dialogue *d, const struct reply *r)
{
	d->dirty = true;
	d->data_go = passes(d, STAGE_DATA, r);
}

/* Everything before is answered here. After a 354 for nobody the dot is the only way on (RFC 2920 3.1). */
static enum step say_content(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (!d->data_go)
		return STEP_OVER;
	return d->left ? STEP_SENDING : STEP_LONE_DOT;
}

/* Replies to the dot: SMTP one for all, LMTP one for each accepted recipient in order (RFC 2033 4.2) */

static bool is_size_refusal(const struct reply *r)
{
	return r->code == 552 && (strcmp(r->dsn, "5.2.3") == 0 || strcmp(r->dsn, "5.3.4") == 0);
}

static void settle(struct dialogue *d, const struct reply *r)
{
	struct verdict v = { 0 };

	verdict_sent(&v, r);
	if (d->lmtp)
		dialogue_judge(d, d->next_final, &v);
	else
		dialogue_judge_left(d, &v);
}

static void hear_dot(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_DOT, r, false);
	bool first = d->left == d->finals;

	if (meaning == MEANS_PROTOCOL) {
		dialogue_violate(d, STAGE_DOT, "sent a reply that is out of place", r);
		return;
	}
	if (d->left == 0)
		return;   /* the dot that nobody was to get */
	while (d->state[d->next_final] != RCPT_ACCEPTED)
		d->next_final++;
	d->refused_for_size = d->lmtp && first && d->finals > 1 && is_size_refusal(r);
	d->dirty = d->dirty || meaning != MEANS_YES;
	if (meaning == MEANS_YES)
		settle(d, r);
	else if (d->lmtp)
		dialogue_refuse(d, STAGE_DOT, meaning, r, d->next_final);
	else
		dialogue_refuse_left(d, STAGE_DOT, meaning, r);
}

/* The end of a transaction, and of the session */

static enum step say_over(struct dialogue *d, struct buf *out)
{
	bool open = d->accepted > 0 && !d->dot_sent;

	(void)out;
	assert(d->left == 0);
	d->active = false;
	d->served = true;
	if (d->leaving)
		return STEP_END;
	if (d->unfit)
		return STEP_QUIT;
	return open ? STEP_RSET : STEP_IDLE;
}

static enum step say_quit(struct dialogue *d, struct buf *out)
{
	(void)d;
	buf_str(out, "QUIT\r\n");
	return STEP_END;
}

static void hear_quit(struct dialogue *d, const struct reply *r)
{
	(void)d;
	(void)r;
}

/* What nobody asked for while somebody is left. A 421 may come at any time (RFC 5321 3.8); all else
 * shows that the two sides are out of step. */
static void hear_unasked(struct dialogue *d, const struct reply *r)
{
	enum stage stage = d->kept ? STAGE_IDLE : dialogue_stage(d);

	if (r->code == 421 && !d->dot_sent) {
		dialogue_refuse_left(d, stage, MEANS_LATER, r);
		dialogue_stop(d);
	} else {
		dialogue_violate(d, stage, "sent a reply that nothing awaited", r);
	}
}

#define LIMIT(member) offsetof(struct manner, member)

const struct step_row dialogue_steps[STEP_COUNT] = {
	/*                 stage, alone, time limit, say, hear, or what the driver has to do */
	[STEP_GREETING] = { STAGE_GREETING, true, LIMIT(helo_timeout), NULL, hear_greeting, DIALOGUE_REPLY },
	[STEP_HELO] = { STAGE_HELO, true, LIMIT(helo_timeout), say_helo, hear_helo, 0 },
	[STEP_READY] = { STAGE_HELO, true, LIMIT(helo_timeout), say_ready, NULL, 0 },
	[STEP_RSET] = { STAGE_RSET, true, LIMIT(rset_timeout), say_rset, hear_rset, 0 },
	[STEP_MAIL] = { STAGE_MAIL, false, LIMIT(mail_timeout), say_mail, hear_mail, 0 },
	[STEP_RCPT] = { STAGE_RCPT, false, LIMIT(rcpt_timeout), say_rcpt, hear_rcpt, 0 },
	[STEP_DATA] = { STAGE_DATA, false, LIMIT(data_init_timeout), say_data, hear_data, 0 },
	[STEP_CONTENT] = { STAGE_DATA, true, LIMIT(data_init_timeout), say_content, NULL, 0 },
	[STEP_SENDING] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), NULL, NULL, DIALOGUE_CONTENT },
	[STEP_LONE_DOT] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), NULL, NULL, DIALOGUE_DOT },
	[STEP_DOT] = { STAGE_DOT, true, LIMIT(data_done_timeout), NULL, hear_dot, DIALOGUE_REPLY },
	[STEP_OVER] = { STAGE_DOT, true, LIMIT(data_done_timeout), say_over, NULL, 0 },
	[STEP_IDLE] = { STAGE_IDLE, true, 0, NULL, NULL, DIALOGUE_IDLE },
	[STEP_QUIT] = { STAGE_QUIT, true, LIMIT(quit_timeout), say_quit, hear_quit, 0 },
	[STEP_UNASKED] = { STAGE_IDLE, true, 0, NULL, hear_unasked, DIALOGUE_REPLY },
	[STEP_END] = { STAGE_QUIT, true, 0, NULL, NULL, DIALOGUE_END },
};
