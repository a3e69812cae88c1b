#include "spool/recover/recover_private.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/intake/store.h"

/* ---- names in queue/ ---- */

static void remove_file(struct recover *r, uint64_t id, unsigned count, bool drop)
{
	remover_add(r->setup.parts->remover, &(struct removal){ .id = id, .count = count, .drop = drop }, 1);
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
	struct ledger_message *m = ledger_get(r->setup.parts->ledger, id);

	if (is_unnamed_report(r, id, m)) {
		add_id(&r->unnamed, id);
		return;
	}
	if (!m)
		m = ledger_add(r->setup.parts->ledger, id);
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
		have[i] = is_settled(ledger_get(r->setup.parts->ledger, names_sibling(drop->id, i)));
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
		struct ledger_message *m = ledger_get(r->setup.parts->ledger, names_sibling(drop->id, i));

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
		struct ledger_message *m = ledger_get(r->setup.parts->ledger, names_sibling(drop->id, i));

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
		.time = recover_time_of(r, m->id), .uid = m->uid,
		.name = text_of(queue_id_report(m->id) ? "report" : "drop") });
	m->files = files;
}

static void settle_without_in(struct recover *r, struct ledger_message *m)
{
	if (m->line_bytes == 0)
		give_in_line(r, m);
	else
		m->arrived = recover_time_of(r, m->id);
	recover_tell(r, m);
}

/* A file that no line tells of, with no drop file beside it, may be a claim that nobody has looked at yet. */
static bool is_early_claim(const struct ledger_message *m)
{
	return m->line_bytes == 0 && m->files == 1 && !queue_id_report(m->id);
}

/* It is taken in again, under the same id. */
static void withdraw_claim(struct recover *r, uint64_t id)
{
	struct store claim = { .tree = r->setup.parts->tree, .id = id };
	struct ledger_message *m = ledger_get(r->setup.parts->ledger, id);

	if (store_withdraw(&claim) != 0) {
		settle_without_in(r, m);
		return;
	}
	ledger_forget(r->setup.parts->ledger, m);
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
			"it is forgotten", r->setup.parts->tree->path, id);
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

	while ((m = ledger_next(r->setup.parts->ledger, &cursor))) {
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

/* The messages first: whether a claim is settled depends on which of them are there. */
void recover_settle(struct recover *r)
{
	const struct listing *l = &r->listing;

	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].kind == NAMES_MESSAGE)
			see_message(r, l->entries[i].id);
	for (size_t i = 0; i < l->count; i++)
		if (l->entries[i].kind == NAMES_DROP)
			settle_drop(r, &l->entries[i]);
	settle_messages(r);
}
