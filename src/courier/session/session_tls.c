#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/session/session_private.h"
#include "talk/tls_log.h"

#define LINE_SIZE 2048
#define LEAST_LIFETIME (120 * 1000)   /* ms for which a session is kept at least */

enum dialogue_tls session_tls_need(const struct session *s)
{
	enum tls_level level = s->security->policy.level;

	if (level == TLS_NONE)
		return DIALOGUE_TLS_NEVER;
	return level == TLS_MAY ? DIALOGUE_TLS_OFFERED : DIALOGUE_TLS_MUST;
}

static bool logs(const struct session *s, unsigned what)
{
	return s->tls_log & what;
}

/* --- the beginning --- */

/* What of the connection is in neither the wish nor the context. */
static char *describe(const struct session *s)
{
	const struct manner *m = s->transport->manner;

	return mem_fmt("%s %s %s %s %s %s", protocol_name(m->protocol), s->security->domain,
		s->security->hostname, s->relay, tls_policy_level(&s->security->policy), m->helo_name);
}

static void ready(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_BUSY)
		session_pump(s);
}

void session_ask_ticket(struct session *s)
{
	const struct manner *m = s->transport->manner;
	struct security_wish w;
	struct buf key;
	char *about;

	if (!*m->tls_session_cache_database || m->tls_session_cache_timeout <= 0 || !s->transport->tls.context
			|| session_tls_need(s) == DIALOGUE_TLS_NEVER)
		return;
	about = describe(s);
	buf_init(&key, LINE_SIZE);
	buf_str(&key, "tls:");
	security_wish(s->security, m, &w);
	tls_session_key(s->transport->tls.context, &w.wish, about, &key);
	security_wish_clear(&w);
	free(about);
	ticket_ask(&s->ticket, s->common->tickets, buf_take(&key), ready, s);
}

/* Only what the mail was really sent over. Who has to prove who it is does so anew when the time of a session
 * is over: what is resumed does not begin that time again. */
static void keep(void *arg, const void *bytes, size_t n)
{
	struct session *s = arg;
	const struct tls_result *r = tls_result(stream_tls(s->stream));
	int64_t lifetime = s->transport->manner->tls_session_cache_timeout;

	if (tls_level_authenticates(s->security->policy.level)
			&& (r->resumed || r->problem || s->security->policy.failure))
		return;
	ticket_keep(&s->ticket, bytes, n, lifetime < LEAST_LIFETIME ? LEAST_LIFETIME : lifetime);
}

static struct tls *make(struct session *s, char **why)
{
	struct security_wish w;
	struct tls *tls;

	security_wish(s->security, s->transport->manner, &w);
	w.wish.session = text_make(s->ticket.bytes, s->ticket.n);
	w.wish.keep = s->ticket.home ? keep : NULL;
	w.wish.arg = s;
	tls = tls_new(s->transport->tls.context, &w.wish, why);
	security_wish_clear(&w);
	return tls;
}

bool session_start_tls(struct session *s)
{
	char *why = NULL, *clean;
	struct tls *tls = NULL;

	if (ticket_waits(&s->ticket))
		return true;
	if (s->transport->tls.context)
		tls = make(s, &why);
	else
		why = mem_str("our TLS engine is unavailable");
	if (tls) {
		stream_secure(s->stream, tls);
		return true;
	}
	clean = text_cleaned(why, REPLY_TEXT_MAX);   /* parts of it may come from a table */
	session_note(s, mem_fmt("warning: TLS to %s cannot start: %s", s->relay, clean));
	dialogue_unsecured(s->dialogue, clean);
	free(clean);
	free(why);
	return false;
}

/* --- what the log says --- */

static const char *standing(const struct session *s)
{
	static const char *const words[] = { "Anonymous", "Untrusted", "Trusted", "Verified" };
	enum tls_standing found = tls_result(stream_tls(s->stream))->standing;

	return words[s->security->policy.half && found == TLS_VERIFIED ? TLS_TRUSTED : found];
}

static void note_summary(struct session *s, const char *how)
{
	struct buf line;

	buf_init(&line, LINE_SIZE);
	buf_fmt(&line, "%s TLS connection %s to %s: ", standing(s), how, s->relay);
	tls_describe(stream_tls(s->stream), &line);
	session_note(s, buf_take(&line));
}

