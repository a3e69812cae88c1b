#include "spool/journal/commit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/disk/pace.h"
#include "spool/journal/clocks.h"
#include "spool/journal/rewrite.h"

/* A batch grows only while the disk is busy or refuses; this is some millions of lines. */
enum { LINES_MAX = 1 << 30 };

/* Mostly nobody but the log waits for a commit, and each costs more than the results of the few ms that it
 * may wait for. */
enum { REST_MS = 10 };

enum { JUMP_MS = 1000 };               /* no clock runs so differently by itself */

struct waiter {
	struct list link;
	void (*done)(void *arg);
	void *arg;
};

/* Files that are to go. */
struct removals {
	struct removal *all;
	size_t count, room;
};

struct batch {
	struct buf lines;
	struct list waiters;
	struct removals removals;
};

struct commit {
	struct commit_setup setup;
	struct journal journal;    /* a disk thread's while a batch runs */
	uint64_t journal_bytes;
	struct rewrite *rewrite;
	struct pace pace;
	struct batch *open, *running;
	struct removals finished;  /* they go with the next commit_tell */
	bool urgent;               /* somebody minds when the open batch is committed */
	bool broken;               /* nothing is known about the journal's end */
	uint64_t high;             /* the last high line's */
	int64_t offset;            /* wall clock minus boot clock in the last line of kind time, ms */
	bool timed;                /* there was one */
	int64_t jumped;            /* how far the wall clock was set, ms, since somebody asked */
	size_t batches;
	/* for the disk thread */
	struct disk_job job;
	struct buf printed;        /* the whole journal, when it is printed from memory */
	struct journal_new *replacement;
	struct journal_new anew;
	int error;
};

static struct batch *batch_new(void)
{
	struct batch *b = mem_alloc(sizeof *b);

	buf_init(&b->lines, LINES_MAX);
	list_init(&b->waiters);
	return b;
}

static void batch_free(struct batch *b)
{
	if (!b)
		return;
	LIST_EACH(at, &b->waiters)
		free(LIST_OF(at, struct waiter, link));
	buf_free(&b->lines);
	free(b->removals.all);
	free(b);
}

static struct text text_in(const struct buf *b)
{
	return text_make(b->data, b->len);
}

/* ---- in a disk thread ---- */

static int print_anew(struct commit *c)
{
	int dir = c->setup.parts->tree->queue, error;

	error = journal_new_begin(&c->anew, &(struct journal){ .dir = dir, .fd = -1 });
	if (error)
		return error;
	/* the batch's lines first, for their texts: what is printed says where all that has led to */
	error = journal_new_add(&c->anew, dir, text_in(&c->running->lines));
	if (!error)
		error = journal_new_add(&c->anew, dir, text_in(&c->printed));
	if (!error)
		return journal_new_finish(&c->anew, &c->journal);
	journal_new_drop(&c->anew, dir);
	return error;
}

static int finish_rewriting(struct commit *c, char *room)
{
	int dir = c->setup.parts->tree->queue, error;

	error = journal_new_copy(c->replacement, dir, c->journal.size, NULL, NULL, room);
	if (!error)
		error = journal_new_add(c->replacement, dir, text_in(&c->running->lines));
	if (!error)
		return journal_new_finish(c->replacement, &c->journal);
	journal_new_drop(c->replacement, dir);
	return error;
}

static void work(struct disk_job *job, char *room)
{
	struct commit *c = LIST_OF(job, struct commit, job);
	struct batch *b = c->running;

	if (c->broken)
		c->error = print_anew(c);
	else if (c->replacement)
		c->error = finish_rewriting(c, room);
	else
		c->error = b->lines.len ? journal_append(&c->journal, text_in(&b->lines)) : 0;
}

/* ---- in the loop ---- */

static void ask(struct commit *c)
{
	c->urgent = true;
	pace_ask(&c->pace);
}

static void print_memory(struct commit *c)
{
	struct journal_line now;
	char boot_id[CLOCKS_BOOT_ID];

	rewrite_cancel(c->rewrite);
	buf_clear(&c->printed);
	rewrite_print_high(c->setup.parts->ids, &c->printed);
	clocks_line(c->setup.parts->loop, &now, boot_id);
	ledger_print(c->setup.parts->ledger, &now, &c->printed);
}

static void launch(struct commit *c)
{
	c->replacement = NULL;
	if (c->broken)
		print_memory(c);
	else
		c->replacement = rewrite_take(c->rewrite);
	disk_run(c->setup.parts->disk, DISK_RESULTS, &c->job);
}

static void start(void *arg)
{
	struct commit *c = arg;

	if (!c->running) {
		c->running = c->open;
		c->open = batch_new();
		c->urgent = false;
	}
	launch(c);
}

static void failed(struct commit *c)
{
	if (!c->broken)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue/journal: cannot be written: %s; results are kept in memory and no mail is "
			"removed until a new journal is on the disk, trying again", c->setup.parts->tree->path,
			strerror(c->error));
	c->broken = true;
	/* the first attempt to print it anew comes at once */
	if (c->pace.failures == 0)
		c->pace.failures = 1, launch(c);
	else
		pace_failed(&c->pace);
}

