/*
 * AUTH (RFC 4954): once in a session, behind EHLO and TLS. The driver has the credentials and is asked for
 * them only where the server offers AUTH; what becomes of the session afterwards is decided here. A login
 * that fails is never followed by mail without one.
 */
#include "talk/dialogue_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	LINE_LIMIT = 512,    /* of AUTH with its initial response and CRLF (RFC 4954 4) */
	ROUNDS_MAX = 100     /* challenges, whatever a plug-in of libsasl2 makes of them */
};

enum step dialogue_say_login(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (d->now.left == 0)
		return STEP_OVER;
	return d->manner->sasl_auth_enable && d->offers.offers & EHLO_AUTH ? STEP_CREDENTIALS : STEP_RSET;
}

void dialogue_login_none(struct dialogue *d)
{
	if (d->step == STEP_CREDENTIALS)
		d->step = STEP_RSET;
}

void dialogue_login_fails(struct dialogue *d, const char *dsn, const char *text)
{
	if (d->step != STEP_CREDENTIALS)
		return;
	dialogue_fail_site(d, STAGE_AUTH, dsn, text);
	d->step = STEP_OVER;
}

static void fail(struct dialogue *d, const char *dsn, const char *why)
{
	char *text = mem_fmt("SASL authentication failed; cannot authenticate to server %s: %s", d->host, why);

	dialogue_fail_site(d, STAGE_AUTH, dsn, text);
	free(text);
}

static void fail_for_mechanisms(struct dialogue *d, const char *why)
{
	char *text = mem_fmt("SASL authentication failed; server %s offered no compatible authentication "
		"mechanisms for this type of connection security%s%s", d->host, why ? ": " : "", why ? why : "");

	dialogue_fail_site(d, STAGE_AUTH, "4.7.0", text);
	d->step = STEP_OVER;
	free(text);
}

void dialogue_login_begun(struct dialogue *d, struct auth *begun, bool fine)
{
	if (d->step != STEP_CREDENTIALS) {
		auth_free(begun);
		return;
	}
	d->auth = begun;
	d->step = STEP_AUTH;
	if (fine)
		return;
	fail_for_mechanisms(d, auth_failure(begun));
	auth_end(begun);
}

void dialogue_login(struct dialogue *d, const struct auth_setup *who, const char *mechanisms)
{
	struct auth *a;

	if (d->step != STEP_CREDENTIALS)
		return;
	if (!*mechanisms) {
		fail_for_mechanisms(d, NULL);
		return;
	}
	a = auth_new(who);
	dialogue_login_begun(d, a, auth_begin(a, mechanisms));
}

enum step dialogue_say_auth(struct dialogue *d, struct buf *out)
{
	const char *mechanism = auth_mechanism(d->auth), *response = auth_response(d->auth);

	buf_fmt(out, "AUTH %s", mechanism);
	d->auth_waits = response && strlen("AUTH  \r\n") + strlen(mechanism) + strlen(response) > LINE_LIMIT;
	if (response && !d->auth_waits)
		buf_fmt(out, " %s", *response ? response : "=");
	buf_str(out, "\r\n");
	return STEP_AUTH_MORE;
}

enum step dialogue_say_auth_more(struct dialogue *d, struct buf *out)
{
	if (d->now.left == 0) {
		auth_end(d->auth);
		return STEP_OVER;
	}
	if (d->authenticated) {
		auth_end(d->auth);
		return STEP_RSET;
	}
	buf_fmt(out, "%s\r\n", auth_response(d->auth));
	return STEP_AUTH_MORE;
}

/* The response that did not fit into the first line follows an empty challenge. */
static void hear_challenge(struct dialogue *d)
{
	if (++d->auth_rounds > ROUNDS_MAX)
		fail(d, "4.3.0", "the exchange does not end");
	else if (d->auth_waits && *d->challenge)
		fail(d, "4.7.0", "the server sent a challenge where the mechanism has the first word");
	else if (!d->auth_waits && !auth_challenge(d->auth, d->challenge))
		fail(d, "4.7.0", auth_failure(d->auth));
	d->auth_waits = false;
}

static void hear_success(struct dialogue *d)
{
	d->authenticated = !d->auth_waits && auth_complete(d->auth);
	if (!d->authenticated)
		fail(d, "4.7.0", "the server reports success before the exchange is complete");
}

void dialogue_hear_auth(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_AUTH, r, false);

	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, STAGE_AUTH, "sent a reply that is out of place", r);
	else if (meaning == MEANS_NEVER && d->manner->sasl_auth_soft_bounce)
		dialogue_refuse_left(d, STAGE_AUTH, MEANS_LATER, r);
	else if (meaning != MEANS_YES)
		dialogue_refuse_left(d, STAGE_AUTH, meaning, r);
	else if (reply_class(r) == 2)
		hear_success(d);
	else
		hear_challenge(d);
}

/* --- what must not be seen --- */

char *dialogue_auth_conceal(struct dialogue *d, struct reply *r)
{
	char *seen;

	free(d->challenge);
	d->challenge = NULL;
	if (reply_class(r) == 3 && !d->authenticated) {
		d->challenge = mem_str(strlen(r->text) > 4 ? r->text + 4 : "");
		seen = mem_fmt("%d ***", r->code);
	} else {
		seen = auth_hide(d->auth, r->text);
	}
	r->text = seen;
	return seen;
}

char *dialogue_shown(const struct dialogue *d, const char *line)
{
	return d->auth ? auth_hide(d->auth, line) : mem_str(line);
}

struct text dialogue_auth_shown(enum step step, struct text line)
{
	size_t verb = strlen("AUTH ");
	const char *blank;

	if (step == STEP_AUTH_MORE)
		return text_of("***");
	if (step != STEP_AUTH)
		return line;
	blank = memchr(line.p + verb, ' ', line.n - verb);
	return text_make(line.p, blank ? (size_t)(blank - line.p) : line.n);
}