static void note_peer(struct session *s)
{
	struct buf line;

	buf_init(&line, LINE_SIZE);
	buf_fmt(&line, "%s: ", s->relay);
	tls_describe_peer(stream_tls(s->stream), &line);
	session_note(s, buf_take(&line));
}

/* Why nobody is believed is told in any case where it costs the mail its way. */
static void note_handshake(struct session *s, const struct tls_result *r)
{
	bool asked = tls_level_authenticates(s->security->policy.level);

	if (r->chain_problem && (logs(s, TLS_LOG_UNTRUSTED) || (asked && r->problem)))
		session_note(s, mem_fmt("certificate verification failed for %s: %s", s->relay, r->chain_problem));
	if (r->problem && r->problem != r->chain_problem && logs(s, TLS_LOG_MATCH))
		session_note(s, mem_fmt("%s: %s", s->relay, r->problem));
	if (r->resumed && logs(s, TLS_LOG_CACHE))
		session_note(s, mem_fmt("%s: reusing old session", s->relay));
	if (logs(s, TLS_LOG_PEER))
		note_peer(s);
	if (logs(s, TLS_LOG_SUMMARY))
		note_summary(s, "established");
}

void session_note_reuse(struct session *s)
{
	if (s->uses > 1 && s->stream && stream_tls(s->stream) && logs(s, TLS_LOG_SUMMARY))
		note_summary(s, "reused");
}

/* --- the end of the handshake --- */

/* Why the peer is not to be trusted with the mail, as a new string; NULL: it is. */
static char *refusal(const struct session *s, const struct tls_result *r)
{
	const char *why = s->security->policy.failure ? s->security->policy.failure : r->problem;

	if (s->weakened)
		why = s->security->requiretls == REQUIRETLS_ENFORCE ? "no TLSA record can be used" : NULL;
	if (!tls_level_authenticates(s->security->policy.level) || !why)
		return NULL;
	return mem_fmt("Server certificate not verified (%s)", why);
}

void session_secured(void *session)
{
	struct session *s = session;
	const struct tls_result *r = tls_result(stream_tls(s->stream));
	char *why;

	s->weakened = r->unusable_records && s->security->policy.level == TLS_DANE;
	s->tls_peer = mem_fmt("%s %s %s", standing(s), r->protocol, r->cipher);
	note_handshake(s, r);
	why = refusal(s, r);
	s->verified = tls_level_authenticates(s->security->policy.level) && !s->weakened && !why;
	dialogue_secured(s->dialogue, why);
	free(why);
	session_pump(s);
}

void session_unsecured(struct session *s)
{
	const char *fault = tls_fault(stream_tls(s->stream));

	if (logs(s, TLS_LOG_SUMMARY | TLS_LOG_UNTRUSTED))
		session_note(s, mem_fmt("SSL_connect error to %s: %s", s->relay, fault));
	dialogue_unsecured(s->dialogue, fault);
}

/* --- questions --- */

bool session_wants_clear(const struct session *s)
{
	return dialogue_wants_clear(s->dialogue);
}

const char *session_tls_peer(const struct session *s)
{
	return s->tls_peer;
}

bool session_is_secure(const struct session *s)
{
	return dialogue_is_secure(s->dialogue);
}

bool session_is_verified(const struct session *s)
{
	return s->verified;
}

const struct security *session_security(const struct session *s)
{
	return s->security;
}

/* On a socket without TLS there is nothing to say. */
const char *session_tls(struct session *s)
{
	bool nothing = endpoint_is_unix(&s->at) && s->security->policy.level == TLS_NONE
		&& s->security->requiretls == REQUIRETLS_OFF;
	struct requiretls_outcome requiretls;

	if (!s->transport->manner->log_tls_feature_status || nothing)
		return NULL;
	requiretls = dialogue_requiretls_outcome(s->dialogue);
	if (requiretls.lack == REQUIRETLS_PASSED && !s->verified)
		requiretls.lack = REQUIRETLS_NO_MATCH;
	free(s->tls_text);
	s->tls_text = security_status(s->security, dialogue_tls_outcome(s->dialogue), s->weakened, requiretls);
	return s->tls_text;
}
