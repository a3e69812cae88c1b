#include "spool/recover/recover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/intake/store.h"
#include "spool/journal/clocks.h"
#include "spool/journal/replay.h"
#include "spool/journal/suspensions.h"
#include "spool/recover/listing.h"

struct id_list {
	uint64_t *ids;
	size_t count, room;
};

enum { SLICE = 500 };           /* messages told in a turn of the loop */

struct recover {
	struct recover_setup setup;
	/* both run side by side; then the first one again, to remove */
	struct disk_job reading, listing_names;
	bool was_read, was_listed;
	struct journal journal;
	bool journal_given;            /* it is the commit's now */
	struct commit *commit;
	struct replay replay;
	struct listing listing;
	struct id_list known;          /* messages to be told of, told up to told */
	size_t told;
	struct loop_task tell_task;
	/* reports that are removed before anybody may give their names out again */
	struct id_list unnamed;
	/* files that nothing is known about: claims which had their message's name early */
	struct id_list early;
	bool stopped;
};

/* ---- telling ---- */

/* The id is the microsecond of arrival, unless a clock was set back. */
static int64_t time_of(const struct recover *r, uint64_t id)
{
	int64_t by_id = (int64_t)(queue_id_microseconds(id) / 1000), now = loop_wall(r->setup.loop);

	return by_id < now ? by_id : now;
}

static void tell(const struct recover *r, const struct ledger_message *m)
{
	struct spool_known known = {
		.id = m->id,
		.arrived = m->arrived,
		.uid = m->uid,
		.size = m->size,
		.next = m->next,
		.attempts = m->attempts,
		.suspect = m->suspect,
		.held = m->held,
		.warned = m->warned,
		.count = m->count,
		.final = ledger_final_bits(m),
		.final_bits = m->final_bytes * (size_t)8,
		.reason = replay_reason(&r->replay, m->id),
		.reports = m->reports,
	};

	r->setup.events->known(r->setup.events_arg, &known);
}

static int newest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* What has come last is told first: much of what is old waits for hosts that are dead, and there may be a lot of
 * it. */
static void tell_some(void *arg)
{
	struct recover *r = arg;
	size_t end = r->known.count - r->told > SLICE ? r->told + SLICE : r->known.count;

	for (; r->told < end; r->told++)
		tell(r, ledger_get(r->setup.ledger, r->known.ids[r->told]));
	if (r->told < r->known.count)
		loop_later(r->setup.loop, &r->tell_task);
	else
		r->setup.recovered(r->setup.arg);
}

static void tell_suspensions(const struct recover *r)
{
	const struct suspensions *suspended = ledger_suspensions(r->setup.ledger);
	size_t cursor = 0;
	const char *name;

	while (r->setup.events->suspended && (name = suspensions_next(suspended, &cursor)))
		r->setup.events->suspended(r->setup.events_arg, name);
}

/* ---- names in queue/ ---- */

static void remove_file(struct recover *r, uint64_t id, unsigned count, bool drop)
{
	remover_add(r->setup.remover, &(struct removal){ .id = id, .count = count, .drop = drop }, 1);
}

/* Its parent never came to name it; unless the line that did was damaged. */
static bool is_unnamed_report(const struct recover *r, uint64_t id, const struct ledger_message *m)
{
	return queue_id_report(id) && !m && !r->replay.damage.lines && !r->replay.error;
}

static void add_id(struct id_list *l, uint64_t id)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->ids = mem_grow(l->ids, l->room, sizeof l->ids[0]);
	}
	l->ids[l->count++] = id;
}

static void see_message(struct recover *r, uint64_t id)
{
	struct ledger_message *m = ledger_get(r->setup.ledger, id);

	if (is_unnamed_report(r, id, m)) {
		add_id(&r->unnamed, id);
		return;
	}
	if (!m)
		m = ledger_add(r->setup.ledger, id);
	m->present = true;
	m->files++;
	/* without `in`, its drop file may still say whose it was; that comes later */
	if (m->accepted && !m->done)
		add_id(&r->known, id);
}

/* ---- claims, when all messages are known ---- */

static unsigned messages_of(const struct listing_entry *drop)
{
	return drop->count ? drop->count : 1;
}

static bool is_settled(const struct ledger_message *m)
{
	return m && (m->present || m->done);
}

