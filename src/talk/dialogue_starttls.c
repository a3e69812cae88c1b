/*
 * STARTTLS (RFC 3207): whether it is said, what its answer means, and the handshake, which the driver does.
 * What was learnt before the handshake is forgotten, and nothing that came before it is ever taken for a
 * reply.
 */
#include "talk/dialogue_steps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* By its policy the host gets no mail without TLS; by REQUIRETLS this mail goes nowhere without. */
static bool is_must(const struct dialogue *d)
{
	return d->tls == DIALOGUE_TLS_MUST || d->requiretls >= REQUIRETLS_STARTTLS;
}

/* A fault of the host by its policy; what only REQUIRETLS asks for says nothing about it. */
static enum step refuse_unoffered(struct dialogue *d)
{
	char *text;

	d->tls_violated = d->tls == DIALOGUE_TLS_MUST;
	if (d->requiretls >= REQUIRETLS_STARTTLS) {
		dialogue_fail_requiretls(d, STAGE_STARTTLS, REQUIRETLS_NO_STARTTLS, "5.7.30",
			mem_fmt("but host %s does not offer TLS", d->host));
		return STEP_OVER;
	}
	text = mem_fmt("TLS is required, but was not offered by host %s", d->host);
	dialogue_fail_site(d, STAGE_STARTTLS, "4.7.4", text);
	free(text);
	return STEP_OVER;
}

/* Nor does it say anything about the host that we have no TLS. */
static enum step refuse_for_ourselves(struct dialogue *d)
{
	d->tls_violated = d->tls == DIALOGUE_TLS_MUST;
	if (d->tls_violated)
		dialogue_fail_site(d, STAGE_STARTTLS, "4.7.5", "TLS is required, but our TLS engine is unavailable");
	else
		dialogue_fail_requiretls(d, STAGE_STARTTLS, REQUIRETLS_UNDECIDED, "4.7.5",
			mem_str("but our TLS engine is unavailable"));
	return STEP_OVER;
}

static void note_offer(struct dialogue *d)
{
	if (d->manner->tls_note_starttls_offer && d->offers.offers & EHLO_STARTTLS)
		dialogue_remark_on(d, "Host offered STARTTLS: [%.*s]", (int)strcspn(d->host, "["), d->host);
}

enum step dialogue_say_starttls(struct dialogue *d, struct buf *out)
{
	bool must = is_must(d);

	if (d->secure)
		return STEP_SETTLED;
	if (d->tls == DIALOGUE_TLS_NEVER) {
		note_offer(d);
		return STEP_SETTLED;
	}
	if (!(d->offers.offers & EHLO_STARTTLS))
		return must ? refuse_unoffered(d) : STEP_SETTLED;
	if (!d->tls_ready)
		return must ? refuse_for_ourselves(d) : STEP_SETTLED;
	buf_str(out, "STARTTLS\r\n");
	return STEP_SECURE;
}

/* The sender asks for what the server refuses. */
static void refuse_for_requiretls(struct dialogue *d, const struct reply *r)
{
	struct buf text;

	buf_init(&text, REPLY_TEXT_MAX + 1024);
	buf_fmt(&text, "but host %s refused to start TLS: ", d->host);
	reply_one_line(r, &text);
	d->tls_violated = d->tls == DIALOGUE_TLS_MUST;
	dialogue_fail_requiretls(d, STAGE_STARTTLS, REQUIRETLS_NO_STARTTLS, "5.7.10", buf_take(&text));
}

/* Whoever may do without TLS goes on in clear when it is refused; one that closes does not. */
void dialogue_hear_starttls(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_STARTTLS, r, false);
	bool refused = meaning == MEANS_LATER || meaning == MEANS_NEVER;

	if (refused && !is_must(d) && r->code != 421)
		return;
	if (refused && d->requiretls >= REQUIRETLS_STARTTLS && r->code != 421) {
		refuse_for_requiretls(d, r);
		return;
	}
	d->tls_go = dialogue_passes(d, STAGE_STARTTLS, r);
	d->tls_violated = !d->tls_go && d->tls == DIALOGUE_TLS_MUST;
}

