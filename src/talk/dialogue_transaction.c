/*
 * One transaction, from RSET to the replies to its dot, and the end of the session: RFC 5321 3.3 and 4.1.1,
 * RFC 2033 4.2.
 */
#include "talk/dialogue_steps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_SMALL 65536   /* bytes of content that need not wait for the replies to RCPT */

/* RSET (RFC 5321 4.1.1.5): pipelined ahead of the next MAIL, or at once where accepted recipients would
 * stay locked */

enum step dialogue_say_rset(struct dialogue *d, struct buf *out)
{
	if (d->dirty || d->before)
		buf_str(out, "RSET\r\n");
	d->dirty = false;
	return d->now.active ? STEP_XFORWARD_NAME : STEP_IDLE;
}

void dialogue_hear_rset(struct dialogue *d, const struct reply *r)
{
	if (reply_meaning(STAGE_RSET, r, false) != MEANS_YES)
		dialogue_leave_kept(d, STAGE_RSET, r);
}

/* MAIL (RFC 5321 4.1.1.2) */

/* A report is rather sent without it than lost (RFC 8689 section 5). */
static bool refuse_without_requiretls(struct dialogue *d)
{
	d->requiretls_settled = true;
	if (d->requiretls != REQUIRETLS_ENFORCE || dialogue_passes_requiretls(d) || !*d->now.t.envelope->sender)
		return false;
	dialogue_fail_requiretls(d, STAGE_MAIL, REQUIRETLS_NO_OFFER, "5.7.30",
		mem_fmt("which host %s does not offer", d->host));
	return true;
}

/* What the peer said it cannot take is not even offered to it; true if so. */
static bool refuse_here(struct dialogue *d)
{
	const struct ehlo *e = &d->offers;
	char *text;

	if (e->offers & EHLO_SIZE && e->size && d->now.t.content_size > e->size) {
		text = mem_fmt("message size %llu exceeds size limit %llu of server %s",
			(unsigned long long)d->now.t.content_size, (unsigned long long)e->size, d->host);
		dialogue_fail_left(d, STAGE_MAIL, "5.3.4", text);
		free(text);
		return true;
	}
	if (d->now.needs_utf8 && !(e->offers & EHLO_SMTPUTF8)) {
		text = mem_fmt("SMTPUTF8 is required, but was not offered by host %s", d->host);
		dialogue_fail_here(d, STAGE_MAIL, "5.6.7", text);
		free(text);
		return true;
	}
	return refuse_without_requiretls(d);
}

enum step dialogue_say_mail(struct dialogue *d, struct buf *out)
{
	if (refuse_here(d))
		return STEP_OVER;
	dialogue_mail_line(d, out);
	return STEP_RCPT;
}

void dialogue_hear_mail(struct dialogue *d, const struct reply *r)
{
	if (!dialogue_passes(d, STAGE_MAIL, r))
		d->dirty = true;
}

/* RCPT (RFC 5321 4.1.1.3) */

/* What is small goes out with the commands. On a connection that may be dead nothing does before something
 * was heard: the message would not be known to be untouched. */
static enum step step_to_content(const struct dialogue *d)
{
	bool unsure = d->now.kept && d->now.t.rested;

	if (!dialogue_chunked(d))
		return STEP_DATA;
	return d->before || d->now.t.content_size > CHUNK_SMALL || unsure ? STEP_ACCEPTED : STEP_CHUNKS;
}

/* A probe whose answer is the reply to RCPT. */
static bool ends_behind_rcpt(const struct dialogue *d)
{
	return d->now.t.probe && d->manner->address_verify_target == VERIFY_RCPT;
}

enum step dialogue_say_rcpt(struct dialogue *d, struct buf *out)
{
	const struct envelope *e = d->now.t.envelope;

	if (d->now.left == 0)
		return STEP_OVER;   /* MAIL was refused */
	if (d->now.asked == e->count)
		return ends_behind_rcpt(d) ? STEP_OVER : d->now.t.probe ? STEP_DATA : step_to_content(d);
	dialogue_rcpt_line(d, &e->rcpts[d->now.asked++], out);
	return STEP_RCPT;
}

static void accept_rcpt(struct dialogue *d, const struct reply *r, size_t rcpt)
{
	struct verdict v = { 0 };

	d->now.accepted++;
	d->now.state[rcpt] = RCPT_ACCEPTED;
	if (!ends_behind_rcpt(d))
		return;
	verdict_sent(&v, r);
	v.stage = STAGE_RCPT;
	dialogue_judge(d, rcpt, &v);
}

void dialogue_hear_rcpt(struct dialogue *d, const struct reply *r)
{
	size_t rcpt = d->now.answered;
	enum reply_meaning meaning = reply_meaning(STAGE_RCPT, r, d->now.accepted > 0);

	d->dirty = true;   /* until the dot: a transaction is open */
	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, STAGE_RCPT, "sent a reply that is out of place", r);
	else if (d->now.state[rcpt] == RCPT_JUDGED)
		return;            /* MAIL was refused */
	else if (meaning == MEANS_YES)
		accept_rcpt(d, r, rcpt);
	else
		dialogue_refuse(d, STAGE_RCPT, meaning, r, rcpt);
}

/* DATA and content (RFC 5321 4.1.1.4) */

