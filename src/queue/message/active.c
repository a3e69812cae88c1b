#include "queue/message/active.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "queue/core.h"
#include "queue/message/tls_wanted.h"
#include "queue/report/report.h"

/* Copies s behind *at and moves *at on; NULL stays NULL. */
static const char *place(char **at, const char *s)
{
	char *start = *at;
	size_t n;

	if (!s)
		return NULL;
	n = strlen(s) + 1;
	memcpy(start, s, n);
	*at += n;
	return start;
}

static size_t room_for(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

struct note *note_new(const struct note *v)
{
	size_t room = room_for(v->relay) + room_for(v->tls) + room_for(v->text) + room_for(v->reply) +
		room_for(v->transport);
	struct note *n = mem_alloc(sizeof *n + room);
	char *at = n->strings;

	memcpy(n, v, sizeof *n);
	n->relay = place(&at, v->relay);
	n->tls = place(&at, v->tls);
	n->text = place(&at, v->text);
	n->reply = place(&at, v->reply);
	n->transport = place(&at, v->transport);
	return n;
}

bool recipient_is_deferred(const struct recipient *r)
{
	return r->note && r->note->outcome == OUTCOME_DEFERRED && !r->returned;
}

const char *note_status(const struct note *n)
{
	switch (n->outcome) {
	case OUTCOME_SENT:
		return n->probe ? "deliverable" : "sent";
	case OUTCOME_BOUNCED:
		return n->probe ? "undeliverable" : "bounced";
	default:
		return "deferred";
	}
}

uint64_t active_size(uint64_t content_size)
{
	const uint64_t dot_line = 3;

	return content_size > dot_line ? content_size - dot_line : 0;
}

/* RFC 5321 section 4.1.1.3 allows "postmaster" without a domain, and local programs write bare names. */
static char *qualified(const char *address, const char *origin)
{
	struct text local, domain;

	if (!*address)
		return NULL;
	address_split(text_of(address), &local, &domain);
	return domain.n ? NULL : mem_fmt("%s@%s", address, origin);
}

static void qualify(struct envelope *e, const char *origin)
{
	char *full = qualified(e->sender, origin);

	if (full) {
		free(e->sender);
		e->sender = full;
	}
	for (size_t i = 0; i < e->count; i++) {
		struct envelope_rcpt *r = &e->rcpts[i];

		full = qualified(r->address, origin);
		if (!full)
			continue;
		if (r->original)
			free(r->address);
		else
			r->original = r->address;
		r->address = full;
	}
}

static void take_over(struct active *a, const struct settings *s, struct spool_message *loaded)
{
	a->tls_wanted = tls_wanted_of(s, loaded);
	a->requiretls_field = loaded->requiretls;
	a->envelope = loaded->envelope;
	loaded->envelope = NULL;
	a->fd = loaded->fd;
	loaded->fd = -1;
	a->content_at = loaded->content_at;
	a->content_size = loaded->content_size;
	a->uid = loaded->uid;
	a->hops = loaded->hops;
	a->eight_bit = loaded->eight_bit;
	a->utf8_header = loaded->utf8_header;
	a->long_lines = loaded->long_lines;
	a->unwritten = loaded->unwritten;
}

struct active *active_new(struct queue *q, struct message *m, struct spool_message *loaded)
{
	size_t count = loaded->envelope->count;
	struct active *a = mem_alloc(sizeof *a + count * sizeof *a->rcpts);

	assert(!m->active);
	take_over(a, q->settings, loaded);
	qualify(a->envelope, q->settings->myorigin);
	a->queue = q;
	a->message = m;
	m->active = a;
	queue_id_print(m->id, a->name);
	a->began = queue_now(q);
	list_init(&a->of_unwritten);
	list_init(&a->of_owed);
	list_init(&a->reports);
	for (size_t i = 0; i < count; i++) {
		a->rcpts[i].next = RCPT_NONE;
		a->rcpts[i].state = message_is_final(m, i) ? RCPT_OVER : RCPT_ROUTING;
		a->open += a->rcpts[i].state == RCPT_ROUTING;
	}
	return a;
}

enum attempt_phase active_phase(const struct active *a)
{
	if (a->settled)
		return ATTEMPT_ENDING;
	if (a->routed < a->envelope->count)
		return ATTEMPT_ROUTING;
	if (a->writing)
		return ATTEMPT_WRITING;
	return a->flights ? ATTEMPT_DELIVERING : ATTEMPT_WAITING;
}

void active_close(struct active *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

void active_free(struct active *a)
{
	struct entry *e, *next;

	if (!a)
		return;
	assert(a->flights == 0);
	for (e = a->entries; e; e = next) {
		next = e->next;
		destination_forget(e->destination, e);
		free(e);
	}
	for (size_t i = 0; i < a->envelope->count; i++)
		free(a->rcpts[i].note);
	list_remove(&a->of_unwritten);
	list_remove(&a->of_owed);
	report_forget_all(a);
	active_close(a);
	envelope_free(a->envelope);
	free(a->trace);
	a->message->active = NULL;
	free(a);
}

struct entry *active_entry(struct active *a, struct destination *d)
{
	struct entry *e = destination_latest(d);

	if (e && e->active == a)
		return e;
	e = mem_alloc(sizeof *e);
	list_init(&e->in_line);
	e->active = a;
	e->destination = d;
	e->first = e->last = RCPT_NONE;
	e->next = a->entries;
	a->entries = e;
	destination_remember(d, e);
	return e;
}

void entry_append(struct entry *e, uint32_t rcpt)
{
	struct recipient *all = e->active->rcpts;

	all[rcpt].next = RCPT_NONE;
	all[rcpt].state = RCPT_WAITING;
	if (e->waiting++)
		all[e->last].next = rcpt;
	else
		e->first = rcpt;
	e->last = rcpt;
}

void entry_prepend(struct entry *e, uint32_t rcpt)
{
	struct recipient *all = e->active->rcpts;

	all[rcpt].next = e->first;
	all[rcpt].state = RCPT_WAITING;
	if (e->waiting++ == 0)
		e->last = rcpt;
	e->first = rcpt;
}

size_t entry_take(struct entry *e, uint32_t *out, size_t max)
{
	struct recipient *all = e->active->rcpts;
	size_t n = 0;

	while (n < max && e->waiting && !(n && (all[e->first].alone || all[out[0]].alone))) {
		out[n++] = e->first;
		e->waiting--;
		e->first = all[e->first].next;
	}
	if (!e->waiting)
		e->first = e->last = RCPT_NONE;
	return n;
}
