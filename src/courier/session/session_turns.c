#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "courier/session/session_private.h"
#include "table/table.h"

#define SLOW_REPLY 10   /* time limits that a reply may take if some of it comes within each */
#define PARTING 5000    /* ms for the peer's close notice at most: the connection counts until then */

void session_settle_as(struct session *s, enum session_state state)
{
	s->state = state;
	s->rested_at = loop_now(s->common->loop);
	loop_later(s->common->loop, &s->settle);
}

void session_note(struct session *s, char *text)
{
	if (s->events->note)
		s->events->note(s->arg, text);
	free(text);
}

const char *session_replace(void *session, const char *line, const char **why)
{
	struct session *s = session;
	const char *value = table_get(s->transport->reply_filter, line, why);
	char *before, *after;

	if (!value)
		return NULL;
	/* a reply to a login may repeat what it was told */
	if (dialogue_stage(s->dialogue) == STAGE_AUTH) {
		session_note(s, mem_str("replacing server reply to a login"));
		return value;
	}
	before = dialogue_shown(s->dialogue, line);
	after = dialogue_shown(s->dialogue, value);
	session_note(s, mem_fmt("replacing server reply \"%s\" with \"%s\"", before, after));
	free(before);
	free(after);
	return value;
}

static void collect(struct session *s)
{
	char *remark = dialogue_remark(s->dialogue);
	struct verdict v;
	size_t rcpt;

	for (; remark; remark = dialogue_remark(s->dialogue))
		session_note(s, remark);
	do
		while (dialogue_verdict(s->dialogue, &rcpt, &v)) {
			session_login_judged(s, &v);
			s->events->verdict(s->arg, rcpt, &v);
		}
	while (session_pass_on(s));
}

static void speak_time(struct session *s)
{
	if (!s->mail_at && dialogue_greeted(s->dialogue) && dialogue_stage(s->dialogue) != STAGE_AUTH)
		s->mail_at = loop_micros();
}

/* What is said goes out in one piece with the content that follows at once: the peer is woken once. */
static void utter(struct session *s, const struct buf *said, enum dialogue_want want)
{
	bool content_follows = want == DIALOGUE_CONTENT && s->part == PART_NONE && dialogue_chunked(s->dialogue);

	if (said->len > 0 && content_follows)
		stream_keep(s->stream, said->data, said->len);
	else if (said->len > 0)
		stream_write(s->stream, said->data, said->len);
}

/* Says what may be said now. */
static enum dialogue_want speak_once(struct session *s)
{
	struct buf *out = &s->common->out;
	enum dialogue_want want;

	buf_clear(out);
	want = dialogue_speak(s->dialogue, out);
	speak_time(s);
	utter(s, out, want);
	if (dialogue_stage(s->dialogue) == STAGE_AUTH)
		secret_wipe(out->data, out->len);
	collect(s);
	return want;
}

static enum dialogue_want speak(struct session *s)
{
	enum dialogue_want want;

	while ((want = speak_once(s)) == DIALOGUE_LOGIN && !s->login)
		session_login(s);
	return want;
}

static bool send_dot(struct session *s)
{
	s->part = PART_END;
	return stream_write(s->stream, ".\r\n", DOT_LINE);
}

/* The kernel has taken what is on its way. True if that was all. */
static bool part_gone(struct session *s)
{
	bool all = s->part == PART_END;

	if (all) {
		s->part = PART_NONE;
		session_content_over(s);
		dialogue_content_sent(s->dialogue);
	} else {
		s->part = PART_PAUSE;
		stream_deadline(s->stream, dialogue_dot_delay(s->dialogue), 0);
	}
	return all;
}

/* True when all of it has gone to the kernel. */
static bool send_content(struct session *s, enum dialogue_want want)
{
	bool gone;

	if (want == DIALOGUE_DOT) {
		gone = send_dot(s);
	} else {
		s->events->dot(s->arg);
		s->part = dialogue_dot_delay(s->dialogue) > 0 ? PART_BODY : PART_END;
		gone = session_send_content(s);
	}
	return gone && part_gone(s);
}

/* The pause is over. */
static void end_content(struct session *s)
{
	bool gone = send_dot(s);

	stream_deadline(s->stream, dialogue_timeout(s->dialogue), 0);
	if (gone)
		part_gone(s);
}

/* How fast the peer has to take what is sent, lest the time run out. */
static int64_t rate(const struct session *s)
{
	const struct manner *m = s->transport->manner;

	if (!m->per_request_deadline)
		return 0;
	return s->part == PART_NONE ? STREAM_NO_RATE : m->min_data_rate;
}

static void watch_time(struct session *s)
{
	unsigned progress = dialogue_progress(s->dialogue);

	if (progress == s->progress || s->part == PART_PAUSE)
		return;
	s->progress = progress;
	s->since = loop_now(s->common->loop);
	stream_deadline(s->stream, dialogue_timeout(s->dialogue), rate(s));
}