enum step dialogue_say_secure(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (d->now.left == 0)
		return STEP_OVER;
	return d->tls_go ? STEP_HANDSHAKE : STEP_SETTLED;
}

bool dialogue_awaits_tls(const struct dialogue *d)
{
	return d->tls_go && (d->step == STEP_SECURE || d->step == STEP_HANDSHAKE);
}

/* The peer is not who it should be. */
static void leave(struct dialogue *d, const char *refusal)
{
	if (d->requiretls == REQUIRETLS_ENFORCE)
		dialogue_fail_requiretls(d, STAGE_TLS, REQUIRETLS_NO_MATCH, "5.7.10",
			mem_fmt("but host %s: %s", d->host, refusal));
	else
		dialogue_fail_site(d, STAGE_TLS, "4.7.5", refusal);
	d->now.requiretls.lack = REQUIRETLS_NO_MATCH;
	d->step = STEP_OVER;
}

void dialogue_secured(struct dialogue *d, const char *refusal)
{
	if (d->step != STEP_HANDSHAKE)
		return;
	d->secure = true;
	d->tls_go = d->helo = d->greeted = false;
	d->offers = (struct ehlo){ 0 };
	d->progress++;
	d->step = STEP_HELO;
	d->tls_violated = refusal;
	if (refusal)
		leave(d, refusal);
	else if (d->tls_first)
		dialogue_owe(d, STEP_GREETING, 0, 1);
}

/* At level may this says nothing about the host. */
void dialogue_unsecured(struct dialogue *d, const char *detail)
{
	char *text = mem_fmt("Cannot start TLS: handshake failure%s%s%s", detail ? " (" : "",
		detail ? detail : "", detail ? ")" : "");

	assert(d->step == STEP_HANDSHAKE);
	d->tls_violated = d->tls == DIALOGUE_TLS_MUST;
	if (d->now.left) {
		dialogue_ask_in_clear(d);
		if (d->tls == DIALOGUE_TLS_MUST)
			dialogue_fail_site(d, STAGE_TLS, "4.7.5", text);
		else
			dialogue_fail_left(d, STAGE_TLS, "4.7.5", text);
	}
	dialogue_stop(d);
	free(text);
}

void dialogue_ask_in_clear(struct dialogue *d)
{
	if (!d->now.t.retry_in_clear || d->now.dot_sent)
		return;
	d->now.policy.last_host = false;
	d->wants_clear = true;
}

bool dialogue_wants_clear(const struct dialogue *d)
{
	return d->wants_clear;
}

enum dialogue_tls_outcome dialogue_tls_outcome(const struct dialogue *d)
{
	if (d->tls_violated)
		return DIALOGUE_TLS_VIOLATED;
	if (!d->tls_settled)
		return DIALOGUE_TLS_OPEN;
	return d->secure ? DIALOGUE_TLS_DONE : DIALOGUE_TLS_CLEAR;
}

struct requiretls_outcome dialogue_requiretls_outcome(const struct dialogue *d)
{
	const struct course *c = d->before ? d->before : &d->now;   /* the earlier one is told first */

	if (c->requiretls.violated || !d->requiretls_settled)
		return c->requiretls;
	return (struct requiretls_outcome){ .lack = dialogue_passes_requiretls(d)
		? REQUIRETLS_PASSED : REQUIRETLS_NO_OFFER };
}

bool dialogue_is_secure(const struct dialogue *d)
{
	return d->secure;
}

/* --- an answer to MAIL that is there before MAIL was said --- */

/* Only where it is asked for, since it costs a look at the connection. */
enum step dialogue_say_settled(struct dialogue *d, struct buf *out)
{
	(void)out;
	d->tls_settled = true;
	return d->secure && d->manner->tls_block_early_mail_reply ? STEP_LISTEN : STEP_LOGIN;
}

void dialogue_heard_nothing(struct dialogue *d)
{
	assert(d->step == STEP_LISTEN);
	d->step = STEP_LOGIN;
}
