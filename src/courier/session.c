#include "courier/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct session {
	struct session_common *common;
	const struct manner *manner;
	const struct session_events *events;
	void *arg;
	struct endpoint at;
	bool only;
	char *host;                  /* "name[address]", for texts */
	char *relay;                 /* with the port */
	struct stream *stream;
	struct dialogue *dialogue;
	struct loop_task settle;
	enum session_state state;
	struct session_job job;
	bool sending;                /* content waits in the stream */
	unsigned progress;           /* of the dialogue when the deadline was set */
	unsigned uses;
	int64_t born;                /* loop_now when connecting began */
	int64_t mail_at;
	enum site failure_site;
	const char *failure_dsn;
	char *failure;
};

static void settle_as(struct session *s, enum session_state state)
{
	s->state = state;
	loop_later(s->common->loop, &s->settle);
}

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

/* The turns of the conversation. */

static void collect(struct session *s)
{
	struct verdict v;
	size_t rcpt;

	while (dialogue_verdict(s->dialogue, &rcpt, &v))
		s->events->verdict(s->arg, rcpt, &v);
}

static void speak_time(struct session *s)
{
	if (!s->mail_at && dialogue_greeted(s->dialogue))
		s->mail_at = loop_micros();
}

/* Says what may be said now. */
static enum dialogue_want speak(struct session *s)
{
	struct buf *out = &s->common->out;
	enum dialogue_want want;

	buf_clear(out);
	want = dialogue_speak(s->dialogue, out);
	speak_time(s);
	if (out->len > 0)
		stream_write(s->stream, out->data, out->len);
	collect(s);
	return want;
}

/* True when all of it has gone to the kernel. */
static bool send_content(struct session *s, enum dialogue_want want)
{
	static const char dot[] = ".\r\n";
	const struct session_job *j = &s->job;
	bool gone;

	if (want == DIALOGUE_DOT) {
		gone = stream_write(s->stream, dot, sizeof dot - 1);
	} else {
		s->events->dot(s->arg);
		gone = stream_write_file(s->stream, j->trace, j->trace_size, j->fd, j->content_at,
			j->content_size);
	}
	s->sending = !gone;
	return gone;
}

static void watch_time(struct session *s)
{
	unsigned progress = dialogue_progress(s->dialogue);

	if (progress == s->progress)
		return;
	s->progress = progress;
	stream_deadline(s->stream, dialogue_timeout(s->dialogue));
}

static void pump(struct session *s)
{
	enum dialogue_want want = speak(s);

	while (!s->sending && (want == DIALOGUE_CONTENT || want == DIALOGUE_DOT) && send_content(s, want)) {
		dialogue_content_sent(s->dialogue);
		want = speak(s);
	}
	watch_time(s);
	if (want == DIALOGUE_TLS) {
		dialogue_abort(s->dialogue, "TLS is not in this version");
		want = speak(s);
	}
	if (want == DIALOGUE_IDLE && s->state == SESSION_BUSY)
		settle_as(s, SESSION_IDLE);
	else if (want == DIALOGUE_END)
		settle_as(s, SESSION_ENDED);
}

/* What the stream reports. */

static void opened(void *arg)
{
	struct session *s = arg;

	s->state = SESSION_BUSY;
	pump(s);
}

static void heard(void *arg, const char *bytes, size_t n)
{
	struct session *s = arg;

	dialogue_hear(s->dialogue, bytes, n);
	pump(s);
}

static void drained(void *arg)
{
	struct session *s = arg;

	if (s->sending)
		dialogue_content_sent(s->dialogue);
	s->sending = false;
	pump(s);
}

static void late(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_IDLE) {
		session_quit(s);
		return;
	}
	dialogue_timed_out(s->dialogue);
	pump(s);
}

/* A queue of connections that is full, or a shortage here, says nothing about the host: fewer and soon
 * again. */
