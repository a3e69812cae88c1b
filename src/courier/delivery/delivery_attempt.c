#include "courier/delivery/delivery_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void delivery_set_site(struct delivery *d, enum site site, const char *reason)
{
	char *copy = site == SITE_FINE ? NULL : text_cleaned(reason ? reason : "unknown", REPLY_TEXT_MAX);

	free(d->site_reason);
	d->site = site;
	d->site_reason = copy;
}

/* Reasons for who is left. */

static struct policy last_policy(const struct delivery *d)
{
	return (struct policy){ .last_host = true,
		.soft_bounce = d->request->soft_bounce || d->tools->sessions.soft_bounce,
		.lmtp = d->transport && d->transport->manner->protocol == PROTOCOL_LMTP };
}

void delivery_set_reason_tls(struct delivery *d, enum stage stage, const char *dsn, const char *text,
	const char *tls)
{
	struct policy p = last_policy(d);
	struct verdict v = { 0 };

	verdict_lost(&v, &p, stage, dsn, text);
	tally_give_reason(d->tally, &v, NULL, tls);
}

void delivery_set_reason(struct delivery *d, enum stage stage, const char *dsn, const char *text)
{
	delivery_set_reason_tls(d, stage, dsn, text, d->session ? session_tls(d->session) : NULL);
}

/* What a host that is not the last one says for now: only if nothing better comes is it the answer. */
static void keep_reason(struct delivery *d, struct verdict *v)
{
	tally_note(d->tally, v->text);
	v->outcome = OUTCOME_DEFERRED;
	tally_give_reason(d->tally, v, session_relay(d->session), session_tls(d->session));
}

/* Whether a kept connection failed before anything was said of the message. */
static bool before_message(enum stage stage)
{
	return stage == STAGE_IDLE || stage == STAGE_RSET;
}

static void verdict(void *arg, size_t rcpt, struct verdict *v)
{
	struct delivery *d = arg;
	uint32_t index = d->asked[rcpt];

	if (v->outcome == OUTCOME_KEEP) {
		keep_reason(d, v);
	} else if (v->outcome == OUTCOME_AGAIN && d->reused && before_message(v->stage)) {
		d->stale = true;
		verdict_clear(v);
	} else {
		tally_answer(d->tally, index, v, d->session);
	}
}

void delivery_note(void *arg, const char *text)
{
	struct delivery *d = arg;

	tally_note(d->tally, text);
}

static void dot(void *arg)
{
	struct delivery *d = arg;

	link_mark_dot(d->tools->link, d->request->number);
}

static void session_failed(struct delivery *d)
{
	const char *dsn;
	enum site site;
	const char *text = session_failure(d->session, &dsn, &site);

	delivery_set_reason(d, STAGE_CONNECT, dsn, text);
	delivery_set_site(d, site, text);
	if (!d->at_last)
		tally_note(d->tally, text);
	if (session_timed_out(d->session))
		dead_addresses_add(d->tools->hosts.dead, session_peer_at(d->session));
	session_free(d->session);
	d->session = NULL;
}

void delivery_transaction_over(struct delivery *d)
{
	const char *reason;
	enum site site = session_site(d->session, &reason);

	delivery_set_site(d, site, reason);
	if (!d->reused && session_tls_peer(d->session)) {
		free(d->tls_peer);
		d->tls_peer = mem_str(session_tls_peer(d->session));
	}
	if (session_complaint(d->session))
		tally_note(d->tally, session_complaint(d->session));
	if (session_greeted(d->session) && site == SITE_FINE && !d->stale)
		d->served = true;
	if (session_greeted(d->session) && d->hosts) {
		dead_addresses_remove(d->tools->hosts.dead, session_peer_at(d->session));
		hosts_count_session(d->hosts);
	}
}

/* An attempt is over: whoever is left goes to the next host. */
static void attempt_over(struct delivery *d)
{
	if (session_state(d->session) == SESSION_FAILED)
		session_failed(d);
	else
		delivery_transaction_over(d);
	if (tally_left(d->tally) == 0)
		delivery_end(d);
	else if (d->session && session_wants_clear(d->session))
		delivery_connect_in_clear(d);
	else
		delivery_next_host(d);
}

static void settled(void *arg)
{
	struct delivery *d = arg;

	switch (d->phase) {
	case WAITING:
	case FOLLOWING:
	case SEARCHING:
		break;
	case TRYING:
		attempt_over(d);
		break;
	case PARTING:
		delivery_finish(d, CONNECTION_CLOSED, 0);
		break;
	}
}

const struct session_events delivery_events = {
	.verdict = verdict, .note = delivery_note, .dot = dot, .settled = settled,
	.may_follow = delivery_may_follow, .passed = delivery_passed, .returned = delivery_returned,
};

/* Opportunistic TLS that fails must not keep mail for ever, nor may it be talked out of it at once: mail that
 * has waited for a while, and what only asks, goes on in clear. Never what has to be secret: credentials, or
 * mail whose sender asks for TLS; nor where TLS has worked before, on a connection that is used again. */
static bool may_retry_in_clear(const struct delivery *d)
{
	const struct request *r = d->request;

	return session_security(d->session)->policy.level == TLS_MAY && !d->reused
		&& session_security(d->session)->requiretls < REQUIRETLS_STARTTLS
		&& !session_has_login(d->session) && (r->probe || r->age >= d->tools->minimal_backoff_time);
}

/* The peer is told who it was before (RFC 3461 section 4.2). */
static void rename_rcpt(struct envelope_rcpt *r, char *address)
{
	if (!r->original && strcmp(r->address, address) != 0)
		r->original = r->address;
	r->address = address;
}

static void gather(struct delivery *d)
{
	free(d->part.rcpts);
	free(d->asked);
	tally_gather(d->tally, &d->part, &d->asked);
	if (!d->outside)
		return;
	d->part.sender = d->outside->sender;
	for (size_t i = 0; i < d->part.count; i++)
		rename_rcpt(&d->part.rcpts[i], d->outside->rcpts[d->asked[i]].address);
}

struct session_job delivery_job(struct delivery *d, bool last_host)
{
	const struct request *r = d->request;
	uint64_t size = r->content_size > DOT_LINE ? r->content_size - DOT_LINE : 0;

	gather(d);
	return (struct session_job){
		.transaction = {
			.envelope = &d->part, .client = &d->client, .age = r->age, .content_size = r->trace_size + size,
			.eight_bit = r->eight_bit, .utf8_header = r->utf8_header,
			.probe = r->probe, .last_host = last_host,
			.retry_in_clear = may_retry_in_clear(d),
		},
		.trace = r->trace, .trace_size = r->trace_size,
		.fd = d->fd, .content_at = r->content_at, .content_size = r->content_size,
		.long_lines = r->long_lines,
	};
}

void delivery_begin(struct delivery *d, bool last_host)
{
	struct session_job job = delivery_job(d, last_host);

	d->phase = TRYING;
	session_begin(d->session, &job);
}
