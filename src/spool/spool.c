#include "spool/spool_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/disk/names.h"
#include "spool/journal/history.h"

enum { THREADS = 8 };

/* ---- what the parts ask each other, by way of this file ---- */

static uint64_t oldest_claim(void *arg)
{
	const struct spool *s = arg;

	return s->recover ? 0 : intake_oldest_claim(s->intake);
}

static void less_unwritten(void *arg)
{
	struct spool *s = arg;

	intake_go_on(s->intake);
}

static void report_arrived(void *arg, struct spool_message *m)
{
	struct spool *s = arg;

	s->events.arrived(s->arg, m);
}

static struct commit *go_on_writing(void *arg, const struct journal *journal)
{
	struct spool *s = arg;

	s->parts.commit = commit_new(&(struct commit_setup){ .parts = &s->parts, .oldest_claim = oldest_claim,
		.arg = s }, journal);
	s->reports = reports_new(&(struct report_setup){ .parts = &s->parts, .arrived = report_arrived,
		.arg = s });
	return s->parts.commit;
}

static void retake(void *arg, uint64_t id, unsigned count, bool *have, const struct replay_claim *claim)
{
	struct spool *s = arg;

	intake_retake(s->intake, id, count, have, claim);
}

static void begin(void *arg)
{
	struct spool *s = arg;

	if (s->closed)
		return;
	reports_begin(s->reports);
	intake_begin(s->intake);
}

static void settled(void *arg)
{
	struct spool *s = arg;

	loop_later(s->parts.loop, &s->begin_task);
}

static void ready(void *arg)
{
	struct spool *s = arg;

	recover_free(s->recover);
	s->recover = NULL;
	if (!s->closed && s->events.ready)
		s->events.ready(s->arg);
}

static void recovered(void *arg)
{
	struct spool *s = arg;

	loop_later(s->parts.loop, &s->ready_task);
}

static void tell_closed(void *arg)
{
	struct spool *s = arg;

	disk_on_idle(s->parts.disk, NULL, NULL);
	s->closed(s->closed_arg);
}

static void one_gone(struct spool *s, uint64_t id)
{
	struct ledger_message *m = ledger_get(s->parts.ledger, id);

	if (!m || m->files == 0)
		return;
	m->files--;
	if (m->done && m->files == 0)
		commit_gone(s->parts.commit, m);
}

static void file_removed(void *arg, const struct removal *r)
{
	struct spool *s = arg;
	unsigned n = r->drop && r->count ? r->count : 1;

	for (unsigned i = 0; i < n; i++)
		one_gone(s, names_sibling(r->id, i));
}

static void found_corrupt(void *arg, uint64_t id, const char *reason, bool moved)
{
	struct spool *s = arg;

	if (moved) {
		commit_line(s->parts.commit, &(struct journal_line){ .kind = JOURNAL_DONE, .id = id });
		one_gone(s, id);
	}
	if (s->events.corrupt)
		s->events.corrupt(s->arg, id, reason);
}

/* ---- opening ---- */

static struct store_limits limits_of(const struct spool_setup *setup)
{
	return (struct store_limits){ .size = setup->size_limit, .rcpts = setup->rcpt_limit };
}

static void start_parts(struct spool *s, const struct spool_setup *setup)
{
	struct parts *p = &s->parts;

	p->disk = disk_new(p->loop, setup->threads ? setup->threads : THREADS);
	p->dirsync = dirsync_new(p->loop, p->disk, &s->tree);
	p->remover = remover_new(p->disk, &s->tree, file_removed, s);
	p->ledger = ledger_new();
	p->budget = budget_new(p->loop, less_unwritten, s);
	s->writings = writings_new(p);
	s->load = (struct load_setup){ .parts = p, .corrupt = found_corrupt, .arg = s };
}

static struct intake *start_intake(struct spool *s, const struct spool_setup *setup, char **why)
{
	return intake_new(&(struct intake_setup){ .parts = &s->parts, .limits = limits_of(setup),
		.minimum_free = setup->minimum_free, .owner_limit = setup->owner_limit,
		.events = &s->events, .arg = s->arg }, setup, why);
}

static void start_recovery(struct spool *s, const struct journal *journal)
{
	s->recover = recover_new(&(struct recover_setup){ .parts = &s->parts, .events = &s->events,
		.journal_read = go_on_writing, .retake = retake, .settled = settled, .recovered = recovered,
		.arg = s, .events_arg = s->arg }, journal);
}

static int open_parts(struct spool *s, const struct spool_setup *setup, char **why)
{
	struct journal journal;
	int error = journal_open(&journal, s->tree.queue);

	if (error) {
		*why = mem_fmt("%s/queue/journal: %s", s->tree.path, strerror(error));
		return error == EACCES || error == EPERM || error == ELOOP ? EX_CONFIG : EX_TEMPFAIL;
	}
	start_parts(s, setup);
	s->intake = start_intake(s, setup, why);
	if (!s->intake) {
		journal_close(&journal);
		return EX_CONFIG;
	}
	start_recovery(s, &journal);
	return 0;
}

