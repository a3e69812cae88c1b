#include "talk/verdict.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define WORDS_MAX 2048   /* most of a peer's words that a verdict keeps */

/* What is to be done about a failure. */
enum treatment {
	NEXT,      /* ask the next host; where there is none, later */
	LATER,     /* no other host in this attempt: the message may have been taken, or the trouble is ours */
	NEVER,     /* soft_bounce makes NEXT of it */
	GREETED,   /* skip_5xx_greeting: NEXT, else NEVER */
	AGAIN      /* at once, in a further transaction */
};

/*
 * THE policy. What is out of place (MEANS_PROTOCOL) proves nothing about a recipient, so it is never NEVER.
 * Once the final dot was sent, only a reply lets another host have the message. What goes wrong on a kept
 * connection before anything was said for the message (RSET, IDLE) is no failure of the message at all.
 */
static const unsigned char treatments[STAGE_COUNT][MEANS_COUNT] = {
	/*                   YES    LATER  NEVER    TOO_MANY PROTOCOL LOST */
	[STAGE_LOOKUP]   = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_CONNECT]  = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_GREETING] = { NEXT,  NEXT,  GREETED, NEXT,    NEXT,    NEXT },
	[STAGE_HELO]     = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_STARTTLS] = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_TLS]      = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_AUTH]     = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	/* refusals of XFORWARD are only remarked on */
	[STAGE_XFORWARD_NAME] = { NEXT, NEXT, NEXT, NEXT,    NEXT,    NEXT },
	[STAGE_XFORWARD_HELO] = { NEXT, NEXT, NEXT, NEXT,    NEXT,    NEXT },
	[STAGE_MAIL]     = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_RCPT]     = { NEXT,  NEXT,  NEVER,   AGAIN,   NEXT,    NEXT },
	[STAGE_DATA]     = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_CONTENT]  = { NEXT,  NEXT,  NEVER,   NEXT,    NEXT,    NEXT },
	[STAGE_DOT]      = { LATER, NEXT,  NEVER,   NEXT,    LATER,   LATER },
	[STAGE_RSET]     = { AGAIN, AGAIN, AGAIN,   AGAIN,   AGAIN,   AGAIN },
	[STAGE_QUIT]     = { LATER, LATER, LATER,   LATER,   LATER,   LATER },
	[STAGE_IDLE]     = { AGAIN, AGAIN, AGAIN,   AGAIN,   AGAIN,   AGAIN },
	[STAGE_LOCAL]    = { LATER, LATER, NEVER,   LATER,   LATER,   LATER },
};

enum outcome verdict_policy(const struct policy *p, enum stage stage, enum reply_meaning meaning)
{
	enum outcome next = p->last_host ? OUTCOME_DEFERRED : OUTCOME_KEEP;

	assert(meaning != MEANS_YES);
	switch ((enum treatment)treatments[stage][meaning]) {
	case NEXT:
		return next;
	case LATER:
		return OUTCOME_DEFERRED;
	case NEVER:
		return p->soft_bounce ? next : OUTCOME_BOUNCED;
	case GREETED:
		return p->skip_5xx_greeting || p->soft_bounce ? next : OUTCOME_BOUNCED;
	case AGAIN:
		return OUTCOME_AGAIN;
	}
	assert(!"a treatment of no kind");
	return next;
}

/* Mailbox full (x.2.2) is about one recipient, whatever the digits before it say of "too many". */
static bool is_too_many(const struct reply *r)
{
	return (r->code == 452 || r->code == 552) && strcmp(r->dsn + 1, ".2.2") != 0;
}

enum reply_meaning reply_meaning(enum stage stage, const struct reply *r, bool others_accepted)
{
	if (stage == STAGE_RCPT && others_accepted && is_too_many(r))
		return MEANS_TOO_MANY;
	switch (r->code / 100) {
	case 2:
		return stage == STAGE_DATA ? MEANS_PROTOCOL : MEANS_YES;
	case 3:
		return stage == STAGE_DATA || stage == STAGE_AUTH ? MEANS_YES : MEANS_PROTOCOL;
	case 4:
		return MEANS_LATER;
	case 5:
		return MEANS_NEVER;
	default:
		return MEANS_PROTOCOL;
	}
}

/* What the log says of a stage (lmtp has a word of its own for HELO), and whose failure it is. */
static const struct {
	const char *doing, *command;
	enum scope scope;
} stages[STAGE_COUNT] = {
	[STAGE_LOOKUP] = { "looking up its address", "lookup", SCOPE_SITE },
	[STAGE_CONNECT] = { "connecting", "connect", SCOPE_SITE },
	[STAGE_GREETING] = { "receiving the initial server greeting", "connect", SCOPE_SITE },
	[STAGE_HELO] = { "performing the EHLO handshake", "EHLO command", SCOPE_SITE },
	[STAGE_STARTTLS] = { "receiving the STARTTLS response", "STARTTLS command", SCOPE_SITE },
	[STAGE_TLS] = { "performing the TLS handshake", "TLS handshake", SCOPE_SITE },
	[STAGE_AUTH] = { "performing the AUTH exchange", "AUTH command", SCOPE_SITE },
	[STAGE_XFORWARD_NAME] = { "sending XFORWARD name/address", "XFORWARD command", SCOPE_MESSAGE },
	[STAGE_XFORWARD_HELO] = { "sending XFORWARD protocol/helo_name", "XFORWARD command", SCOPE_MESSAGE },
	[STAGE_MAIL] = { "sending MAIL FROM", "MAIL FROM command", SCOPE_MESSAGE },
	[STAGE_RCPT] = { "sending RCPT TO", "RCPT TO command", SCOPE_RCPT },
	[STAGE_DATA] = { "sending DATA command", "DATA command", SCOPE_MESSAGE },
	[STAGE_CONTENT] = { "sending message body", "message body", SCOPE_MESSAGE },
	[STAGE_DOT] = { "sending end of data -- message may be sent more than once", "end of DATA command",
		SCOPE_MESSAGE },
	[STAGE_RSET] = { "sending RSET", "RSET command", SCOPE_SITE },
	[STAGE_QUIT] = { "sending QUIT", "QUIT command", SCOPE_SITE },
	[STAGE_IDLE] = { "using a kept connection", "kept connection", SCOPE_SITE },
	[STAGE_LOCAL] = { "reading the message", "message", SCOPE_MESSAGE },
};

