#include "spool/journal/ledger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/journal/owners.h"
#include "spool/journal/suspensions.h"

enum { ORIGINS_MAX = 255, BOOT_ID_MAX = 40 };

struct ledger {
	struct idmap *messages;
	uint64_t live_bytes;
	int64_t offset;                  /* of the last time line: wall clock minus boot clock, ms */
	char boot_id[BOOT_ID_MAX];       /* "" before the first */
	char *origins[ORIGINS_MAX];      /* number 1 is the first; 0 means not known */
	unsigned origin_count;
	struct owners *owners;
	struct suspensions *suspensions;
};

struct ledger *ledger_new(void)
{
	struct ledger *l = mem_alloc(sizeof *l);

	l->messages = idmap_new();
	l->owners = owners_new();
	l->suspensions = suspensions_new();
	return l;
}

/* Reports are nobody's. */
static void own(struct ledger *l, struct ledger_message *m)
{
	if (m->owned || queue_id_report(m->id))
		return;
	owners_add(l->owners, m->uid);
	m->owned = true;
}

static void disown(struct ledger *l, struct ledger_message *m)
{
	if (m->owned)
		owners_remove(l->owners, m->uid);
	m->owned = false;
}

size_t ledger_owned(const struct ledger *l, uint64_t uid)
{
	return owners_count(l->owners, uid);
}

static void message_free(struct ledger_message *m)
{
	if (m->final_bytes > LEDGER_INLINE)
		free(m->final.there);
	free(m);
}

void ledger_free(struct ledger *l)
{
	struct ledger_message *m;
	size_t cursor = 0;

	if (!l)
		return;
	while ((m = idmap_next(l->messages, &cursor)))
		message_free(m);
	idmap_free(l->messages);
	owners_free(l->owners);
	suspensions_free(l->suspensions);
	for (unsigned i = 0; i < l->origin_count; i++)
		free(l->origins[i]);
	free(l);
}

struct ledger_message *ledger_get(const struct ledger *l, uint64_t id)
{
	return idmap_get(l->messages, id);
}

struct ledger_message *ledger_next(const struct ledger *l, size_t *cursor)
{
	return idmap_next(l->messages, cursor);
}

struct ledger_message *ledger_add(struct ledger *l, uint64_t id)
{
	struct ledger_message *m = idmap_get(l->messages, id);

	if (m)
		return m;
	m = mem_alloc(sizeof *m);
	m->id = id;
	m->final_bytes = LEDGER_INLINE;
	idmap_put(l->messages, id, m);
	return m;
}

static uint8_t origin_number(struct ledger *l, struct text name)
{
	for (unsigned i = 0; i < l->origin_count; i++)
		if (text_is(name, l->origins[i]))
			return (uint8_t)(i + 1);
	if (name.n == 0 || l->origin_count == ORIGINS_MAX)
		return 0;
	l->origins[l->origin_count++] = mem_strn(name.p, name.n);
	return (uint8_t)l->origin_count;
}

static uint8_t *final_bits(struct ledger_message *m)
{
	return m->final_bytes > LEDGER_INLINE ? m->final.there : m->final.here;
}

static void set_final(struct ledger_message *m, uint64_t rcpt)
{
	uint32_t bytes = m->final_bytes;
	uint8_t *grown;

	if (rcpt >= UINT32_MAX / 2)
		return;
	while (rcpt / 8 >= bytes)
		bytes *= 2;
	if (bytes > m->final_bytes) {
		grown = mem_alloc(bytes);
		memcpy(grown, final_bits(m), m->final_bytes);
		if (m->final_bytes > LEDGER_INLINE)
			free(m->final.there);
		m->final.there = grown;
		m->final_bytes = bytes;
	}
	final_bits(m)[rcpt / 8] |= (uint8_t)(1 << rcpt % 8);
}

static uint32_t at_most(uint64_t n, uint32_t max)
{
	return n < max ? (uint32_t)n : max;
}

/* Forgets what older lines said of the id; but the names of its reports are used. */
static void accept(struct ledger *l, struct ledger_message *m, const struct journal_line *line)
{
	if (m->final_bytes > LEDGER_INLINE)
		free(m->final.there);
	disown(l, m);
	l->live_bytes -= m->line_bytes;
	*m = (struct ledger_message){ .id = m->id, .final_bytes = LEDGER_INLINE, .files = m->files,
		.present = m->present, .reports = m->reports,
		.accepted = true, .arrived = line->time, .uid = (uint32_t)line->uid, .size = line->size,
		.count = at_most(line->count, UINT32_MAX), .hops = (uint8_t)at_most(line->hops, UINT8_MAX),
		.flags = (uint8_t)line->flags, .origin = origin_number(l, line->name) };
	own(l, m);
}

static void note_report(struct ledger *l, uint64_t id)
{
	struct ledger_message *parent = ledger_get(l, queue_id_parent(id));
	unsigned number = queue_id_report(id) & ~(unsigned)QUEUE_ID_NOTICE;

	if (parent && number > parent->reports)
		parent->reports = (uint16_t)number;
}

