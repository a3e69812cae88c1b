#include "queue/operator/message_json.h"

#include <unistd.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/message/tls_wanted.h"
#include "queue/route/route.h"

enum { CONTENT_MAX = 1024 * 1024, LINE_SHOWN = 2000 };

static const char *rcpt_state_name(const struct message *m, const struct recipient *r, size_t i)
{
	if (message_is_final(m, i) && (!r || r->state == RCPT_OVER))
		return "done";
	if (!r || r->state == RCPT_WAITING || r->state == RCPT_ROUTING)
		return m->attempts ? "deferred" : "waiting";
	if (r->state != RCPT_JUDGED)
		return "sending";
	return note_status(r->note);
}

static json_t *destination_of(struct queue *q, const char *address)
{
	struct route_answer way;
	json_t *name;
	char *s;

	route_find(q->route, address, &way);
	if (!way.found)
		return json_clean(way.text);
	s = mem_fmt("%s:%s", way.transport, way.nexthop);
	name = json_clean(s);
	free(s);
	return name;
}

static json_t *rcpt_json(struct queue *q, const struct walk_stop *s, size_t i)
{
	const struct recipient *r = s->message->active ? &s->message->active->rcpts[i] : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "address", json_clean(s->envelope->rcpts[i].address));
	json_object_set_new(o, "state", json_string(rcpt_state_name(s->message, r, i)));
	json_object_set_new(o, "destination", destination_of(q, s->envelope->rcpts[i].address));
	if (r && r->note) {
		json_object_set_new(o, "dsn", json_clean(r->note->dsn));
		json_object_set_new(o, "text", json_clean(r->note->text));
	}
	return o;
}

json_t *message_json(struct queue *q, const struct walk_stop *s)
{
	const struct message *m = s->message;
	char id[QUEUE_ID_SIZE];
	json_t *o = json_object(), *rcpts = json_array();
	const char *wanted = tls_wanted_text(s->tls_wanted);

	json_object_set_new(o, "id", json_string(queue_id_print(m->id, id)));
	json_object_set_new(o, "state", json_string(message_state_name(m)));
	json_object_set_new(o, "sender", json_clean(s->envelope->sender));
	json_object_set_new(o, "tls_wanted", wanted ? json_string(wanted) : json_null());
	json_object_set_new(o, "size", json_integer((json_int_t)active_size(s->content_size)));
	json_object_set_new(o, "arrived", json_integer(queue_wall(q, m->arrived)));
	json_object_set_new(o, "next", m->heap_at ? json_integer(queue_wall(q, m->due)) : json_null());
	json_object_set_new(o, "attempts", json_integer(m->attempts));
	json_object_set_new(o, "reason", json_clean(message_reason(m)));
	for (size_t i = 0; i < s->envelope->count; i++)
		json_array_append_new(rcpts, rcpt_json(q, s, i));
	json_object_set_new(o, "recipients", rcpts);
	return o;
}

/* Dot-stuffing and CR are for the wire, not for the eye. */
static void show_lines(struct text all, struct buf *out)
{
	struct text line;

	while (text_until(&all, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n && line.p[0] == '.')
			line = text_make(line.p + 1, line.n - 1);
		text_clean(line, LINE_SHOWN, out);
		buf_char(out, '\n');
	}
}

json_t *message_json_content(const struct walk_stop *s)
{
	uint64_t size = active_size(s->content_size);
	size_t n = size < CONTENT_MAX ? (size_t)size : CONTENT_MAX;
	char *bytes = mem_alloc(n + 1);
	ssize_t got = pread(s->fd, bytes, n, (off_t)s->content_at);
	struct buf shown;
	json_t *o;

	buf_init(&shown, 4 * CONTENT_MAX);
	if (got > 0)
		show_lines(text_make(bytes, (size_t)got), &shown);
	if (got < 0)
		buf_str(&shown, "(the file cannot be read)\n");
	else if ((uint64_t)got < size)
		buf_fmt(&shown, "(%llu more bytes)\n", (unsigned long long)(size - (uint64_t)got));
	o = json_string(buf_text(&shown));
	buf_free(&shown);
	free(bytes);
	return o;
}

static json_t *next_probe(const struct destination *d)
{
	const struct health *h = &d->health;

	return h->dead && !h->suspended ? json_real((double)h->delay / 1000) : json_null();
}

json_t *destination_json(const struct destination *d)
{
	json_t *o = json_object();
	const struct { const char *name; uint64_t value; } numbers[] = {
		{ "number", d->number },
		{ "connections", destination_open(d) }, { "busy", d->busy }, { "idle", d->idle },
		{ "window", width_of(d) }, { "limit", d->rules.limit },
		{ "waiting", d->waiting }, { "parked", parking_count(&d->parking) },
		{ "sent", d->sent }, { "deferred", d->deferred }, { "bounced", d->bounced },
		{ "sent_last_minute", rate_last_minute(&d->rate, queue_now(d->queue)) },
	};

	json_object_set_new(o, "transport", json_clean(d->transport));
	json_object_set_new(o, "nexthop", json_clean(d->nexthop));
	json_object_set_new(o, "state", json_string(health_name(d)));
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(o, "rate_delay_seconds", json_real((double)d->rate_delay / 1000));
	json_object_set_new(o, "tls", json_clean(d->tls));
	json_object_set_new(o, "last_error", json_clean(d->health.reason));
	json_object_set_new(o, "next_probe_seconds", next_probe(d));
	return o;
}
