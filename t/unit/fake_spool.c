#include "fake_spool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "format/queue_id.h"
#include "spool/suspensions.h"

enum { RCPTS_MAX = 4096, JOURNAL_MAX = 64 * 1024 * 1024 };

struct file {
	uint64_t id;
	char *bytes, *drop_name;
	size_t n;
	uint64_t content_at;
	int64_t arrived, next;
	unsigned attempts, suspect, reports, hops;
	bool held, warned;
	size_t count;
	uint8_t final[RCPTS_MAX / 8];
	char reason[200];
	bool committed;               /* a report is there only after its batch */
	bool unwritten;               /* the next start takes it in anew … */
	bool told;                    /* … so nothing may be committed about it that is not its end … */
	bool writing;                 /* … and nothing at all now */
};

/* A change that waits for its commit. */
struct change {
	struct list all;
	/* of spool_result; 'n' next, 'u' suspect, 'H' hold, 'S' suspend, 'w' warned, 'D' done, 'R' report, 'C' commit */
	char what;
	uint64_t id;
	size_t rcpt;
	int64_t value;
	char reason[200];
	void (*done)(void *arg);
	void *arg;
};

/* A load or an arrival on its way to the queue, or a report or an unwritten message on its way to the disk. */
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

struct fake_spool_next fake_spool_next;
struct buf fake_journal = { .max = JOURNAL_MAX };
bool fake_spool_hold, fake_spool_paused, fake_spool_full, fake_spool_keeps = true;
unsigned fake_spool_loads;

static struct idmap *files;
static struct suspensions *suspended;
static uint64_t last_microsecond = UINT64_C(1700000000000000);

static struct file *file_of(uint64_t id)
{
	return files ? idmap_get(files, id) : NULL;
}

static void note(const char *what, uint64_t id, const char *rest)
{
	char name[QUEUE_ID_SIZE];

	buf_fmt(&fake_journal, "%s %s %s\n", what, id ? queue_id_print(id, name) : "-", rest);
}

static struct file *file_new(uint64_t id, const char *bytes, size_t n, uint64_t content_at)
{
	struct file *f = mem_alloc(sizeof *f);

	if (!files)
		files = idmap_new();
	f->id = id;
	f->bytes = mem_strn(bytes, n);
	f->n = n;
	f->content_at = content_at;
	idmap_put(files, id, f);
	return f;
}

void fake_spool_lose(uint64_t id)
{
	struct file *f = idmap_take(files, id);

	free(f->bytes);
	free(f->drop_name);
	free(f);
}

/* --- reading --- */

static struct envelope *parse(const struct file *f)
{
	struct envelope *e = envelope_new();
	struct text from = text_make(f->bytes, (size_t)f->content_at), line;
	const char *why = NULL;

	while (text_until(&from, '\n', &line)) {
		line.n--;
		if (text_starts_nocase(line, "MAIL"))
			assert(envelope_mail(e, text_make(line.p + 4, line.n - 4), &why));
		else if (text_starts_nocase(line, "RCPT"))
			assert(envelope_rcpt(e, text_make(line.p + 4, line.n - 4), RCPTS_MAX, &why));
	}
	return e;
}

static int open_file(const struct file *f)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	assert(write(fd, f->bytes, f->n) == (ssize_t)f->n);
	return fd;
}

static struct spool_message *open_message(struct file *f)
{
	struct spool_message *m = mem_alloc(sizeof *m);

	m->id = f->id;
	m->envelope = parse(f);
	f->count = m->envelope->count;
	m->content_at = f->content_at;
	m->content_size = f->n - f->content_at;
	m->arrived = f->arrived;
	m->uid = 1000;
	m->hops = f->hops;
	m->message_id = mem_str("<fake@test>");
	m->drop_name = f->drop_name;
	m->unwritten = f->unwritten;
	m->fd = open_file(f);
	fake_spool_loads++;
	return m;
}