/* Which of the claim's messages need not be made again; NULL: all are there. */
static bool *missing_of(const struct recover *r, const struct listing_entry *drop)
{
	unsigned n = messages_of(drop), settled = 0;
	bool *have = mem_alloc(n * sizeof *have);

	for (unsigned i = 0; i < n; i++) {
		have[i] = is_settled(ledger_get(r->setup.ledger, names_sibling(drop->id, i)));
		settled += have[i];
	}
	if (settled < n)
		return have;
	free(have);
	return NULL;
}

/* The claim's file counts among the files of its messages; those without `in` learn from it whose they
 * are. */
static void count_drop(struct recover *r, const struct listing_entry *drop)
{
	for (unsigned i = 0; i < messages_of(drop); i++) {
		struct ledger_message *m = ledger_get(r->setup.ledger, names_sibling(drop->id, i));

		if (!m)
			continue;
		m->files++;
		if (!m->accepted)
			m->uid = drop->uid;
	}
}

static void settle_drop(struct recover *r, const struct listing_entry *drop)
{
	bool *have = missing_of(r, drop);

	count_drop(r, drop);
	if (have)
		r->setup.retake(r->setup.arg, drop->id, drop->count, have,
			replay_claim(&r->replay, drop->id));
	else
		commit_remove(r->commit, &(struct removal){ .id = drop->id, .count = drop->count,
			.drop = true });
	for (unsigned i = 0; have && i < messages_of(drop); i++) {
		struct ledger_message *m = ledger_get(r->setup.ledger, names_sibling(drop->id, i));

		if (m)
			m->present = true;
	}
}

/* ---- messages that the journal has no `in` for ---- */

/* A message that no line tells of was taken in just before a crash: it gets its `in`, but for what is in the
 * file. */
static void give_in_line(struct recover *r, struct ledger_message *m)
{
	uint8_t files = m->files;

	commit_line(r->commit, &(struct journal_line){ .kind = JOURNAL_IN, .id = m->id,
		.time = time_of(r, m->id), .uid = m->uid,
		.name = text_of(queue_id_report(m->id) ? "report" : "drop") });
	m->files = files;
}

static void settle_without_in(struct recover *r, struct ledger_message *m)
{
	if (m->line_bytes == 0)
		give_in_line(r, m);
	else
		m->arrived = time_of(r, m->id);
	tell(r, m);
}

/* A file that no line tells of, with no drop file beside it, may be a claim that nobody has looked at yet. */
static bool is_early_claim(const struct ledger_message *m)
{
	return m->line_bytes == 0 && m->files == 1 && !queue_id_report(m->id);
}

/* It is taken in again, under the same id. */
static void withdraw_claim(struct recover *r, uint64_t id)
{
	struct store claim = { .tree = r->setup.tree, .id = id };
	struct ledger_message *m = ledger_get(r->setup.ledger, id);

	if (store_withdraw(&claim) != 0) {
		settle_without_in(r, m);
		return;
	}
	ledger_forget(r->setup.ledger, m);
	r->setup.retake(r->setup.arg, id, 0, mem_alloc(sizeof(bool)), replay_claim(&r->replay, id));
}

static void withdraw_claims(struct recover *r)
{
	for (size_t i = 0; i < r->early.count; i++)
		withdraw_claim(r, r->early.ids[i]);
}

/* ---- lines without a file ---- */

/* Lost by something that is not us, or its `done` was damaged. No line says so: should the file come back, it
 * is mail. */
static void settle_without_file(struct recover *r, struct ledger_message *m)
{
	char id[NAMES_SIZE];

	if (r->listing.error)
		return;
	if (m->accepted)
		log_line(LOG_LEVEL_WARNING, "qmgr", names_message(m->id, id),
			"the journal knows this message, but there is no file %s/queue/%s; "
			"it is forgotten", r->setup.tree->path, id);
	m->done = true;
	commit_gone(r->commit, m);
}

static void settle_done(struct recover *r, struct ledger_message *m)
{
	if (m->present)
		remove_file(r, m->id, 0, false);
	else if (m->files == 0)
		commit_gone(r->commit, m);
}

static void settle_messages(struct recover *r)
{
	struct ledger_message *m;
	size_t cursor = 0;

	while ((m = ledger_next(r->setup.ledger, &cursor))) {
		if (m->done)
			settle_done(r, m);
		else if (!m->present)
			settle_without_file(r, m);
		else if (!m->accepted && is_early_claim(m))
			add_id(&r->early, m->id);
		else if (!m->accepted && m->files)
			settle_without_in(r, m);
	}
	withdraw_claims(r);
}

