#include "talk/dialogue_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void dialogue_judge(struct dialogue *d, size_t rcpt, struct verdict *v)
{
	struct fallen *f = &d->now.fallen[d->now.fallen_count++];

	assert(d->now.state[rcpt] != RCPT_JUDGED && d->now.fallen_count <= d->now.room
		&& v->outcome != OUTCOME_NONE);
	d->now.state[rcpt] = RCPT_JUDGED;
	d->now.left--;
	f->rcpt = rcpt;
	f->verdict = *v;
	*v = (struct verdict){ 0 };
}

void dialogue_judge_left(struct dialogue *d, struct verdict *v)
{
	for (size_t i = 0; d->now.left; i++)
		if (d->now.state[i] != RCPT_JUDGED) {
			struct verdict copy = { 0 };

			verdict_copy(&copy, v);
			dialogue_judge(d, i, &copy);
		}
	verdict_clear(v);
}

void dialogue_note_site(struct dialogue *d, enum site site, const char *reason)
{
	if (site == SITE_FINE || d->site != SITE_FINE)
		return;
	d->site = site;
	d->site_reason = mem_str(reason);
}

/* Some replies mean that the two sides do not understand each other, though they count as what they are. */
static bool is_misunderstanding(const struct reply *r)
{
	return (r->code >= 500 && r->code <= 509) || r->code == 555;
}

static void refusal(struct dialogue *d, struct verdict *v, enum stage stage, enum reply_meaning meaning,
	const struct reply *r)
{
	verdict_refused(v, &d->now.policy, stage, meaning, r, d->host);
	dialogue_note_site(d, site_after(stage, meaning), v->text);
	if (stage_scope(stage, d->lmtp) == SCOPE_SITE)
		d->unfit = true;
	if (is_misunderstanding(r)) {
		d->unfit = true;
		dialogue_complain(d, stage_command(stage, d->lmtp), r);
	}
}

void dialogue_refuse(struct dialogue *d, enum stage stage, enum reply_meaning meaning, const struct reply *r,
	size_t rcpt)
{
	struct verdict v = { 0 };

	refusal(d, &v, stage, meaning, r);
	dialogue_judge(d, rcpt, &v);
}

void dialogue_refuse_left(struct dialogue *d, enum stage stage, enum reply_meaning meaning,
	const struct reply *r)
{
	struct verdict v = { 0 };

	if (d->now.left == 0)
		return;   /* a 503 where nobody was accepted is what one expects */
	refusal(d, &v, stage, meaning, r);
	dialogue_judge_left(d, &v);
}

void dialogue_leave_kept(struct dialogue *d, enum stage stage, const struct reply *r)
{
	if (d->now.dot_sent && r->code != 421) {
		dialogue_violate(d, STAGE_DOT, "did not take RSET", r);
		return;
	}
	dialogue_refuse_left(d, d->now.dot_sent ? STAGE_DOT : stage, MEANS_LATER, r);
	dialogue_stop(d);
}

void dialogue_fail_left(struct dialogue *d, enum stage stage, const char *dsn, const char *text)
{
	struct verdict v = { 0 };

	verdict_lost(&v, &d->now.policy, stage, dsn, text);
	dialogue_judge_left(d, &v);
}

void dialogue_fail_here(struct dialogue *d, enum stage stage, const char *dsn, const char *text)
{
	char for_now[VERDICT_DSN_SIZE];

	snprintf(for_now, sizeof for_now, "4%s", dsn + 1);
	dialogue_fail_left(d, stage, d->now.t.last_host ? dsn : for_now, text);
}

void dialogue_fail_requiretls(struct dialogue *d, enum stage stage, enum requiretls_lack lack,
	const char *dsn, char *why)
{
	char *text = mem_fmt("The sender asks for REQUIRETLS, %s", why);

	d->now.requiretls = (struct requiretls_outcome){ .lack = lack, .violated = lack != REQUIRETLS_UNDECIDED };
	d->unfit = true;
	dialogue_fail_here(d, stage, dsn, text);
	free(text);
	free(why);
}

void dialogue_fail_site(struct dialogue *d, enum stage stage, const char *dsn, const char *text)
{
	dialogue_note_site(d, SITE_DEAD, text);
	d->unfit = true;
	dialogue_fail_left(d, stage, dsn, text);
}

void dialogue_stop(struct dialogue *d)
{
	assert(d->now.left == 0);
	dialogue_forget_follower(d);
	d->step = STEP_END;
	d->owed_runs = 0;
	d->now.active = false;
	d->unfit = true;
	d->progress++;
}

static const char *doing(const struct dialogue *d, enum stage stage)
{
	return stage == STAGE_HELO && d->helo ? "performing the HELO handshake" : stage_doing(stage, d->lmtp);
}

/* Replies may have gone to the wrong commands: whoever was judged by one, and was not told of yet, is left
 * again. */
static void doubt(struct course *c)
{
	for (size_t i = c->collected; i < c->fallen_count && !c->in_step; i++) {
		verdict_clear(&c->fallen[i].verdict);
		c->state[c->fallen[i].rcpt] = RCPT_ACCEPTED;
		c->left++;
	}
	c->fallen_count = c->in_step ? c->fallen_count : c->collected;
}