const char *stage_doing(enum stage stage, bool lmtp)
{
	return stage == STAGE_HELO && lmtp ? "performing the LHLO handshake" : stages[stage].doing;
}

const char *stage_command(enum stage stage, bool lmtp)
{
	return stage == STAGE_HELO && lmtp ? "LHLO command" : stages[stage].command;
}

enum scope stage_scope(enum stage stage, bool lmtp)
{
	return stage == STAGE_DOT && lmtp ? SCOPE_RCPT : stages[stage].scope;
}

/* A host that closes before its greeting has too many sessions already; one that refuses a message is
 * well. */
enum site site_after(enum stage stage, enum reply_meaning meaning)
{
	if (meaning == MEANS_YES || (stage > STAGE_DOT && stage < STAGE_COUNT))
		return SITE_FINE;
	if (stage == STAGE_GREETING && meaning == MEANS_LOST)
		return SITE_BUSY;
	if (meaning == MEANS_LOST)
		return SITE_DEAD;
	return stages[stage].scope == SCOPE_SITE ? SITE_DEAD : SITE_FINE;
}

bool outcome_is_final(enum outcome o)
{
	return o == OUTCOME_SENT || o == OUTCOME_DEFERRED || o == OUTCOME_BOUNCED;
}

void verdict_clear(struct verdict *v)
{
	free(v->text);
	free(v->reply);
	*v = (struct verdict){ 0 };
}

void verdict_copy(struct verdict *to, const struct verdict *from)
{
	verdict_clear(to);
	*to = *from;
	to->text = mem_str(from->text);
	to->reply = mem_str(from->reply);
}

/* The class of the enhanced code says the same as the outcome (RFC 3463 2). */
static void set_dsn(struct verdict *v, const char *dsn)
{
	size_t n = strnlen(dsn, sizeof(v->dsn) - 1);

	memcpy(v->dsn, dsn, n);
	v->dsn[n] = '\0';
	v->dsn[0] = v->outcome == OUTCOME_SENT ? '2' : v->outcome == OUTCOME_BOUNCED ? '5' : '4';
}

static char *one_line(const struct reply *r)
{
	struct buf line;
	char *cut;

	buf_init(&line, REPLY_TEXT_MAX);
	reply_one_line(r, &line);
	if (line.len <= WORDS_MAX)
		return buf_take(&line);
	cut = text_cleaned(buf_text(&line), WORDS_MAX);
	buf_free(&line);
	return cut;
}

/* A host that ends the session (421) instead of answering the dot may have kept the message; a store that is
 * being stopped does. */
static bool leaves_open(enum stage stage, const struct reply *r)
{
	return stage == STAGE_DOT && r->code == 421;
}

static char *refusal_text(enum stage stage, enum reply_meaning meaning, const struct verdict *v,
	const char *host, bool lmtp)
{
	const char *odd = meaning == MEANS_PROTOCOL ? "Protocol error: " : "", *words = v->reply;

	switch (stage) {
	case STAGE_GREETING:
	case STAGE_HELO:
		return mem_fmt("%shost %s refused to talk to me: %s", odd, host, words);
	case STAGE_STARTTLS:
		return mem_fmt("%sTLS is required, but host %s refused to start TLS: %s", odd, host, words);
	case STAGE_AUTH:
		return mem_fmt("%sSASL authentication failed; server %s said: %s", odd, host, words);
	default:
		return mem_fmt("%shost %s said: %s (in reply to %s%s)", odd, host, words, stage_command(stage, lmtp),
			v->maybe_twice ? " -- message may be sent more than once" : "");
	}
}

void verdict_refused(struct verdict *v, const struct policy *p, enum stage stage, enum reply_meaning meaning,
	const struct reply *r, const char *host)
{
	verdict_clear(v);
	v->maybe_twice = leaves_open(stage, r);
	v->outcome = verdict_policy(p, stage, v->maybe_twice ? MEANS_LOST : meaning);
	v->stage = stage;
	v->code = r->code;
	v->reply = one_line(r);
	v->text = refusal_text(stage, meaning, v, host, p->lmtp);
	set_dsn(v, meaning == MEANS_PROTOCOL ? "4.5.0" : r->dsn);
}

void verdict_sent(struct verdict *v, const struct reply *r)
{
	verdict_clear(v);
	v->outcome = OUTCOME_SENT;
	v->stage = STAGE_DOT;
	v->code = r->code;
	v->reply = one_line(r);
	v->text = mem_str(v->reply);
	set_dsn(v, r->dsn);
}

void verdict_lost(struct verdict *v, const struct policy *p, enum stage stage, const char *dsn,
	const char *text)
{
	verdict_clear(v);
	v->outcome = verdict_policy(p, stage, *dsn == '5' ? MEANS_NEVER : MEANS_LOST);
	v->stage = stage;
	v->text = text_cleaned(text, WORDS_MAX);
	v->maybe_twice = stage == STAGE_DOT;
	set_dsn(v, dsn);
}
