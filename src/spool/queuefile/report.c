#include "spool/queuefile/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/again.h"
#include "spool/disk/names.h"
#include "spool/journal/line.h"
#include "spool/queuefile/queuefile.h"

struct reports {
	struct report_setup setup;
	struct list all;               /* those that are not in the journal yet */
	bool begun, ended;
};

struct report {
	struct again again;
	struct list link;
	struct reports *reports;
	uint64_t id;
	char *bytes;
	size_t n;
	void (*written)(void *arg);
	void *arg;
	struct spool_message *message;
	char *reason;
	int error;
};

static void work(struct disk_job *job, char *room)
{
	struct report *r = LIST_OF(job, struct report, again.job);
	const struct tree *tree = r->reports->setup.parts->tree;

	r->error = queuefile_write(tree, r->id, r->bytes, r->n);
	if (!r->error)
		queuefile_open(tree, r->id, 0, true, room, &r->message, &r->reason, &r->error);
}

static void report_free(struct report *r)
{
	list_remove(&r->link);
	again_clear(&r->again);
	spool_message_free(r->message);
	free(r->reason);
	free(r->bytes);
	free(r);
}

static void try_again(struct report *r)
{
	char id[NAMES_SIZE];

	if (again_later(&r->again))
		log_line(LOG_LEVEL_ERROR, "bounce", names_message(r->id, id),
			"%s/queue/%s: a report cannot be written: %s; it and the results that it is about "
			"wait, trying again", r->reports->setup.parts->tree->path, id, strerror(r->error));
}

static void committed(void *arg)
{
	struct report *r = arg;
	const struct report_setup *setup = &r->reports->setup;
	struct spool_message *m = r->message;

	if (!r->reports->ended) {
		r->message = NULL;
		setup->arrived(setup->arg, m);
	}
	report_free(r);
}

static void add_lines(struct report *r)
{
	const struct report_setup *setup = &r->reports->setup;
	struct journal_line in = line_in(r->message);

	commit_line(setup->parts->commit, &(struct journal_line){ .kind = JOURNAL_REPORT, .id = r->id });
	commit_line(setup->parts->commit, &in);
	ledger_get(setup->parts->ledger, r->id)->files = 1;
}

static void done(struct disk_job *job)
{
	struct report *r = LIST_OF(job, struct report, again.job);
	const struct report_setup *setup = &r->reports->setup;

	if (r->reports->ended) {
		report_free(r);
		return;
	}
	if (r->error) {
		try_again(r);
		return;
	}
	assert(r->message);   /* what we wrote ourselves is a queue file */
	r->message->arrived = loop_wall(setup->parts->loop);
	r->message->uid = setup->parts->tree->uid;
	r->message->origin = mem_str("report");
	add_lines(r);
	r->written(r->arg);
	commit_wait(setup->parts->commit, committed, r);
}

struct reports *reports_new(const struct report_setup *setup)
{
	struct reports *all = mem_alloc(sizeof *all);

	all->setup = *setup;
	list_init(&all->all);
	return all;
}

void reports_free(struct reports *all)
{
	if (!all)
		return;
	LIST_EACH(at, &all->all)
		report_free(LIST_OF(at, struct report, link));
	free(all);
}

void reports_begin(struct reports *all)
{
	all->begun = true;
	LIST_EACH(at, &all->all)
		again_run(&LIST_OF(at, struct report, link)->again);
}

void reports_end(struct reports *all)
{
	all->ended = true;
	LIST_EACH(at, &all->all)
		again_end(&LIST_OF(at, struct report, link)->again);
}

void reports_add(struct reports *all, uint64_t id, const char *bytes, size_t n, void (*written)(void *arg),
	void *arg)
{
	struct report *r = mem_alloc(sizeof *r);

	r->again = (struct again){ .loop = all->setup.parts->loop, .disk = all->setup.parts->disk,
		.lane = DISK_RESULTS,
		.job = { .work = work, .done = done } };
	r->reports = all;
	r->id = id;
	r->bytes = mem_strn(bytes, n);
	r->n = n;
	r->written = written;
	r->arg = arg;
	list_append(&all->all, &r->link);
	if (all->begun)
		again_run(&r->again);
}