static void tell(struct batch *b)
{
	LIST_EACH(at, &b->waiters) {
		struct waiter *w = LIST_OF(at, struct waiter, link);

		list_remove(at);
		w->done(w->arg);
		free(w);
	}
}

static void done(struct disk_job *job)
{
	struct commit *c = LIST_OF(job, struct commit, job);
	struct batch *b = c->running;

	if (c->error) {
		failed(c);
		return;
	}
	if (c->broken)
		log_line(LOG_LEVEL_INFO, "qmgr", NULL, "%s/queue/journal: a new journal is on the disk",
			c->setup.parts->tree->path);
	c->broken = false;
	buf_free(&c->printed);
	c->running = NULL;
	c->batches++;
	c->journal_bytes = c->journal.size;
	pace_ended(&c->pace);
	if (c->urgent)                        /* what was asked for while this batch failed and was tried again */
		pace_ask(&c->pace);
	rewrite_consider(c->rewrite, &c->journal);
	tell(b);
	/* once its file has gone the log alone says what became of a message */
	log_flush();
	remover_add(c->setup.parts->remover, b->removals.all, b->removals.count);
	batch_free(b);
}

static void rewriting_ready(void *arg)
{
	struct commit *c = arg;

	ask(c);
}

static uint64_t oldest_claim(void *arg)
{
	const struct commit *c = arg;

	return c->setup.oldest_claim(c->setup.arg);
}

struct commit *commit_new(const struct commit_setup *setup, const struct journal *journal)
{
	struct commit *c = mem_alloc(sizeof *c);

	c->setup = *setup;
	c->journal = *journal;
	c->journal_bytes = journal->size;
	c->open = batch_new();
	c->job = (struct disk_job){ .work = work, .done = done };
	buf_init(&c->printed, SIZE_MAX / 2);
	pace_init(&c->pace, setup->parts->loop, REST_MS, start, c);
	c->rewrite = rewrite_new(&(struct rewrite_setup){ .parts = setup->parts, .oldest_claim = oldest_claim,
		.ready = rewriting_ready, .arg = c });
	return c;
}

void commit_free(struct commit *c)
{
	if (!c)
		return;
	pace_clear(&c->pace);
	rewrite_free(c->rewrite);
	journal_close(&c->journal);
	batch_free(c->open);
	batch_free(c->running);
	free(c->finished.all);
	buf_free(&c->printed);
	free(c);
}

/* Times behind the jump of a clock must not be shifted by it. */
static void watch_clock(struct commit *c)
{
	int64_t jump = loop_wall(c->setup.parts->loop) - loop_now(c->setup.parts->loop) - c->offset;
	char boot_id[CLOCKS_BOOT_ID];
	struct journal_line now;

	if (!c->timed || (jump < JUMP_MS && jump > -JUMP_MS))
		return;
	c->jumped += jump;
	clocks_line(c->setup.parts->loop, &now, boot_id);
	commit_line(c, &now);
}

int64_t commit_clock_jump(struct commit *c)
{
	int64_t jumped;

	watch_clock(c);
	jumped = c->jumped;
	c->jumped = 0;
	return jumped;
}

void commit_line(struct commit *c, const struct journal_line *line)
{
	struct buf *lines = &c->open->lines;
	size_t before;

	if (line->kind == JOURNAL_TIME) {
		c->offset = line->time - line->boot;
		c->timed = true;
	} else {
		watch_clock(c);
	}

	if (line->id > c->high)
		c->high = rewrite_print_high(c->setup.parts->ids, lines);
	before = lines->len;
	journal_line_print(line, lines);
	assert(!lines->over);
	ledger_apply(c->setup.parts->ledger, line, lines->len - before);
	ask(c);
}

static void removals_add(struct removals *r, const struct removal *more, size_t n)
{
	while (r->room < r->count + n) {
		r->room = r->room ? 2 * r->room : 16;
		r->all = mem_grow(r->all, r->room, sizeof r->all[0]);
	}
	for (size_t i = 0; i < n; i++)
		r->all[r->count++] = more[i];
}

void commit_remove(struct commit *c, const struct removal *removal)
{
	removals_add(&c->open->removals, removal, 1);
	ask(c);
}

void commit_finish(struct commit *c, const struct removal *removal)
{
	removals_add(&c->finished, removal, 1);
}

void commit_wait(struct commit *c, void (*done_fn)(void *arg), void *arg)
{
	struct waiter *w = mem_alloc(sizeof *w);

	w->done = done_fn;
	w->arg = arg;
	list_append(&c->open->waiters, &w->link);
	ask(c);
}

void commit_tell(struct commit *c, void (*done_fn)(void *arg), void *arg)
{
	removals_add(&c->open->removals, c->finished.all, c->finished.count);
	c->finished.count = 0;
	commit_wait(c, done_fn, arg);
}

void commit_hurry(struct commit *c)
{
	pace_hurry(&c->pace);
}

void commit_gone(struct commit *c, struct ledger_message *m)
{
	rewrite_gone(c->rewrite, m);
	if (rewrite_pays(c->rewrite, c->journal_bytes))
		ask(c);
}

bool commit_idle(const struct commit *c)
{
	return !c->running && !c->urgent;
}

uint64_t commit_journal_bytes(const struct commit *c)
{
	return c->journal_bytes;
}

size_t commit_batches(const struct commit *c)
{
	return c->batches;
}
