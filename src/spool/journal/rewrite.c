#include "spool/journal/rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/journal/journal_line.h"
#include "format/journal/queue_id.h"
#include "spool/journal/suspensions.h"

enum {
	SIZE_MIN = 4 * 1024 * 1024,       /* below this nothing is gained */
	HIGH_AHEAD_US = 60 * 1000000
};

enum state { RESTING, SYNCING, SYNCED, COPYING, READY };

/* Ids that can be forgotten once the directory was synced. */
struct ids_list {
	uint64_t *ids;
	size_t count, room;
};

struct rewrite {
	struct rewrite_setup setup;
	enum state state;
	bool cancelled;
	struct ids_list gone, forgotten;   /* forgotten: when this rewriting's directory sync is done */
	struct dirsync_waiter waiter;
	/* for the copying thread */
	struct disk_job job;
	struct journal_new copy;
	int dir, error;
	uint64_t end, oldest_claim;
	struct ledger_live *live;          /* whose lines stay, by ascending id */
	size_t live_count;
	struct buf head;
};

struct rewrite *rewrite_new(const struct rewrite_setup *setup)
{
	struct rewrite *r = mem_alloc(sizeof *r);

	r->setup = *setup;
	r->copy.fd = r->copy.from = -1;
	buf_init(&r->head, 1024);
	return r;
}

void rewrite_free(struct rewrite *r)
{
	if (!r)
		return;
	if (r->state == READY)
		journal_new_drop(&r->copy, r->dir);
	free(r->gone.ids);
	free(r->forgotten.ids);
	free(r->live);
	buf_free(&r->head);
	free(r);
}

void rewrite_gone(struct rewrite *r, struct ledger_message *m)
{
	struct ids_list *l = &r->gone;

	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->ids = mem_grow(l->ids, l->room, sizeof l->ids[0]);
	}
	l->ids[l->count++] = m->id;
	ledger_lines_dead(r->setup.parts->ledger, m);
}

uint64_t rewrite_print_high(struct ids *ids, struct buf *out)
{
	uint64_t high = queue_id_make(queue_id_microseconds(ids_last(ids)) + HIGH_AHEAD_US, 0);

	journal_line_print(&(struct journal_line){ .kind = JOURNAL_HIGH, .id = high }, out);
	return high;
}

static int compare_id(const void *key, const void *element)
{
	const uint64_t *id = key;
	const struct ledger_live *live = element;

	return *id < live->id ? -1 : *id > live->id;
}

static const struct ledger_live *find(const struct rewrite *r, uint64_t id)
{
	return bsearch(&id, r->live, r->live_count, sizeof r->live[0], compare_id);
}

/* Of deferrals and of when to try again only the last matter; the last but one stays too, for what is not
 * written yet may be lost. */
static bool is_superseded(const struct ledger_live *live, const struct journal_line *line)
{
	if (line->kind == JOURNAL_RESULT)
		return line->status == 'd' && line->time < live->recent;
	return line->kind == JOURNAL_NEXT && line->count + 1 < live->attempts;
}

static bool keep_about(const struct rewrite *r, const struct journal_line *line)
{
	const struct ledger_live *live = find(r, line->id);

	return line->id == 0 || (live && !is_superseded(live, line));
}

static bool keep(const void *arg, struct text text)
{
	const struct rewrite *r = arg;
	struct journal_line line;

	if (!journal_line_parse(text, &line))
		return true;   /* good by its checksum: some other version's business */
	switch (line.kind) {
	case JOURNAL_HIGH:
	case JOURNAL_SUSPEND:
		return false;   /* said at the front, as it is now */
	case JOURNAL_TIME:
		return true;
	case JOURNAL_CLAIM:
	case JOURNAL_BATCH:
		return line.id >= r->oldest_claim;
	case JOURNAL_REPORT:
		return find(r, line.id) || find(r, queue_id_parent(line.id));
	default:
		return keep_about(r, &line);
	}
}

static void copy_work(struct disk_job *job, char *room)
{
	struct rewrite *r = LIST_OF(job, struct rewrite, job);

	r->error = journal_new_add(&r->copy, r->dir, text_make(r->head.data, r->head.len));
	if (!r->error)
		r->error = journal_new_copy(&r->copy, r->dir, r->end, keep, r, room);
}

static void copy_done(struct disk_job *job)
{
	struct rewrite *r = LIST_OF(job, struct rewrite, job);

	free(r->live);
	r->live = NULL;
	if (!r->error && !r->cancelled) {
		r->state = READY;
		r->setup.ready(r->setup.arg);
		return;
	}
	if (r->error)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"%s/queue/journal: cannot be rewritten now: %s; it goes on growing, and is tried again soon",
			r->setup.parts->tree->path, strerror(r->error));
	journal_new_drop(&r->copy, r->dir);
	r->state = RESTING;
}

/* Their files are gone for good now, so their `done` may go too. */
static void forget(struct rewrite *r)
{
	for (size_t i = 0; i < r->forgotten.count; i++) {
		struct ledger_message *m = ledger_get(r->setup.parts->ledger, r->forgotten.ids[i]);

		if (m)
			ledger_forget(r->setup.parts->ledger, m);
	}
	r->forgotten.count = 0;
}

static void directory_synced(void *arg)
{
	struct rewrite *r = arg;

	forget(r);
	r->state = SYNCED;
	r->setup.ready(r->setup.arg);
}

static void start_syncing(struct rewrite *r)
{
	struct ids_list swap = r->forgotten;

	r->forgotten = r->gone;
	r->gone = swap;
	r->state = SYNCING;
	r->waiter = (struct dirsync_waiter){ .synced = directory_synced, .arg = r };
	dirsync_wait(r->setup.parts->dirsync, &r->waiter);
}

static void start_copying(struct rewrite *r, const struct journal *j)
{
	r->state = RESTING;
	if (journal_new_begin(&r->copy, j) != 0)
		return;
	r->state = COPYING;
	r->cancelled = false;
	r->dir = j->dir;
	r->end = j->size;
	r->oldest_claim = r->setup.oldest_claim(r->setup.arg);
	r->live = ledger_live(r->setup.parts->ledger, &r->live_count);
	buf_clear(&r->head);
	rewrite_print_high(r->setup.parts->ids, &r->head);
	suspensions_print(ledger_suspensions(r->setup.parts->ledger), &r->head);
	r->job = (struct disk_job){ .work = copy_work, .done = copy_done };
	disk_run(r->setup.parts->disk, DISK_REMOVAL, &r->job);
}

bool rewrite_pays(const struct rewrite *r, uint64_t journal_bytes)
{
	return r->state == RESTING && journal_bytes >= SIZE_MIN
		&& ledger_live_bytes(r->setup.parts->ledger) <= journal_bytes / 4;
}

void rewrite_consider(struct rewrite *r, const struct journal *j)
{
	if (r->state == SYNCED)
		start_copying(r, j);
	else if (rewrite_pays(r, j->size))
		start_syncing(r);
}

struct journal_new *rewrite_take(struct rewrite *r)
{
	if (r->state != READY)
		return NULL;
	r->state = RESTING;
	return &r->copy;
}

void rewrite_cancel(struct rewrite *r)
{
	r->cancelled = true;
	if (r->state == READY) {
		journal_new_drop(&r->copy, r->dir);
		r->state = RESTING;
	}
}
