/*
 * STARTTLS (RFC 3207): whether it is said, what its answer means, and the handshake, which the driver does. What
 * was learnt before the handshake is forgotten, and nothing that came before it is ever taken for a reply.
 */
#include "talk/dialogue_steps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The peer cannot have the mail without TLS. */
static enum step refuse(struct dialogue *d, const char *dsn, char *text)
{
	d->tls_violated = true;
	dialogue_fail_site(d, STAGE_STARTTLS, dsn, text);
	free(text);
	return STEP_OVER;
}

static void note_offer(struct dialogue *d)
{
	if (d->manner->tls_note_starttls_offer && d->offers.offers & EHLO_STARTTLS)
		dialogue_remark_on(d, "Host offered STARTTLS: [%.*s]", (int)strcspn(d->host, "["), d->host);
}

enum step dialogue_say_starttls(struct dialogue *d, struct buf *out)
{
	bool must = d->tls == DIALOGUE_TLS_MUST;

	if (d->secure)
		return STEP_SETTLED;
	if (d->tls == DIALOGUE_TLS_NEVER) {
		note_offer(d);
		return STEP_SETTLED;
	}
	if (!(d->offers.offers & EHLO_STARTTLS))
		return must ? refuse(d, "4.7.4", mem_fmt("TLS is required, but was not offered by host %s", d->host))
			: STEP_SETTLED;
	if (!d->tls_ready)
		return must ? refuse(d, "4.7.5", mem_str("TLS is required, but our TLS engine is unavailable"))
			: STEP_SETTLED;
	buf_str(out, "STARTTLS\r\n");
	return STEP_SECURE;
}

/* Whoever may do without TLS goes on in clear when it is refused; one that closes does not. */
void dialogue_hear_starttls(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_STARTTLS, r, false);
	bool refused = meaning == MEANS_LATER || meaning == MEANS_NEVER;

	if (refused && d->tls != DIALOGUE_TLS_MUST && r->code != 421)
		return;
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
	if (refusal) {
		dialogue_fail_site(d, STAGE_TLS, "4.7.5", refusal);
		d->step = STEP_OVER;
	} else if (d->tls_first) {
		dialogue_owe(d, STEP_GREETING, 0, 1);
	}
}

/* At level may this says nothing about the host. */
void dialogue_unsecured(struct dialogue *d, const char *detail)
{
	char *text = mem_fmt("Cannot start TLS: handshake failure%s%s%s", detail ? " (" : "", detail ? detail : "",
		detail ? ")" : "");

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