static bool is_busy(int error)
{
	return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void fail(struct session *s, bool unbound, int error)
{
	const char *what = error == EAGAIN ? "busy, its queue of connections is full" : strerror(error);
	const char *where = unbound ? "cannot use the configured bind address: " : "";

	s->failure_site = is_busy(error) ? SITE_BUSY : SITE_DEAD;
	s->failure_dsn = unbound ? "4.4.0" : "4.4.1";
	s->failure = mem_fmt("connect to %s: %s%s", s->relay, where, what);
	settle_as(s, SESSION_FAILED);
}

static void ended(void *arg, enum stream_end how, int error)
{
	struct session *s = arg;
	char *text;

	if (s->state == SESSION_ENDED)
		return;
	s->sending = false;
	if (how == STREAM_REFUSED || how == STREAM_UNBOUND) {
		fail(s, how == STREAM_UNBOUND, error);
	} else if (how == STREAM_UNREADABLE) {
		text = mem_fmt("the message cannot be read: %s", error ? strerror(error) : "file too short");
		dialogue_abort(s->dialogue, text);
		free(text);
		pump(s);
	} else {
		dialogue_lost(s->dialogue, error ? strerror(error) : NULL);
		pump(s);
	}
}

static const struct stream_events stream_events = { opened, heard, drained, late, ended };

/* Beginning and end. */

/* The address to connect from, as far as one is configured for the family; NULL: none. */
static const struct endpoint *bind_address(const struct manner *m, const struct endpoint *to,
	struct endpoint *from)
{
	const char *address = endpoint_is_v6(to) ? m->bind_address6 : m->bind_address;

	return !endpoint_is_unix(to) && *address && endpoint_inet(from, address, 0) ? from : NULL;
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

struct session *session_new(struct session_common *common, const struct manner *m,
	const struct session_peer *peer, const struct session_events *events, void *arg)
{
	struct session *s = mem_alloc(sizeof *s);
	struct endpoint from;
	char key[ENDPOINT_TEXT_SIZE];

	s->common = common;
	s->manner = m;
	s->events = events;
	s->arg = arg;
	s->at = peer->at;
	s->only = peer->only;
	s->born = loop_now(common->loop);
	s->settle = (struct loop_task){ .fn = settle, .arg = s };
	name_peer(s, peer->name);
	s->dialogue = dialogue_new(&(struct dialogue_setup){
		.manner = m, .host = s->host, .peer_key = endpoint_text(&s->at, key),
		.myhostname = common->myhostname,
		.unix_socket = endpoint_is_unix(&s->at), .soft_bounce = common->soft_bounce,
	});
	s->stream = stream_connect(common->streams, &s->at, bind_address(m, &s->at, &from),
		m->bind_address_enforce, &stream_events, s);
	stream_deadline(s->stream, m->connect_timeout);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	loop_cancel(s->common->loop, &s->settle);
	stream_free(s->stream);
	dialogue_free(s->dialogue);
	free(s->host);
	free(s->relay);
	free(s->failure);
	free(s);
}

void session_give(struct session *s, const struct session_events *events, void *arg)
{
	s->events = events;
	s->arg = arg;
}

void session_begin(struct session *s, const struct session_job *job)
{
	assert(s->state == SESSION_CONNECTING || s->state == SESSION_IDLE);
	s->job = *job;
	s->uses++;
	s->mail_at = 0;
	dialogue_begin(s->dialogue, &s->job.transaction);
	if (s->state == SESSION_CONNECTING)
		return;
	s->state = SESSION_BUSY;
	pump(s);
}

void session_rest(struct session *s, int64_t ms)
{
	stream_deadline(s->stream, ms);
}

void session_quit(struct session *s)
{
	if (s->state != SESSION_IDLE)
		return;
	s->state = SESSION_LEAVING;
	dialogue_quit(s->dialogue);
	pump(s);
}

void session_leave(struct session *s)
{
	session_quit(s);
	if (s->state == SESSION_LEAVING)
		settle_as(s, SESSION_ENDED);
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

bool session_reusable(const struct session *s)
{
	const struct manner *m = s->manner;

	return s->state == SESSION_IDLE && dialogue_reusable(s->dialogue)
		&& loop_now(s->common->loop) - s->born < m->connection_reuse_time_limit
		&& (m->connection_reuse_count_limit == 0 || s->uses <= m->connection_reuse_count_limit);
}

const char *session_failure(const struct session *s, const char **dsn, enum site *site)
{
	*dsn = s->failure_dsn;
	*site = s->failure_site;
	return s->failure;
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

const char *session_transcript(const struct session *s)
{
	return dialogue_transcript(s->dialogue);
}
