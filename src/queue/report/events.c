#include "queue/report/events.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "queue/core.h"

enum { LINE_MAX_BYTES = 256 * 1024 };

/* "2026-11-25T13:30:00.123Z" (RFC 3339). */
static json_t *time_json(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[40] = "", whole[60];
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof whole, "%s.%03dZ", text, (int)(ms % 1000));
	return json_string(whole);
}

static json_t *seconds_json(int64_t ms)
{
	return json_real((double)(ms > 0 ? ms : 0) / 1000);
}

static void set_text(json_t *o, const char *name, const char *value)
{
	if (value && *value)
		json_object_set_new(o, name, json_clean(value));
}

static json_t *event(const struct queue *q, const char *kind, uint64_t id, int64_t when)
{
	json_t *o = json_object();
	char name[QUEUE_ID_SIZE];

	json_object_set_new(o, "time", time_json(queue_wall(q, when)));
	json_object_set_new(o, "event", json_string(kind));
	if (id)
		json_object_set_new(o, "id", json_string(queue_id_print(id, name)));
	return o;
}

static void tell(const struct queue *q, json_t *o)
{
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (json_print(o, &line) && buf_char(&line, '\n'))
		q->events.tell(q->events.arg, line.data, line.len);
	buf_free(&line);
	json_decref(o);
}

void event_accepted(const struct queue *q, const struct spool_message *m)
{
	json_t *o;

	if (!q->events.tell)
		return;
	o = event(q, "accepted", m->id, queue_now(q));
	set_text(o, "file", m->drop_name);
	set_text(o, "origin", m->origin);
	json_object_set_new(o, "uid", json_integer((json_int_t)m->uid));
	json_object_set_new(o, "sender", json_clean(m->envelope->sender));
	set_text(o, "envid", m->envelope->envid);
	set_text(o, "message_id", m->message_id);
	json_object_set_new(o, "size", json_integer((json_int_t)active_size(m->content_size)));
	json_object_set_new(o, "recipients", json_integer((json_int_t)m->envelope->count));
	tell(q, o);
}

void event_refused(const struct queue *q, const char *name, uid_t uid, const char *reason)
{
	json_t *o;

	if (!q->events.tell)
		return;
	o = event(q, "refused", 0, queue_now(q));
	set_text(o, "file", name);
	json_object_set_new(o, "uid", json_integer((json_int_t)uid));
	set_text(o, "text", reason);
	tell(q, o);
}

void event_deleted(const struct queue *q, uint64_t id)
{
	if (q->events.tell)
		tell(q, event(q, "deleted", id, queue_now(q)));
}

/* Whose result it is, and of which message. */
static json_t *recipient(const struct queue *q, const struct active *a, uint32_t rcpt, const char *status,
	bool final, int64_t when)
{
	const struct envelope_rcpt *r = &a->envelope->rcpts[rcpt];
	json_t *o = event(q, "recipient", a->message->id, when);

	json_object_set_new(o, "sender", json_clean(a->envelope->sender));
	set_text(o, "envid", a->envelope->envid);
	json_object_set_new(o, "recipient", json_clean(r->address));
	set_text(o, "original_recipient", r->original);
	set_text(o, "orcpt", r->orcpt);
	json_object_set_new(o, "status", json_string(status));
	json_object_set_new(o, "final", json_boolean(final));
	json_object_set_new(o, "arrived", time_json(queue_wall(q, a->message->arrived)));
	return o;
}

static void add_note(json_t *o, const struct note *n)
{
	json_object_set_new(o, "dsn", json_clean(n->dsn));
	set_text(o, "text", n->text);
	set_text(o, "reply", n->reply);
	set_text(o, "peer", n->relay);
	set_text(o, "transport", n->transport);
	set_text(o, "tls", n->tls);
}

static void add_delays(json_t *o, const struct active *a, const struct note *n)
{
	json_t *parts = json_array();

	json_object_set_new(o, "delay", seconds_json(n->when - a->message->arrived));
	json_array_append_new(parts, seconds_json(a->began - a->message->arrived));
	json_array_append_new(parts, seconds_json(n->sent_off - a->began));
	json_array_append_new(parts, seconds_json(n->setup));
	json_array_append_new(parts, seconds_json(n->transmission));
	json_object_set_new(o, "delays", parts);
}

void event_result(const struct queue *q, const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;
	json_t *o;

	if (!q->events.tell)
		return;
	o = recipient(q, a, rcpt, note_status(n), n->outcome != OUTCOME_DEFERRED, n->when);
	add_note(o, n);
	add_delays(o, a, n);
	tell(q, o);
}

void event_end(const struct queue *q, const struct active *a, uint32_t rcpt, const char *status)
{
	const struct note *n = a->rcpts[rcpt].note;
	json_t *o;

	if (!q->events.tell)
		return;
	o = recipient(q, a, rcpt, status, true, queue_now(q));
	if (n)
		add_note(o, n);
	tell(q, o);
}
