#include "spool/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/names.h"
#include "spool/pace.h"
#include "spool/queuefile.h"

struct report {
	struct disk_job job;
	const struct report_setup *setup;
	uint64_t id;
	char *bytes;
	size_t n;
	struct batch *batch;
	struct loop_timer *again;
	unsigned failures;
	struct spool_message *message;
	char *reason;
	int error;
};

static void work(struct disk_job *job, char *room)
{
	struct report *r = LIST_OF(job, struct report, job);

	r->error = queuefile_write(r->setup->tree, r->id, r->bytes, r->n);
	if (!r->error)
		queuefile_open(r->setup->tree, r->id, 0, true, room, &r->message, &r->reason, &r->error);
}

static void run(void *arg)
{
	struct report *r = arg;

	disk_run(r->setup->disk, DISK_RESULTS, &r->job);
}

static void try_again(struct report *r)
{
	char id[NAMES_SIZE];

	if (!r->again) {
		r->again = loop_timer_new(r->setup->loop, run, r);
		log_line(LOG_LEVEL_ERROR, "bounce", names_message(r->id, id), "%s/queue/%s: a report cannot be written: %s; it and the results that "
			"it is about wait, trying again", r->setup->tree->path, id, strerror(r->error));
	}
	loop_timer_set(r->again, pace_delay_ms(++r->failures));
}

static void committed(void *arg)
{
	struct report *r = arg;

	r->setup->arrived(r->setup->arg, r->message);
	free(r);
}

static void add_lines(struct report *r)
{
	const struct spool_message *m = r->message;

	commit_first_line(r->setup->commit, r->batch, &(struct journal_line){ .kind = JOURNAL_REPORT, .id = r->id });
	commit_first_line(r->setup->commit, r->batch, &(struct journal_line){ .kind = JOURNAL_IN, .id = r->id, .time = m->arrived, .uid = m->uid,
		.size = m->content_size, .count = m->envelope->count, .hops = m->hops,
		.flags = (m->eight_bit ? JOURNAL_EIGHT_BIT : 0) | (m->utf8_header ? JOURNAL_UTF8_HEADER : 0), .name = text_of(m->origin) });
	ledger_get(r->setup->ledger, r->id)->files = 1;
}

static void done(struct disk_job *job)
{
	struct report *r = LIST_OF(job, struct report, job);

	if (r->error) {
		try_again(r);
		return;
	}
	assert(r->message);   /* what we wrote ourselves is a queue file */
	if (r->again)
		loop_timer_free(r->again);
	free(r->bytes);
	r->message->arrived = loop_wall(r->setup->loop);
	r->message->uid = r->setup->tree->uid;
	r->message->origin = mem_str("report");
	add_lines(r);
	commit_wait_for(r->setup->commit, r->batch, committed, r);
	commit_release(r->setup->commit, r->batch);
}

void report_start(const struct report_setup *setup, uint64_t id, const char *bytes, size_t n)
{
	struct report *r = mem_alloc(sizeof *r);

	r->job = (struct disk_job){ .work = work, .done = done };
	r->setup = setup;
	r->id = id;
	r->bytes = mem_strn(bytes, n);
	r->n = n;
	r->batch = commit_hold(setup->commit);
	run(r);
}
