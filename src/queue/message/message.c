#include "queue/message/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

/* Reasons are shared, and there is a bound to how many different ones are remembered: listings show the last
 * kinds of trouble, the journal knows every word. */
enum { REASON_LENGTH = 200, REASONS_MAX = 10000 };

struct reason {
	size_t users, n;
	char text[];
};

struct messages {
	struct idmap *by_id;
	struct map *reasons;
	size_t in[MESSAGE_STATES];
};

/* The bitmap of a message with more than 64 recipients. */
struct bits {
	uint32_t bytes;
	uint8_t at[];
};

struct messages *messages_new(void)
{
	struct messages *all = mem_alloc(sizeof *all);

	all->by_id = idmap_new();
	all->reasons = map_new();
	return all;
}

static void drop_reason(struct messages *all, struct message *m)
{
	struct reason *r = m->reason;

	m->reason = NULL;
	if (!r || --r->users)
		return;
	map_take(all->reasons, r->text, r->n);
	free(r);
}

static void message_free(struct messages *all, struct message *m)
{
	drop_reason(all, m);
	if (m->is_many)
		free(m->final.many);
	free(m);
}

void messages_free(struct messages *all)
{
	struct message *m;
	size_t cursor = 0;

	if (!all)
		return;
	while ((m = idmap_next(all->by_id, &cursor)))
		message_free(all, m);
	idmap_free(all->by_id);
	map_free(all->reasons);
	free(all);
}

struct message *messages_add(struct messages *all, uint64_t id)
{
	struct message *m;

	if (idmap_get(all->by_id, id))
		return NULL;
	m = mem_alloc(sizeof *m);
	m->id = id;
	idmap_put(all->by_id, id, m);
	all->in[m->state]++;
	return m;
}

struct message *messages_find(const struct messages *all, uint64_t id)
{
	return idmap_get(all->by_id, id);
}

void messages_remove(struct messages *all, struct message *m)
{
	assert(!m->active && !m->heap_at);
	idmap_take(all->by_id, m->id);
	all->in[m->state]--;
	message_free(all, m);
}

struct message *messages_each(const struct messages *all, size_t *cursor)
{
	return idmap_next(all->by_id, cursor);
}

void messages_set_state(struct messages *all, struct message *m, enum message_state state)
{
	all->in[m->state]--;
	all->in[state]++;
	m->state = state & 7;
}

size_t messages_in(const struct messages *all, enum message_state state)
{
	return all->in[state];
}

size_t messages_total(const struct messages *all)
{
	return idmap_count(all->by_id);
}

static struct reason *reason_get(struct messages *all, const char *text, size_t n)
{
	struct reason *r = map_get(all->reasons, text, n);

	if (r || map_count(all->reasons) >= REASONS_MAX)
		return r;
	r = mem_alloc(sizeof *r + n + 1);
	r->n = n;
	memcpy(r->text, text, n);
	map_put(all->reasons, text, n, r);
	return r;
}

void messages_set_reason(struct messages *all, struct message *m, const char *text)
{
	size_t n = strnlen(text, REASON_LENGTH);
	struct reason *r;

	drop_reason(all, m);
	r = n ? reason_get(all, text, n) : NULL;
	if (r)
		r->users++;
	m->reason = r;
}

const char *message_reason(const struct message *m)
{
	return m->reason ? m->reason->text : "";
}

int64_t message_age(const struct message *m, int64_t now)
{
	return now > m->arrived ? now - m->arrived : 0;
}

bool message_is_final(const struct message *m, size_t rcpt)
{
	if (!m->is_many)
		return rcpt < 64 && m->final.few >> rcpt & 1;
	return rcpt / 8 < m->final.many->bytes && m->final.many->at[rcpt / 8] >> rcpt % 8 & 1;
}

/* Room for count recipients: the journal may have known of fewer than the envelope holds. */
static void widen(struct message *m, size_t count)
{
	size_t bytes = (count + 7) / 8;
	struct bits *b = mem_alloc(sizeof *b + bytes);

	b->bytes = (uint32_t)bytes;
	if (m->is_many) {
		memcpy(b->at, m->final.many->at, m->final.many->bytes);
		free(m->final.many);
	} else {
		for (size_t i = 0; i < sizeof m->final.few; i++)
			b->at[i] = (uint8_t)(m->final.few >> 8 * i);
	}
	m->final.many = b;
	m->is_many = 1;
}

void message_set_final(struct message *m, size_t rcpt, size_t count)
{
	assert(rcpt < count);
	if (!m->is_many && count <= 64) {
		m->final.few |= (uint64_t)1 << rcpt;
		return;
	}
	if (!m->is_many || rcpt / 8 >= m->final.many->bytes)
		widen(m, count);
	m->final.many->at[rcpt / 8] |= (uint8_t)(1u << rcpt % 8);
}

static const char *const state_names[MESSAGE_STATES] = {
	[MESSAGE_INCOMING] = "incoming", [MESSAGE_DEFERRED] = "deferred", [MESSAGE_LOADING] = "active",
	[MESSAGE_ACTIVE] = "active", [MESSAGE_HELD] = "held",
};

const char *message_state_name(const struct message *m)
{
	return state_names[m->state];
}

const char *messages_shown(size_t i)
{
	static const char *const shown[] = { "active", "deferred", "held", "incoming", NULL };

	return shown[i];
}

bool message_state_is_known(const char *name)
{
	for (size_t i = 0; i < MESSAGE_STATES; i++)
		if (strcmp(name, state_names[i]) == 0)
			return true;
	return false;
}

size_t messages_in_shown(const struct messages *all, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < MESSAGE_STATES; i++)
		if (strcmp(name, state_names[i]) == 0)
			count += all->in[i];
	return count;
}