static void lines_dead(struct ledger *l, struct ledger_message *m, uint32_t *bytes)
{
	uint32_t n = *bytes;

	l->live_bytes -= n;
	m->line_bytes -= n;
	*bytes = 0;
}

/* Of deferrals only the last attempt's are of use. */
static void apply_deferral(struct ledger *l, struct ledger_message *m, const struct journal_line *line,
	uint32_t bytes)
{
	if (!m->trying) {
		lines_dead(l, m, &m->deferral_bytes);
		m->recent = line->time;
		m->trying = true;
	}
	m->deferral_bytes += bytes;
}

static void apply_next(struct ledger *l, struct ledger_message *m, const struct journal_line *line,
	uint32_t bytes)
{
	lines_dead(l, m, &m->next_bytes);
	m->next_bytes = bytes;
	m->trying = false;
	m->next = line->time;
	m->attempts = at_most(line->count, UINT32_MAX);
}

static void apply_to(struct ledger *l, struct ledger_message *m, const struct journal_line *line,
	uint32_t bytes)
{
	switch (line->kind) {
	case JOURNAL_IN:
		accept(l, m, line);
		break;
	case JOURNAL_RESULT:
		if (line->status == 'd')
			apply_deferral(l, m, line, bytes);
		else
			set_final(m, line->rcpt);
		break;
	case JOURNAL_NEXT:
		apply_next(l, m, line, bytes);
		break;
	case JOURNAL_HOLD:
		m->held = line->count != 0;
		break;
	case JOURNAL_SUSPECT:
		m->suspect = (uint8_t)at_most(line->count, UINT8_MAX);
		break;
	case JOURNAL_WARNED:
		m->warned = true;
		break;
	case JOURNAL_DONE:
		m->done = true;
		disown(l, m);
		break;
	default:
		break;
	}
}

static int64_t shifted(int64_t time, int64_t by)
{
	return time > 0 && time + by > 0 ? time + by : time;
}

/* The wall clock was set: all that was stored by the old one moves along. */
static void apply_time(struct ledger *l, const struct journal_line *line)
{
	int64_t offset = line->time - line->boot, by = offset - l->offset;
	bool same_boot = l->boot_id[0] && text_is(line->name, l->boot_id);
	struct ledger_message *m;
	size_t cursor = 0;

	while (same_boot && by && (m = ledger_next(l, &cursor))) {
		m->arrived = shifted(m->arrived, by);
		m->next = shifted(m->next, by);
	}
	l->offset = offset;
	snprintf(l->boot_id, sizeof l->boot_id, "%.*s", (int)line->name.n, line->name.p);
}

struct ledger_message *ledger_apply(struct ledger *l, const struct journal_line *line, size_t bytes)
{
	struct ledger_message *m;

	switch (line->kind) {
	case JOURNAL_TIME:
		apply_time(l, line);
		return NULL;
	case JOURNAL_SUSPEND:
		suspensions_apply(l->suspensions, line);
		return NULL;
	case JOURNAL_HIGH:
	case JOURNAL_CLAIM:
	case JOURNAL_BATCH:
		return NULL;
	case JOURNAL_OTHER:
		m = ledger_get(l, line->id);
		break;
	default:
		m = ledger_add(l, line->id);
		apply_to(l, m, line, at_most(bytes, JOURNAL_TEXT_MAX + 32));
	}
	if (queue_id_report(line->id))
		note_report(l, line->id);
	if (m) {
		m->line_bytes += at_most(bytes, UINT32_MAX - m->line_bytes);
		l->live_bytes += bytes;
	}
	return m;
}

void ledger_lines_dead(struct ledger *l, struct ledger_message *m)
{
	lines_dead(l, m, &m->line_bytes);
	m->deferral_bytes = m->next_bytes = 0;
}

void ledger_forget(struct ledger *l, struct ledger_message *m)
{
	ledger_lines_dead(l, m);
	disown(l, m);
	idmap_take(l->messages, m->id);
	message_free(m);
}

uint64_t ledger_live_bytes(const struct ledger *l)
{
	return l->live_bytes;
}

const struct suspensions *ledger_suspensions(const struct ledger *l)
{
	return l->suspensions;
}

const uint8_t *ledger_final_bits(const struct ledger_message *m)
{
	return m->final_bytes > LEDGER_INLINE ? m->final.there : m->final.here;
}

const char *ledger_origin(const struct ledger *l, const struct ledger_message *m)
{
	return m->origin ? l->origins[m->origin - 1] : "";
}

static int by_id(const void *a, const void *b)
{
	const struct ledger_live *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

struct ledger_live *ledger_live(const struct ledger *l, size_t *count)
{
	struct ledger_live *all = mem_alloc(idmap_count(l->messages) * sizeof *all);
	struct ledger_message *m;
	size_t cursor = 0;

	*count = 0;
	while ((m = ledger_next(l, &cursor)))
		all[(*count)++] = (struct ledger_live){ m->id, m->recent, m->attempts };
	qsort(all, *count, sizeof *all, by_id);
	return all;
}
