#include "fake_spool_files.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "spool/journal/suspensions.h"

enum { JOURNAL_MAX = 64 * 1024 * 1024 };

/* A change that waits for its commit. */
struct change {
	struct list all;
	/* of spool_result; 'n' next, 'u' suspect, 'H' hold, 'S' suspend, 'w' warned, 'D' done, 'R' report, 'C'
	 * commit */
	char what;
	uint64_t id;
	size_t rcpt;
	int64_t value;
	char reason[200];
	void (*done)(void *arg);
	void *arg;
};

/* A load or an arrival on its way to the queue, or a report or an unwritten message on its way to the
 * disk. */
struct delivery {
	struct list all;
	uint64_t id;
	int fd;
	void (*reported)(void *arg);
	void (*written)(void *arg, int file);
	void (*done)(void *arg, uint64_t id, struct spool_message *);
	void *arg;
};

struct spool {
	struct loop *loop;
	const struct spool_events *events;
	void *arg;
	struct list changes, deliveries;
	struct loop_task work;
	struct loop_timer *again;     /* while the disk is full */
	bool started;
	int64_t offset;               /* wall clock minus boot clock, ms */
	void (*closed)(void *arg);
	void *closed_arg;
};

struct buf fake_journal = { .max = JOURNAL_MAX };
bool fake_spool_hold, fake_spool_paused, fake_spool_full, fake_spool_keeps = true;

static struct suspensions *suspended;
static uint64_t last_microsecond = UINT64_C(1700000000000000);

static void note(const char *what, uint64_t id, const char *rest)
{
	char name[QUEUE_ID_SIZE];

	buf_fmt(&fake_journal, "%s %s %s\n", what, id ? queue_id_print(id, name) : "-", rest);
}

static void deliver(struct spool *s, uint64_t id, void (*done)(void *arg, uint64_t id,
                                                               struct spool_message *), void *arg)
{
	struct delivery *d = mem_alloc(sizeof *d);

	*d = (struct delivery){ .id = id, .done = done, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
}

void fake_spool_arrive(struct spool *s, struct fake_file *f, int64_t age)
{
	f->arrived = loop_wall(s->loop) - age;
	deliver(s, f->id, NULL, NULL);
}

static struct change *change_new(struct spool *s, char what, uint64_t id)
{
	struct change *c = mem_alloc(sizeof *c);

