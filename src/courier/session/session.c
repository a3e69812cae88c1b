#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/session/session_private.h"

#define RESTED 500   /* ms after which an idle connection may well be dead */

/* The connection goes before its owner hears of its end. */
static void settle(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_ENDED || s->state == SESSION_FAILED) {
		stream_free(s->stream);
		s->stream = NULL;
	}
	s->events->settled(s->arg);
}

static void name_peer(struct session *s, const char *name)
{
	char address[ENDPOINT_TEXT_SIZE];

	endpoint_text(&s->at, address);
	s->host = mem_fmt("%s[%s]", name, address);
	if (endpoint_is_unix(&s->at))
		s->relay = mem_str(s->host);
	else
		s->relay = mem_fmt("%s:%u", s->host, endpoint_port(&s->at));
}

/* A table that cannot be asked is a trouble of ours: no word is said to the peer. */
static void give_up(struct session *s, const char *why)
{
	s->failure_site = SITE_DEAD;
	s->failure_dsn = "4.3.0";
	s->failure = mem_fmt("local data error while talking to %s: %s", s->host, why);
	session_settle_as(s, SESSION_FAILED);
}

static void begin_connect(struct session *s)
{
	const struct endpoint *from = transport_from(s->transport, &s->at);
	bool must = transport_from_must(s->transport, &s->at);
	char address[ENDPOINT_TEXT_SIZE];
	int error;

	s->stream = stream_connect(s->common->streams, &s->at, from, must, &session_stream_events, s);
	stream_deadline(s->stream, s->transport->manner->connect_timeout, 0);
	error = stream_bind_error(s->stream);
	if (error && !must)
		session_note(s, mem_fmt("warning: cannot connect to %s from %s: %s; connecting from any address",
			s->relay, endpoint_text(from, address), strerror(error)));
}

static bool is_watched(const struct session_common *common, const char *name, const char *address)
{
	const struct debug_peers *watched = common->debug_peers;

	return watched && (debug_peers_has(watched, name) || debug_peers_has(watched, address));
}

/* Whose it is and with whom, before anything is connected or said. */
static struct session *make_session(struct session_common *common, const struct transport *t,
	const struct session_peer *peer, struct security *security)
{
	struct session *s = mem_alloc(sizeof *s);

	s->common = common;
	s->transport = t;
	s->at = peer->at;
	s->only = peer->only;
	s->security = security;
	s->born = loop_now(common->loop);
	s->settle = (struct loop_task){ .fn = settle, .arg = s };
	s->pass = (struct loop_task){ .fn = session_tell_passed, .arg = s };
	s->name = mem_str(peer->name);
	s->nexthop = mem_str(peer->nexthop);
	s->sender = mem_str(peer->sender);
	s->name_is_sure = peer->name_is_sure;
	name_peer(s, peer->name);
	return s;
}

struct session *session_new(struct session_common *common, const struct transport *t,
	const struct session_peer *peer, struct security *security, const struct session_events *events,
	void *arg)
{
	struct session *s = make_session(common, t, peer, security);
	struct dialogue_setup setup = {
		.host = s->host, .relay = s->relay,
		.manner = t->manner, .myhostname = common->myhostname, .own_name = peer->own_name,
		.soft_bounce = common->soft_bounce, .keeps_8bit = common->keeps_8bit,
		.no_smtputf8 = common->no_smtputf8, .hints = common->hints,
		.reply_line = common->reply_line,
		.filter = { t->reply_filter ? session_replace : NULL, s },
	};
	char address[ENDPOINT_TEXT_SIZE];
	const char *why;

	s->events = events;
	s->arg = arg;
	endpoint_text(&s->at, address);
	s->tls_log = transport_tls_log(&t->tls, s->name, address);
	if (peer->debug || is_watched(common, peer->name, address))
		setup.debug = common->debug_level;
	if (!transport_discards(t, address, &setup.discard, &why) || !transport_pix(t, address, &setup.pix, &why))
		give_up(s, why);
	else
		begin_connect(s);
	setup.tls = session_tls_need(s);
	setup.requiretls = security->requiretls;
	setup.tls_ready = t->tls.context;
	setup.tls_first = security->wrapper;
	s->dialogue = dialogue_new(&setup);
	session_ask_ticket(s);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	loop_cancel(s->common->loop, &s->settle);
	loop_cancel(s->common->loop, &s->pass);
	stream_free(s->stream);
	session_content_over(s);
	dialogue_free(s->dialogue);
	login_start_forget(s->login);
	free(s->login_mark.key);
	free(s->name);
	free(s->nexthop);
	free(s->sender);
	free(s->host);
	free(s->relay);
	free(s->failure);
	free(s->tls_text);
	free(s->tls_peer);
	ticket_clear(&s->ticket);
	security_free(s->security);
	free(s);
}