struct spool *spool_open(struct loop *loop, const struct spool_setup *setup,
	const struct spool_events *events, void *arg, char **why,
	int *exit_code)
{
	struct spool *s = mem_alloc(sizeof *s);

	s->parts = (struct parts){ .loop = loop, .tree = &s->tree, .ids = &s->ids };
	s->events = *events;
	s->arg = arg;
	s->begin_task = (struct loop_task){ .fn = begin, .arg = s };
	s->ready_task = (struct loop_task){ .fn = ready, .arg = s };
	s->closed_task = (struct loop_task){ .fn = tell_closed, .arg = s };
	*exit_code = tree_open(&s->tree, setup->directory, why);
	if (!*exit_code)
		*exit_code = open_parts(s, setup, why);
	if (!*exit_code)
		return s;
	spool_free(s);
	return NULL;
}

/* ---- closing ---- */

static bool is_idle(const struct spool *s)
{
	return disk_idle(s->parts.disk) && s->load.outstanding == 0 && dirsync_idle(s->parts.dirsync)
		&& (!s->parts.commit || commit_idle(s->parts.commit));
}

static void check_closed(void *arg)
{
	struct spool *s = arg;

	if (!is_idle(s))
		return;
	loop_later(s->parts.loop, &s->closed_task);
}

void spool_close(struct spool *s, void (*closed)(void *arg), void *arg)
{
	s->closed = closed;
	s->closed_arg = arg;
	if (s->recover)
		recover_stop(s->recover);
	if (s->reports)
		reports_end(s->reports);
	writings_end(s->writings);
	intake_end(s->intake);
	disk_on_idle(s->parts.disk, check_closed, s);
	check_closed(s);
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	loop_cancel(s->parts.loop, &s->begin_task);
	loop_cancel(s->parts.loop, &s->ready_task);
	loop_cancel(s->parts.loop, &s->closed_task);
	disk_free(s->parts.disk);
	recover_free(s->recover);
	intake_free(s->intake);
	reports_free(s->reports);
	writings_free(s->writings);
	budget_free(s->parts.budget);
	commit_free(s->parts.commit);
	dirsync_free(s->parts.dirsync);
	remover_free(s->parts.remover);
	ledger_free(s->parts.ledger);
	tree_close(&s->tree);
	free(s);
}

void spool_reconfigure(struct spool *s, const struct spool_setup *setup)
{
	const struct store_limits limits = limits_of(setup);

	intake_reconfigure(s->intake, &limits, setup);
}

void spool_intake_pause(struct spool *s, bool paused)
{
	intake_pause(s->intake, paused);
}

void spool_intake_fair(struct spool *s, bool fair)
{
	intake_fair(s->intake, fair);
}

void spool_intake_unwritten(struct spool *s, bool allowed)
{
	budget_allow(s->parts.budget, allowed);
}

void spool_load(struct spool *s, uint64_t id, void (*done)(void *arg, uint64_t id, struct spool_message *),
	void *arg)
{
	load_start(&s->load, id, done, arg);
}

/* ---- files and commits ---- */

void spool_write(struct spool *s, uint64_t id, int fd, void (*written)(void *arg, int file), void *arg)
{
	writings_add(s->writings, id, fd, written, arg);
}

void spool_report(struct spool *s, uint64_t id, const char *bytes, size_t n, uint64_t content_at,
	void (*written)(void *arg), void *arg)
{
	(void)content_at;   /* found again when the file is read back */
	reports_add(s->reports, id, bytes, n, written, arg);
}

void spool_commit(struct spool *s, void (*done)(void *arg), void *arg)
{
	commit_tell(s->parts.commit, done, arg);
}

void spool_hurry(struct spool *s)
{
	commit_hurry(s->parts.commit);
}

int64_t spool_clock_jump(struct spool *s)
{
	return commit_clock_jump(s->parts.commit);
}

/* ---- for the operator ---- */

void spool_state(const struct spool *s, struct spool_state *state)
{
	*state = (struct spool_state){ 0 };
	intake_state(s->intake, state);
	if (!s->parts.commit)
		return;
	state->journal_bytes = commit_journal_bytes(s->parts.commit);
	state->batches = commit_batches(s->parts.commit);
}

void spool_history(struct spool *s, uint64_t id, void (*told)(void *arg, const char *lines), void *arg)
{
	history_read(s->parts.disk, &s->tree, id, told, arg);
}

uint64_t spool_new_id(struct spool *s)
{
	return ids_take(&s->ids, 1);
}
