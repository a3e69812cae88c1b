/*
 * Greeting and capabilities: RFC 5321 3.1 and 3.2, RFC 2033 4.1. What a session learns before its first
 * transaction, but for TLS and SASL.
 */
#include "talk/dialogue_steps.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define DEBUG_FEATURES 2   /* debug_peer_level from which the server's features are told too */

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

/* A PIX firewall overwrites the greeting with asterisks and leaves 2, 0 and blanks; one without any text
 * comes from no firewall. */
static bool is_pix(const char *greeting)
{
	const char *text = greeting + strlen("220");

	return greeting[strspn(greeting, "20 *\t\n")] == '\0' && text[strspn(text, " \t\n")] != '\0';
}

/* What young mail does without is not told. */
static void settle_pix(struct dialogue *d, const char *greeting)
{
	bool esmtp_off, dot_late;

	if (!is_pix(greeting))
		d->pix = 0;
	esmtp_off = d->pix & PIX_DISABLE_ESMTP;
	dot_late = dialogue_dot_delay(d) > 0;
	if (esmtp_off || dot_late)
		dialogue_remark_on(d, "enabling PIX workarounds:%s%s for %s", esmtp_off ? " disable_esmtp" : "",
			dot_late ? " delay_dotcrlf" : "", d->relay);
}

/* Which of the two greetings SMTP gives. */
static bool wants_helo(const struct dialogue *d, const char *greeting)
{
	const struct manner *m = d->manner;

	if (m->never_send_ehlo || d->pix & PIX_DISABLE_ESMTP)
		return true;
	return !m->always_send_ehlo && !names_esmtp(greeting);
}

void dialogue_hear_greeting(struct dialogue *d, const struct reply *r)
{
	if (!dialogue_passes(d, STAGE_GREETING, r))
		return;
	settle_pix(d, r->text);
	d->helo = !d->lmtp && wants_helo(d, r->text);
}

enum step dialogue_say_helo(struct dialogue *d, struct buf *out)
{
	const char *name = d->manner->helo_name;

	if (d->now.left == 0)
		return STEP_OVER;
	buf_fmt(out, "%s %s\r\n", d->lmtp ? "LHLO" : d->helo ? "HELO" : "EHLO", *name ? name : d->myhostname);
	return STEP_READY;
}

/* Appends to a remark what some keywords are called. */
static void remark_keywords(struct dialogue *d, const char *what, unsigned keywords)
{
	struct buf words;

	buf_init(&words, REPLY_LINE_MAX);
	ehlo_names(keywords, &words);
	dialogue_remark_on(d, "%s%s", what, buf_text(&words));
	buf_free(&words);
}

static void learn_offers(struct dialogue *d, const char *reply_text)
{
	struct ehlo *e = &d->offers;

	ehlo_parse(e, reply_text);
	e->offers &= ~d->discard;
	if (d->no_smtputf8)
		e->offers &= ~(unsigned)EHLO_SMTPUTF8;
	if (d->discard & ~EHLO_SILENT && !(d->discard & EHLO_SILENT))
		remark_keywords(d, "discarding EHLO keywords:", d->discard);
	if (d->debug >= DEBUG_FEATURES)
		remark_keywords(d, "server features:", e->offers);
	if (e->offers & EHLO_SMTPUTF8)
		e->offers |= EHLO_8BITMIME;   /* RFC 6531 3.1: implied */
}

/* A peer that calls itself what we call ourselves is most likely us: mail would go round in a circle. */
static bool is_ourselves(struct dialogue *d)
{
	bool loops = d->own_name == OWN_NAME_LOOPS;
	char *text;

	if (d->own_name == OWN_NAME_FINE || strcasecmp(d->offers.name, d->myhostname) != 0)
		return false;
	text = mem_fmt("mail for this destination loops back to myself: host %s greets with my own name %s",
		d->host,
		d->myhostname);
	dialogue_remark_on(d, "warning: host %s replied to EHLO with my own hostname %s", d->host, d->myhostname);
	dialogue_note_site(d, SITE_DEAD, text);
	dialogue_fail_left(d, STAGE_HELO, loops ? "5.4.6" : "4.4.6", text);
	d->unfit = true;
	free(text);
	return true;
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
	if (!d->greeted || d->helo)
		return;
	learn_offers(d, r->text);
	d->greeted = !is_ourselves(d);
}

/* After the answer: a server that knows no EHLO is greeted again, with HELO. */
enum step dialogue_say_ready(struct dialogue *d, struct buf *out)
{
	(void)out;
	if (d->now.left == 0)
		return STEP_OVER;
	return d->greeted ? STEP_STARTTLS : STEP_HELO;
}