/* A reply that comes in pieces has its time anew with each, but not for ever. */
static void be_patient(struct session *s)
{
	int64_t limit = dialogue_timeout(s->dialogue);
	int64_t end = s->since + SLOW_REPLY * limit, now = loop_now(s->common->loop);

	if (s->transport->manner->per_request_deadline || !dialogue_inside_reply(s->dialogue))
		return;
	if (end > now)
		stream_deadline(s->stream, end - now < limit ? end - now : limit, 0);
}

/* Where that is wanted, the connection is over only when the peer has said its close notice too. */
static void end(struct session *s)
{
	int64_t limit = s->transport->manner->starttls_timeout;

	if (s->parting || s->gone || !s->common->awaits_close_notice || !stream_tls(s->stream)) {
		session_settle_as(s, SESSION_ENDED);
		return;
	}
	s->parting = true;
	stream_goodbye(s->stream);
	stream_deadline(s->stream, limit < PARTING ? limit : PARTING, 0);
}

/* Says and sends what may go now: nothing that was kept for the content stays behind. */
static enum dialogue_want go_on(struct session *s)
{
	enum dialogue_want want = speak(s);

	while (s->part == PART_NONE && (want == DIALOGUE_CONTENT || want == DIALOGUE_DOT)
		&& send_content(s, want))
		want = speak(s);
	return want;
}

void session_pump(struct session *s)
{
	enum dialogue_want want = go_on(s);

	if (session_let_follow(s))
		want = go_on(s);
	watch_time(s);
	if (want == DIALOGUE_TLS && !stream_tls(s->stream) && !session_start_tls(s))
		want = go_on(s);
	if (want == DIALOGUE_LISTEN && !stream_listen(s->stream)) {
		dialogue_heard_nothing(s->dialogue);
		session_pump(s);
		return;
	}
	if (want == DIALOGUE_IDLE && s->state == SESSION_BUSY)
		session_settle_as(s, SESSION_IDLE);
	else if (want == DIALOGUE_END && !s->parting)
		end(s);
}

/* What the stream reports. */

static void opened(void *arg)
{
	struct session *s = arg;

	s->state = SESSION_BUSY;
	session_pump(s);
}

static void heard(void *arg, const char *bytes, size_t n)
{
	struct session *s = arg;

	dialogue_hear(s->dialogue, bytes, n);
	be_patient(s);
	session_pump(s);
}

static void drained(void *arg)
{
	struct session *s = arg;

	if (s->part == PART_BODY || s->part == PART_END)
		part_gone(s);
	session_pump(s);
}

static void late(void *arg)
{
	struct session *s = arg;

	if (s->parting) {
		end(s);
		return;
	}
	if (s->state == SESSION_IDLE) {
		session_quit(s);
		return;
	}
	if (s->part == PART_PAUSE)
		end_content(s);
	else if (s->login)
		session_login_late(s);
	else
		dialogue_timed_out(s->dialogue);
	session_pump(s);
}

/* A queue of connections that is full, or a shortage here, says nothing about the host: fewer and soon
 * again. */
static bool is_busy(int error)
{
	return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* As the system says it, but where this says too little. */
static const char *what_failed(const struct session *s, int error)
{
	if (error == EAGAIN)
		return "busy, its queue of connections is full";
	if (error == EACCES && endpoint_is_unix(&s->at))
		return "Permission denied: the daemon's user may not open this socket, see to its mode and group";
	return strerror(error);
}

static void fail(struct session *s, bool unbound, int error)
{
	const char *where = unbound ? "server configuration error: cannot use the configured bind address: " : "";

	s->failure_site = is_busy(error) ? SITE_BUSY : SITE_DEAD;
	s->timed_out = error == ETIMEDOUT;
	s->failure_dsn = unbound ? "4.4.0" : "4.4.1";
	s->failure = mem_fmt("connect to %s: %s%s", s->relay, where, what_failed(s, error));
	session_settle_as(s, SESSION_FAILED);
}

static void ended(void *arg, enum stream_end how, int error)
{
	struct session *s = arg;
	char *text;

	if (s->state == SESSION_ENDED)
		return;
	if (s->parting) {
		end(s);
		return;
	}
	s->gone = true;
	s->part = PART_NONE;
	if (how == STREAM_REFUSED || how == STREAM_UNBOUND) {
		fail(s, how == STREAM_UNBOUND, error);
	} else if (how == STREAM_UNREADABLE) {
		text = mem_fmt("the message cannot be read: %s", error ? strerror(error) : "file too short");
		dialogue_abort(s->dialogue, "4.3.0", text);
		free(text);
		session_pump(s);
	} else if (how == STREAM_UNCHANGED) {
		session_content_failed(s);
		session_pump(s);
	} else if (how == STREAM_UNSECURED) {
		session_unsecured(s);
		session_pump(s);
	} else {
		dialogue_lost(s->dialogue, error ? strerror(error) : NULL);
		session_pump(s);
	}
}

const struct stream_events session_stream_events = { opened, heard, drained, late, ended,
	session_secured };