void session_give(struct session *s, const struct session_events *events, void *arg)
{
	s->events = events;
	s->arg = arg;
}

void session_begin(struct session *s, const struct session_job *job)
{
	assert(s->state == SESSION_CONNECTING || s->state == SESSION_IDLE || s->state == SESSION_FAILED);
	s->job = *job;
	s->job.transaction.rested = s->state == SESSION_IDLE && loop_now(s->common->loop) - s->rested_at > RESTED;
	s->uses++;
	session_note_reuse(s);
	s->mail_at = 0;
	dialogue_begin(s->dialogue, &s->job.transaction);
	if (s->state != SESSION_IDLE)
		return;
	s->state = SESSION_BUSY;
	session_pump(s);
}

void session_rest(struct session *s, int64_t ms)
{
	stream_deadline(s->stream, ms, 0);
}

void session_quit(struct session *s)
{
	if (s->state != SESSION_IDLE)
		return;
	s->state = SESSION_LEAVING;
	dialogue_quit(s->dialogue);
	session_pump(s);
}

void session_quit_within(struct session *s, int64_t ms)
{
	session_quit(s);
	if (s->state == SESSION_LEAVING && ms < s->transport->manner->quit_timeout)
		stream_deadline(s->stream, ms, 0);
}

void session_leave(struct session *s)
{
	session_quit(s);
	if (s->state == SESSION_LEAVING)
		session_settle_as(s, SESSION_ENDED);
}

void session_drop(struct session *s)
{
	session_quit(s);
	session_free(s);
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}

bool session_lasts(const struct session *s)
{
	const struct manner *m = s->transport->manner;

	/* what went in clear because TLS had failed for old mail is nothing for other mail */
	return !s->security->retry && loop_now(s->common->loop) - s->born < m->connection_reuse_time_limit
		&& (m->connection_reuse_count_limit == 0 || s->uses <= m->connection_reuse_count_limit);
}

bool session_reusable(const struct session *s)
{
	return s->state == SESSION_IDLE && dialogue_reusable(s->dialogue) && session_lasts(s);
}

const char *session_failure(const struct session *s, const char **dsn, enum site *site)
{
	*dsn = s->failure_dsn;
	*site = s->failure_site;
	return s->failure;
}

bool session_timed_out(const struct session *s)
{
	return s->timed_out;
}

enum site session_site(const struct session *s, const char **reason)
{
	return dialogue_site(s->dialogue, reason);
}

bool session_greeted(const struct session *s)
{
	return dialogue_greeted(s->dialogue);
}

const struct endpoint *session_peer_at(const struct session *s)
{
	return &s->at;
}

bool session_is_only(const struct session *s)
{
	return s->only;
}

const char *session_relay(const struct session *s)
{
	return s->relay;
}

unsigned session_uses(const struct session *s)
{
	return s->uses;
}

int64_t session_mail_at(const struct session *s)
{
	return s->mail_at;
}

const char *session_complaint(const struct session *s)
{
	return dialogue_complaint(s->dialogue);
}

bool session_has_dsn(const struct session *s)
{
	return dialogue_offers(s->dialogue)->offers & EHLO_DSN;
}

const char *session_transcript(const struct session *s)
{
	return dialogue_transcript(s->dialogue);
}