void spool_message_free(struct spool_message *m)
{
	if (!m)
		return;
	envelope_free(m->envelope);
	free(m->message_id);
	free(m->origin);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

static void deliver(struct spool *s, uint64_t id, void (*done)(void *arg, uint64_t id,
                                                               struct spool_message *), void *arg)
{
	struct delivery *d = mem_alloc(sizeof *d);

	*d = (struct delivery){ .id = id, .done = done, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
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
	struct file *parent = file_of(queue_id_parent(d->id));

	if (parent)
		parent->reports = queue_id_report(d->id) & ~(unsigned)QUEUE_ID_NOTICE;
	change_new(s, 'R', d->id);
	note("report", d->id, "");
	d->reported(d->arg);
}

static void file_written(const struct delivery *d, struct file *f)
{
	char *read_back = mem_alloc(f->n);

	assert(f->unwritten && f->writing);
	assert(pread(d->fd, read_back, f->n, 0) == (ssize_t)f->n && memcmp(read_back, f->bytes, f->n) == 0);
	free(read_back);
	f->unwritten = f->writing = false;
	note("written", d->id, "");
	d->written(d->arg, open_file(f));
}

static void hand_over(struct spool *s, struct delivery *d)
{
	struct file *f = file_of(d->id);
	struct spool_message *m = f && !d->written && !d->reported ? open_message(f) : NULL;

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
	struct file *f = file_of(c->id);

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
	struct file *f;
	size_t cursor = 0;
	const char *name;

	while ((name = suspensions_next(suspended, &cursor)))
		s->events->suspended(s->arg, name);
	cursor = 0;
	while (files && (f = idmap_next(files, &cursor))) {
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
			file_of(d->id)->writing = false;
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
	struct file *f = file_of(id);
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

	assert(!file_of(id)->unwritten);
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
	assert(!file_of(id)->unwritten);
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
	assert(!file_of(id)->writing);
	file_of(id)->unwritten = file_of(id)->told = false;
	note("done", id, "");
}

void spool_write(struct spool *s, uint64_t id, int fd, void (*written)(void *arg, int file), void *arg)
{
	struct delivery *d = mem_alloc(sizeof *d);

	assert(file_of(id)->unwritten && !file_of(id)->writing);
	file_of(id)->writing = true;
	note("write", id, "");
	*d = (struct delivery){ .id = id, .fd = fd, .written = written, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
}

void spool_report(struct spool *s, uint64_t id, const char *bytes, size_t n, uint64_t content_at,
                  void (*written)(void *arg), void *arg)
{
	struct file *f = file_new(id, bytes, n, content_at);
	struct delivery *d = mem_alloc(sizeof *d);

	f->arrived = loop_wall(s->loop);
	*d = (struct delivery){ .id = id, .reported = written, .arg = arg };
	list_append(&s->deliveries, &d->all);
	loop_later(s->loop, &s->work);
}

void spool_commit(struct spool *s, void (*done)(void *arg), void *arg)
{
	struct change *c = change_new(s, 'C', 0);
	struct file *f;
	size_t cursor = 0;

	while (files && (f = idmap_next(files, &cursor)))
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

/* --- for tests --- */

uint64_t fake_spool_drop(struct spool *s, const char *sender, const char *const *rcpts, size_t count,
                         const char *content)
{
	const struct fake_spool_next *n = &fake_spool_next;
	struct buf b;
	struct file *f;
	size_t content_at;

	buf_init(&b, 64 * 1024 * 1024);
	buf_fmt(&b, "MAIL FROM:<%s>%s%s\r\n", sender, n->mail_params ? " " : "", n->mail_params
	        ? n->mail_params : "");
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "RCPT TO:<%s>%s%s\r\n", rcpts[i], n->rcpt_params ? " " : "", n->rcpt_params
		        ? n->rcpt_params : "");
	buf_str(&b, "DATA\r\n");
	content_at = b.len;
	buf_fmt(&b, "%s.\r\n", content);
	f = file_new(spool_new_id(s), b.data, b.len, content_at);
	f->arrived = loop_wall(s->loop) - n->age;
	f->hops = n->hops;
	f->drop_name = mem_str(n->drop_name);
	f->count = count;
	f->unwritten = n->unwritten && fake_spool_keeps;
	buf_free(&b);
	deliver(s, f->id, NULL, NULL);
	return f->id;
}

size_t fake_spool_count(void)
{
	return files ? idmap_count(files) : 0;
}

const char *fake_spool_file(uint64_t id)
{
	const struct file *f = file_of(id);

	return f ? f->bytes : NULL;
}
