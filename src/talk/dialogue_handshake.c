/*
 * Greeting and capabilities: RFC 5321 3.1 and 3.2, RFC 2033 4.1. What a session learns before its first
 * transaction, but for TLS and SASL.
 */
#include "talk/dialogue_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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

void dialogue_hear_greeting(struct dialogue *d, const struct reply *r)
{
	const struct manner *m = d->manner;

	if (dialogue_passes(d, STAGE_GREETING, r) && !d->lmtp)
		d->helo = m->never_send_ehlo || !(m->always_send_ehlo || names_esmtp(r->text));
}

enum step dialogue_say_helo(struct dialogue *d, struct buf *out)
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

void dialogue_hear_helo(struct dialogue *d, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(STAGE_HELO, r, false);
	bool refused = meaning == MEANS_LATER || meaning == MEANS_NEVER;

	if (refused && !d->lmtp && !d->helo && r->code != 421) {
		d->helo = true;   /* RFC 5321 3.2: a server without extensions */
		return;
	}
	d->greeted = dialogue_passes(d, STAGE_HELO, r);
	if (d->greeted && !d->helo)
		learn_offers(d, r->text);
}

/* After the answer: a server that knows no EHLO is greeted again, with HELO. */
enum step dialogue_say_ready(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (d->left == 0)
		return STEP_OVER;
	return d->greeted ? STEP_STARTTLS : STEP_HELO;
}