enum step dialogue_say_data(struct dialogue *d, struct buf *out)
{
	if (d->now.left == 0)
		return STEP_OVER;
	buf_str(out, "DATA\r\n");
	return STEP_CONTENT;
}

/* Who may send has been taken. Whatever was said now would be content, so nothing is. */
static void end_probe(struct dialogue *d, const struct reply *r)
{
	struct verdict v = { 0 };

	verdict_sent(&v, r);
	v.stage = STAGE_DATA;
	memcpy(v.dsn, "2.0.0", sizeof "2.0.0");
	dialogue_judge_left(d, &v);
	dialogue_stop(d);
}

void dialogue_hear_data(struct dialogue *d, const struct reply *r)
{
	d->dirty = true;
	d->now.data_go = dialogue_passes(d, STAGE_DATA, r);
	d->now.in_step = d->now.data_go;
	if (d->now.data_go && d->now.t.probe)
		end_probe(d, r);
}

/* Everything before is answered here. After a 354 for nobody the dot is the only way on (RFC 2920 3.1). */
enum step dialogue_say_content(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (!d->now.data_go)
		return STEP_OVER;
	return d->now.left ? STEP_SENDING : STEP_LONE_DOT;
}

/* BDAT (RFC 3030) */

enum step dialogue_say_accepted(struct dialogue *d, struct buf *out)
{
	(void)out;
	d->now.in_step = d->now.left > 0;   /* every reply to RCPT is in, and none too many */
	return d->now.left ? STEP_CHUNKS : STEP_OVER;
}

/* After a chunk that was refused the rest means nothing to anybody. */
void dialogue_hear_chunk(struct dialogue *d, const struct reply *r)
{
	if (d->now.left && !dialogue_passes(d, STAGE_CONTENT, r))
		dialogue_stop(d);
}

/* Every chunk before was taken here. */
enum step dialogue_say_last_chunk(struct dialogue *d, struct buf *out)
{
	if (d->now.left == 0)
		return STEP_OVER;
	buf_str(out, "BDAT 0 LAST\r\n");
	d->now.dot_sent = true;
	return STEP_OVER;
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
		dialogue_judge(d, d->now.next_final, &v);
	else
		dialogue_judge_left(d, &v);
}

void dialogue_hear_dot(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_DOT, r, false);
	bool first = d->now.left == d->now.finals;

	if (meaning == MEANS_PROTOCOL || (meaning == MEANS_YES && !d->now.dot_sent)) {
		dialogue_violate(d, STAGE_DOT, "sent a reply that is out of place", r);
		return;
	}
	d->dirty = d->dirty || meaning != MEANS_YES;
	if (d->now.left == 0)
		return;   /* the dot that nobody was to get */
	while (d->now.state[d->now.next_final] != RCPT_ACCEPTED)
		d->now.next_final++;
	d->now.refused_for_size = d->lmtp && first && d->now.finals > 1 && is_size_refusal(r);
	if (meaning == MEANS_YES)
		settle(d, r);
	else if (d->lmtp)
		dialogue_refuse(d, STAGE_DOT, meaning, r, d->now.next_final);
	else
		dialogue_refuse_left(d, STAGE_DOT, meaning, r);
}

/* The end of a transaction, and of the session */

enum step dialogue_say_over(struct dialogue *d, struct buf *out)
{
	bool open = d->now.accepted > 0 && !d->now.dot_sent;

	(void)out;
	assert(d->now.left == 0);
	d->now.active = false;
	d->served = true;
	if (d->leaving)
		return STEP_END;
	if (d->unfit)
		return STEP_QUIT;
	return open ? STEP_RSET : STEP_IDLE;
}

enum step dialogue_say_quit(struct dialogue *d, struct buf *out)
{
	(void)d;
	buf_str(out, "QUIT\r\n");
	return STEP_END;
}

void dialogue_hear_quit(struct dialogue *d, const struct reply *r)
{
	(void)d;
	(void)r;
}

/* Whoever spoke before the handshake may have sent an answer ahead that would be taken for the server's
 * own. */
static bool is_early_mail_reply(const struct dialogue *d)
{
	return d->secure && d->manner->tls_block_early_mail_reply && !d->now.kept && d->step <= STEP_MAIL;
}

static void fail_attacked(struct dialogue *d, const struct reply *r)
{
	dialogue_remark_on(d, "warning: %s: unexpected server message ahead of MAIL: %s", d->relay, r->text);
	dialogue_fail_site(d, STAGE_MAIL, "4.7.0", "unexpected server message");
	dialogue_stop(d);
}

/* What nobody asked for while somebody is left. A 421 may come at any time (RFC 5321 3.8); all else
 * shows that the two sides are out of step. */
void dialogue_hear_unasked(struct dialogue *d, const struct reply *r)
{
	enum stage stage = d->now.kept ? STAGE_IDLE : dialogue_stage(d);

	if (r->code == 421 && !d->now.dot_sent) {
		dialogue_refuse_left(d, stage, MEANS_LATER, r);
		dialogue_stop(d);
	} else if (is_early_mail_reply(d)) {
		fail_attacked(d, r);
	} else {
		dialogue_violate(d, stage, "sent a reply that nothing awaited", r);
	}
}