/* ---- the sequence ---- */

static void remove_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, reading);
	char name[NAMES_SIZE];

	(void)room;
	for (size_t i = 0; i < r->unnamed.count; i++)
		unlinkat(r->setup.tree->queue, names_message(r->unnamed.ids[i], name), 0);
}

static void remove_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, reading);

	if (r->stopped)
		return;
	r->setup.settled(r->setup.arg);
	if (r->known.count)
		qsort(r->known.ids, r->known.count, sizeof r->known.ids[0], newest_first);
	loop_later(r->setup.loop, &r->tell_task);
}

static void tell_strangers(const struct recover *r)
{
	if (r->listing.strangers)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"%s/queue holds %zu files that are none of the queue's, like \"%s\"; they are left "
			"alone",
			r->setup.tree->path, r->listing.strangers, r->listing.stranger);
	if (r->listing.error)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue: cannot be read to its end: %s; messages not seen wait for the next start",
			r->setup.tree->path, strerror(r->listing.error));
}

/* The messages first: whether a claim is settled depends on which of them are there. */
static void settle_all(struct recover *r)
{
	const struct listing *l = &r->listing;

	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].kind == NAMES_MESSAGE)
			see_message(r, l->entries[i].id);
	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].kind == NAMES_DROP)
			settle_drop(r, &l->entries[i]);
	settle_messages(r);
	tell_strangers(r);
	listing_clear(&r->listing);
	r->reading = (struct disk_job){ .work = remove_work, .done = remove_done };
	disk_run(r->setup.disk, DISK_RESULTS, &r->reading);
}

static void settle_when_known(struct recover *r)
{
	if (r->was_read && r->was_listed && !r->stopped)
		settle_all(r);
}

static void list_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, listing_names);

	(void)room;
	listing_read(&r->listing);
}

static void list_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, listing_names);

	r->was_listed = true;
	settle_when_known(r);
}

static void tell_damage(const struct recover *r)
{
	if (r->replay.damage.lines)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"%s/queue/journal: %lu damaged lines skipped, the first at byte %llu; no mail is "
			"lost, but recipients named there may get a second copy", r->setup.tree->path,
			r->replay.damage.lines,
			(unsigned long long)r->replay.damage.first);
	if (r->replay.error)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue/journal: cannot be read to its end: %s; no mail is lost, but recipients "
			"named there may get a second copy", r->setup.tree->path, strerror(r->replay.error));
}

static void read_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, reading);

	replay_read(&r->replay, &r->journal, room);
	journal_make_ballast(r->setup.tree->queue);
}

static void read_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, reading);
	struct journal_line now;
	char boot_id[CLOCKS_BOOT_ID];

	if (r->stopped)
		return;
	tell_damage(r);
	r->journal_given = true;
	r->commit = r->setup.journal_read(r->setup.arg, &r->journal);
	clocks_line(r->setup.loop, &now, boot_id);
	commit_line(r->commit, &now);
	tell_suspensions(r);
	r->was_read = true;
	settle_when_known(r);
}

struct recover *recover_new(const struct recover_setup *setup, const struct journal *journal)
{
	struct recover *r = mem_alloc(sizeof *r);

	r->setup = *setup;
	r->journal = *journal;
	replay_init(&r->replay, setup->ledger, setup->ids);
	r->listing.tree = setup->tree;
	r->listing.ids = setup->ids;
	r->tell_task = (struct loop_task){ .fn = tell_some, .arg = r };
	r->reading = (struct disk_job){ .work = read_work, .done = read_done };
	r->listing_names = (struct disk_job){ .work = list_work, .done = list_done };
	disk_run(setup->disk, DISK_RESULTS, &r->reading);
	disk_run(setup->disk, DISK_RESULTS, &r->listing_names);
	return r;
}

void recover_free(struct recover *r)
{
	if (!r)
		return;
	if (!r->journal_given)
		journal_close(&r->journal);
	replay_clear(&r->replay);
	listing_clear(&r->listing);
	loop_cancel(r->setup.loop, &r->tell_task);
	free(r->known.ids);
	free(r->unnamed.ids);
	free(r->early.ids);
	free(r);
}

void recover_stop(struct recover *r)
{
	r->stopped = true;
	loop_cancel(r->setup.loop, &r->tell_task);
}