	c->what = what;
	c->id = id;
	list_append(&s->changes, &c->all);
	return c;
}

static void report_written(struct spool *s, const struct delivery *d)
{
	struct fake_file *parent = fake_file(queue_id_parent(d->id));

	if (parent)
		parent->reports = queue_id_report(d->id) & ~(unsigned)QUEUE_ID_NOTICE;
	change_new(s, 'R', d->id);
	note("report", d->id, "");
	d->reported(d->arg);
}

static void file_written(const struct delivery *d, struct fake_file *f)
{
	char *read_back = mem_alloc(f->n);

	assert(f->unwritten && f->writing);
	assert(pread(d->fd, read_back, f->n, 0) == (ssize_t)f->n && memcmp(read_back, f->bytes, f->n) == 0);
	free(read_back);
	f->unwritten = f->writing = false;
	note("written", d->id, "");
	d->written(d->arg, fake_file_open(f));
}

static void hand_over(struct spool *s, struct delivery *d)
{
	struct fake_file *f = fake_file(d->id);
	struct spool_message *m = f && !d->written && !d->reported ? fake_file_message(f) : NULL;

	list_remove(&d->all);
	if (d->written)
		file_written(d, f);
	else if (d->reported)
		report_written(s, d);
	else if (d->done)
		d->done(d->arg, d->id, m);
	else if (m)
		s->events->arrived(s->arg, m);
	free(d);
}

/* --- commit --- */

static void apply(struct spool *s, struct change *c)
{
	struct fake_file *f = fake_file(c->id);

	if (c->what == 'C') {
		note("committed", 0, "");
		c->done(c->arg);
	} else if (c->what == 'S') {
		suspensions_apply(suspended, &(struct journal_line){ .kind = JOURNAL_SUSPEND,
			.count = c->value != 0, .name = text_of(c->reason) });
	} else if (!f) {
		return;
	} else if (c->what == 'D') {
		fake_spool_lose(c->id);
	} else if (c->what == 'R') {
		f->committed = true;
		deliver(s, c->id, NULL, NULL);
	} else if (c->what == 'n') {
		f->next = c->value;
		f->attempts = (unsigned)c->rcpt;
	} else if (c->what == 'H') {
		f->held = c->value;
	} else if (c->what == 'w') {
		f->warned = true;
	} else if (c->what == 'u') {
		f->suspect = (unsigned)c->value;
	} else if (c->what == 'd') {
		memcpy(f->reason, c->reason, sizeof f->reason);
	} else {
		assert(!(f->final[c->rcpt / 8] >> c->rcpt % 8 & 1));
		f->final[c->rcpt / 8] |= (uint8_t)(1u << c->rcpt % 8);
	}
}

static void run_commits(struct spool *s)
{
	struct list *l;

	while (!fake_spool_hold && (l = list_first(&s->changes))) {
		struct change *c = LIST_OF(l, struct change, all);

		if (c->what != 'C') {
			struct list *commit = l;

			while (commit != &s->changes && LIST_OF(commit, struct change, all)->what != 'C')
				commit = commit->next;
			if (commit == &s->changes)
				return;
		}
		list_remove(l);
		apply(s, c);
		free(c);
	}
}

static void tell_known(struct spool *s)
{
	struct fake_file *f;
	size_t cursor = 0;
	const char *name;

	while ((name = suspensions_next(suspended, &cursor)))
		s->events->suspended(s->arg, name);
	cursor = 0;
	while ((f = fake_file_next(&cursor))) {
		const struct spool_known k = {
			.id = f->id, .arrived = f->arrived, .uid = 1000, .size = f->n - f->content_at,
				.next = f->next, .attempts = f->attempts,
			.suspect = f->suspect, .count = f->count, .final = f->final, .final_bits = f->count,
				.reason = f->reason,
			.reports = f->reports, .held = f->held, .warned = f->warned,
		};

		if (f->unwritten)
			deliver(s, f->id, NULL, NULL);
		else
			s->events->known(s->arg, &k);
	}
	s->events->ready(s->arg);
}

static void wait_for_room(struct spool *s, struct list *delivery)
{
	list_remove(delivery);
	list_append(&s->deliveries, delivery);
	loop_timer_set(s->again, 1000);
}

static void work(void *arg)
{
	struct spool *s = arg;
	struct list *l, now;

	if (!s->started) {
		s->started = true;
		tell_known(s);
	}
	list_init(&now);
	while ((l = list_first(&s->deliveries))) {
		list_remove(l);
		list_append(&now, l);
	}
	while ((l = list_first(&now)))
		if (fake_spool_full && LIST_OF(l, struct delivery, all)->written)
			wait_for_room(s, l);
		else
			hand_over(s, LIST_OF(l, struct delivery, all));
	run_commits(s);
	if (s->closed) {
		void (*closed)(void *) = s->closed;

		s->closed = NULL;
		closed(s->closed_arg);
		return;
	}
	if (!list_empty(&s->changes) && fake_spool_hold)
		return;
	if (!list_empty(&s->deliveries) && !loop_timer_is_set(s->again))
		loop_later(s->loop, &s->work);
}

/* --- spool.h --- */

struct spool *spool_open(struct loop *loop, const struct spool_setup *setup,
                         const struct spool_events *events, void *arg, char **why,
                         int *exit_code)
{
	struct spool *s = mem_alloc(sizeof *s);

	(void)setup;
	(void)why;
	(void)exit_code;
	s->loop = loop;
	s->offset = loop_wall(loop) - loop_now(loop);
	s->events = events;
	s->arg = arg;
	list_init(&s->changes);
	list_init(&s->deliveries);
	if (!suspended)
		suspended = suspensions_new();
	s->work = (struct loop_task){ .fn = work, .arg = s };
	s->again = loop_timer_new(loop, work, s);
	note("open", 0, "");
	loop_later(loop, &s->work);
	return s;
}

void spool_close(struct spool *s, void (*closed)(void *arg), void *arg)
{
	s->closed = closed;
	s->closed_arg = arg;
	loop_later(s->loop, &s->work);
}

void spool_free(struct spool *s)
{
	LIST_EACH(l, &s->changes) {
		struct change *c = LIST_OF(l, struct change, all);

		if (c->what == 'R')
			fake_spool_lose(c->id);
		free(c);
	}
	LIST_EACH(l, &s->deliveries) {
		struct delivery *d = LIST_OF(l, struct delivery, all);

		if (d->reported)
			fake_spool_lose(d->id);
		if (d->written)
			fake_file(d->id)->writing = false;
		free(d);
	}
	loop_cancel(s->loop, &s->work);
	loop_timer_free(s->again);
	free(s);
}

void spool_reconfigure(struct spool *s, const struct spool_setup *setup)
{
	(void)s;
	(void)setup;
}

void spool_load(struct spool *s, uint64_t id, void (*done)(void *arg, uint64_t id, struct spool_message *),
                void *arg)
{
	deliver(s, id, done, arg);
}

void spool_result(struct spool *s, uint64_t id, const struct spool_result *r)
{
	struct change *c = change_new(s, r->status, id);
	struct fake_file *f = fake_file(id);
	char rest[400];

	assert(!f->writing);
	f->told = f->unwritten;
	c->rcpt = r->rcpt;
	snprintf(c->reason, sizeof c->reason, "%s", r->text);
	snprintf(rest, sizeof rest, "%zu %s %s", r->rcpt, r->dsn, r->text);
	note((char[]){ r->status, 0 }, id, rest);
}

void spool_next(struct spool *s, uint64_t id, int64_t when_wall, unsigned attempts)
{
	struct change *c = change_new(s, 'n', id);
	char rest[80];

	assert(!fake_file(id)->unwritten);
	c->value = when_wall;
	c->rcpt = attempts;
	snprintf(rest, sizeof rest, "%lld %u", (long long)when_wall, attempts);
	note("next", id, rest);
}

void spool_hold(struct spool *s, uint64_t id, bool held)
{
	change_new(s, 'H', id)->value = held;
	note("hold", id, held ? "1" : "0");
}

void spool_suspend(struct spool *s, const char *destination, bool on)
{
	struct change *c = change_new(s, 'S', 0);

	c->value = on;
	snprintf(c->reason, sizeof c->reason, "%s", destination);
	note(on ? "suspend" : "resume", 0, destination);
}

void spool_suspect(struct spool *s, uint64_t id, unsigned count)
{
	char rest[20];

	change_new(s, 'u', id)->value = count;
	snprintf(rest, sizeof rest, "%u", count);
	note("suspect", id, rest);
}

void spool_warned(struct spool *s, uint64_t id)
{
	assert(!fake_file(id)->unwritten);
	change_new(s, 'w', id);
	note("warned", id, "");
}

int64_t spool_clock_jump(struct spool *s)
{
	int64_t jump = loop_wall(s->loop) - loop_now(s->loop) - s->offset;

	s->offset += jump;
	if (jump)
		note("mark", 0, "");
	return jump;
}

void spool_done(struct spool *s, uint64_t id)
{
	change_new(s, 'D', id);
	assert(!fake_file(id)->writing);
	fake_file(id)->unwritten = fake_file(id)->told = false;
	note("done", id, "");
}

void spool_write(struct spool *s, uint64_t id, int fd, void (*written)(void *arg, int file), void *arg)
{
	struct delivery *d = mem_alloc(sizeof *d);

	assert(fake_file(id)->unwritten && !fake_file(id)->writing);
	fake_file(id)->writing = true;
	note("write", id, "");
	*d = (struct delivery){ .id = id, .fd = fd, .written = written, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
}

void spool_report(struct spool *s, uint64_t id, const char *bytes, size_t n, uint64_t content_at,
                  void (*written)(void *arg), void *arg)
{
	struct fake_file *f = fake_file_new(id, bytes, n, content_at);
	struct delivery *d = mem_alloc(sizeof *d);

	f->arrived = loop_wall(s->loop);
	*d = (struct delivery){ .id = id, .reported = written, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
}

void spool_commit(struct spool *s, void (*done)(void *arg), void *arg)
{
	struct change *c = change_new(s, 'C', 0);
	struct fake_file *f;
	size_t cursor = 0;

	while ((f = fake_file_next(&cursor)))
		assert(!f->told);
	c->done = done;
	c->arg = arg;
	note("commit", 0, "");
	loop_later(s->loop, &s->work);
}

void spool_hurry(struct spool *s)
{
	(void)s;
}

void spool_state(const struct spool *s, struct spool_state *out)
{
	(void)s;
	*out = (struct spool_state){ .free_bytes = 1 << 30, .intake_stopped = fake_spool_full };
}

void spool_history(struct spool *s, uint64_t id, void (*told)(void *arg, const char *lines), void *arg)
{
	(void)s;
	(void)id;
	told(arg, "in\n");
}

void spool_intake_pause(struct spool *s, bool paused)
{
	(void)s;
	fake_spool_paused = paused;
}

void spool_intake_fair(struct spool *s, bool fair)
{
	(void)s;
	fake_spool_paused = fair;
}

void spool_intake_unwritten(struct spool *s, bool allowed)
{
	(void)s;
	fake_spool_keeps = allowed;
}

uint64_t spool_new_id(struct spool *s)
{
	(void)s;
	return queue_id_make(++last_microsecond, 0);
}