void dialogue_violate(struct dialogue *d, enum stage stage, const char *what, const struct reply *r)
{
	struct buf text;

	dialogue_complain(d, what, r);
	doubt(&d->now);
	buf_init(&text, REPLY_TEXT_MAX + 1024);
	buf_fmt(&text, "Protocol error: host %s %s while %s", d->host, what, doing(d, stage));
	if (r) {
		buf_str(&text, ": ");
		reply_one_line(r, &text);
	}
	if (d->now.left)
		dialogue_note_site(d, site_after(stage, MEANS_PROTOCOL), buf_text(&text));
	dialogue_fail_left(d, stage, "4.5.0", buf_text(&text));
	buf_free(&text);
	dialogue_stop(d);
}

bool dialogue_passes(struct dialogue *d, enum stage stage, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(stage, r, false);

	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, stage, "sent a reply that is out of place", r);
	else if (meaning != MEANS_YES)
		dialogue_refuse_left(d, stage, meaning, r);
	return meaning == MEANS_YES;
}

/* Nothing was said for this message yet, on a connection that served before: no failure, but for a slow
 * peer. */
static enum stage stage_of_loss(const struct dialogue *d)
{
	if (d->now.dot_sent)
		return STAGE_DOT;   /* whatever reply was awaited: the message may have been taken */
	return d->now.kept ? STAGE_IDLE : dialogue_stage(d);
}

static void lose(struct dialogue *d, enum stage stage, enum site site, const char *dsn, const char *text)
{
	if (d->now.left) {
		dialogue_note_site(d, site, text);
		dialogue_fail_left(d, stage, dsn, text);
	}
	dialogue_stop(d);
}

/* What went through TLS may do better without it. */
static void lose_peer(struct dialogue *d, enum stage stage, enum site site, const char *text)
{
	if (d->now.left && d->secure && !d->now.kept)
		dialogue_ask_in_clear(d);
	lose(d, stage, site, "4.4.2", text);
}

void dialogue_local_error(struct dialogue *d, const char *why)
{
	char *text = mem_fmt("local data error while talking to %s: %s", d->host, why);

	lose(d, dialogue_stage(d), SITE_DEAD, "4.3.0", text);
	free(text);
}

void dialogue_lost(struct dialogue *d, const char *detail)
{
	enum stage stage;
	char *text;

	dialogue_turn(d);
	stage = stage_of_loss(d);
	if (d->step == STEP_END && d->owed_runs == 0)
		return;
	if (d->step == STEP_HANDSHAKE) {
		dialogue_unsecured(d, detail ? detail : "lost connection");
		return;
	}
	if (dialogue_owed(d) && dialogue_owed(d)->step == STEP_UNASKED) {
		dialogue_violate(d, stage, "spoke out of turn", NULL);
		return;
	}
	text = mem_fmt("lost connection with %s while %s%s%s", d->host, doing(d, stage),
		detail ? ": " : "", detail ? detail : "");
	lose_peer(d, stage, site_after(stage, MEANS_LOST), text);
	free(text);
}

/* Some stores answer an oversized message once for all recipients: whoever got no reply is sent it by
 * itself. */
static void separate(struct dialogue *d)
{
	struct verdict v = { 0 };
	char *text = mem_fmt("host %s gave one final reply for several recipients", d->host);

	verdict_lost(&v, &d->now.policy, STAGE_DOT, "4.3.4", text);
	v.outcome = OUTCOME_ALONE;
	v.maybe_twice = false;
	dialogue_judge_left(d, &v);
	dialogue_stop(d);
	free(text);
}

void dialogue_timed_out(struct dialogue *d)
{
	enum stage stage;
	enum site site;
	char *text;

	dialogue_turn(d);
	stage = d->now.dot_sent ? STAGE_DOT : dialogue_stage(d);
	site = site_after(stage, MEANS_LOST);
	if (d->step == STEP_END && d->owed_runs == 0)
		return;
	if (d->step == STEP_HANDSHAKE) {
		dialogue_unsecured(d, "timed out");
		return;
	}
	if (dialogue_owed(d) && dialogue_owed(d)->step == STEP_UNASKED) {
		dialogue_violate(d, stage, "spoke out of turn", NULL);
		return;
	}
	if (d->now.refused_for_size) {
		separate(d);
		return;
	}
	text = mem_fmt("conversation with %s timed out while %s", d->host, doing(d, stage));
	/* a host without room for a session closes it; one that is silent to the end of the limit serves
	 * nobody */
	lose_peer(d, stage, site == SITE_BUSY ? SITE_DEAD : site, text);
	free(text);
}

void dialogue_abort(struct dialogue *d, const char *dsn, const char *text)
{
	dialogue_turn(d);
	dialogue_fail_left(d, d->now.dot_sent ? STAGE_DOT : STAGE_LOCAL, dsn, text);
	dialogue_stop(d);
}

/* What was said in one go is judged in one go: while replies to it are to come that may show the others to be
 * out of step. LMTP's finals are told as they come: a store may take long over each, and a result that the
 * queue does not know is delivered again if the courier dies. */
static bool may_be_doubted(const struct dialogue *d, const struct course *c)
{
	const struct owed *owed = dialogue_owed(d);

	if (!c->active || c->in_step || !owed || (owed->step == STEP_DOT && d->lmtp))
		return false;
	return c == &d->now || owed->step == STEP_DOT;
}

bool dialogue_verdict(struct dialogue *d, size_t *rcpt, struct verdict *v)
{
	struct course *c = d->before ? d->before : &d->now;
	struct fallen *f = &c->fallen[c->collected];

	if (c->collected == c->fallen_count || may_be_doubted(d, c))
		return false;
	c->collected++;
	*rcpt = f->rcpt;
	*v = f->verdict;
	return true;
}
