/* A session's login: whose credentials they are, and by which mechanisms they may be used. */
#include "courier/session/session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/login/credentials.h"

enum { REFUSED = 535 };   /* authentication credentials invalid (RFC 4954 6) */

static struct credentials_query query(const struct session *s)
{
	return (struct credentials_query){ .sender = s->sender, .host = s->name, .host_is_sure = s->name_is_sure,
		.nexthop = s->nexthop };
}

/* What a mechanism must offer, by what protects the connection. */
static const char *options(const struct session *s)
{
	const struct manner *m = s->transport->manner;

	if (session_is_verified(s))
		return m->sasl_tls_verified_security_options;
	return session_is_secure(s) ? m->sasl_tls_security_options : m->sasl_security_options;
}

static bool has_certificate(const struct manner *m)
{
	return *m->tls_chain_files || *m->tls_cert_file || *m->tls_eccert_file || *m->tls_dcert_file;
}

/* Whether the connection itself proves who we are; an entry without a password relies on that. */
static bool is_external(const struct session *s, const struct login *l)
{
	return !*l->password
		&& (endpoint_is_unix(&s->at) || (session_is_secure(s) && has_certificate(s->transport->manner)));
}

static void fail(struct session *s, const char *why)
{
	char *text = mem_fmt("local data error while talking to %s: %s", s->host, why);

	dialogue_login_fails(s->dialogue, "4.3.0", text);
	free(text);
}

static bool remembers(const struct session *s)
{
	return *s->transport->manner->sasl_auth_cache_name;
}

/* Whether the server has refused just that lately; then it is not asked. */
static bool is_refused(struct session *s, const struct login *l)
{
	const struct manner *m = s->transport->manner;
	const char *dsn, *words = remembers(s)
		? refused_logins_find(s->common->refused_logins, s->name, l, m->sasl_auth_cache_time, &dsn) : NULL;
	char *text, code[12];

	if (!words)
		return false;
	text = mem_fmt("SASL [CACHED] authentication failed; server %s said: %s", s->host, words);
	snprintf(code, sizeof code, "%c%s", m->sasl_auth_soft_bounce ? '4' : '5', dsn + 1);
	dialogue_login_fails(s->dialogue, code, text);
	free(text);
	return true;
}

/* Several recipients are judged by one refusal. */
void session_login_judged(struct session *s, const struct verdict *v)
{
	if (v->stage != STAGE_AUTH || v->code != REFUSED || !s->login_mark.key)
		return;
	refused_logins_add(s->common->refused_logins, &s->login_mark, s->transport->manner->sasl_auth_cache_time,
		v->dsn, v->reply);
	free(s->login_mark.key);
	s->login_mark.key = NULL;
}

/* --- the login itself --- */

static void begun(void *arg, struct auth *a, bool fine)
{
	struct session *s = arg;

	s->login = NULL;
	dialogue_login_begun(s->dialogue, a, fine);
	if (s->state == SESSION_BUSY)
		session_pump(s);
}

void session_login_late(struct session *s)
{
	char *text = mem_fmt("SASL authentication failed; cannot authenticate to server %s: no ticket came "
		"within %lld s", s->host, (long long)(s->transport->manner->helo_timeout / 1000));

	login_start_forget(s->login);
	s->login = NULL;
	dialogue_login_fails(s->dialogue, "4.7.0", text);
	free(text);
}

static void begin(struct session *s, const struct auth_setup *who, const char *mechanisms)
{
	if (auth_asks_others(mechanisms))
		s->login = login_start(s->common->login_threads, auth_new(who), mechanisms, begun, s);
	else
		dialogue_login(s->dialogue, who, mechanisms);
}

static void log_in(struct session *s, const struct login *l)
{
	const struct manner *m = s->transport->manner;
	struct auth_setup who = {
		.service = protocol_name(m->protocol), .host = s->name, .user = l->user, .password = l->password,
		.options = options(s), .authzid = s->common->authzid, .external = is_external(s, l),
	};
	char *why = NULL;
	char *mechanisms = credentials_mechanisms(s->transport->credentials, dialogue_offers(s->dialogue)->auth,
		&why);

	if (remembers(s))
		login_mark_make(&s->login_mark, s->name, l);
	if (mechanisms)
		begin(s, &who, mechanisms);
	else
		fail(s, why);
	free(mechanisms);
	free(why);
}

static void go_without(struct session *s, const struct credentials_query *q)
{
	if (credentials_withheld(s->transport->credentials, q))
		session_note(s, mem_fmt("warning: sasl_password_maps has an entry for %s, which is not used: that "
			"name came from DNS without DNSSEC; an entry for %s would be used", q->host, q->nexthop));
	dialogue_login_none(s->dialogue);
}

void session_login(struct session *s)
{
	struct credentials_query q = query(s);
	struct login l;
	char *why = NULL;

	switch (credentials_find(s->transport->credentials, &q, &l, &why)) {
	case CREDENTIALS_NONE:
		go_without(s, &q);
		break;
	case CREDENTIALS_FOUND:
		if (!is_refused(s, &l))
			log_in(s, &l);
		break;
	case CREDENTIALS_FAILED:
		fail(s, why);
		break;
	}
	login_clear(&l);
	free(why);
}

/* --- questions --- */

bool session_has_login(const struct session *s)
{
	struct credentials_query q = query(s);

	return credentials_any(s->transport->credentials, &q);
}

static bool serves_sender(const struct session *s, const char *sender)
{
	const struct credentials *c = s->transport->credentials;
	char *wanted = NULL, *had = NULL;
	bool same;

	if (!c)
		return true;
	same = credentials_of_sender(c, sender, &wanted) && credentials_of_sender(c, s->sender, &had)
		&& (wanted && had ? strcmp(wanted, had) == 0 : wanted == had);
	free(wanted);
	free(had);
	return same;
}

bool session_serves(const struct session *s, const char *sender, enum tls_wanted wanted)
{
	return s->security->wanted == wanted && security_is_current(s->security, s->nexthop)
		&& serves_sender(s, sender);
}
