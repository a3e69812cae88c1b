#include "spool_world.h"

#include "spool/disk/names.h"

/* ---- files ---- */

const char *world_path(const struct world *w, const char *name)
{
	static char path[4][WORLD_PATH + 300];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof path[0], "%s/%s", w->dir, name);
	return out;
}

void world_write(const struct world *w, const char *name, const char *bytes, size_t n)
{
	FILE *f = fopen(world_path(w, name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

char *world_read(const struct world *w, const char *name, size_t *n)
{
	FILE *f = fopen(world_path(w, name), "r");
	char *bytes = mem_alloc(1 << 20);

	*n = 0;
	if (!f) {
		free(bytes);
		return NULL;
	}
	*n = fread(bytes, 1, (1 << 20) - 1, f);
	fclose(f);
	return bytes;
}

bool world_exists(const struct world *w, const char *name)
{
	struct stat st;

	return lstat(world_path(w, name), &st) == 0;
}

void world_drop(const struct world *w, const char *name, const char *text)
{
	char tmp[300], fresh[300];

	snprintf(tmp, sizeof tmp, "drop/tmp/%s", name);
	snprintf(fresh, sizeof fresh, "drop/new/%s", name);
	world_write(w, tmp, text, strlen(text));
	ck_assert_int_eq(rename(world_path(w, tmp), world_path(w, fresh)), 0);
}

void world_drop_old(const struct world *w, const char *name, const char *text)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	char tmp[300], fresh[300];

	snprintf(tmp, sizeof tmp, "drop/tmp/%s", name);
	snprintf(fresh, sizeof fresh, "drop/new/%s", name);
	world_write(w, tmp, text, strlen(text));
	ck_assert_int_eq(utimensat(AT_FDCWD, world_path(w, tmp), long_ago, 0), 0);
	ck_assert_int_eq(rename(world_path(w, tmp), world_path(w, fresh)), 0);
}

size_t world_count(const struct world *w, const char *directory, const char *ending)
{
	DIR *d = opendir(world_path(w, directory));
	struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		size_t length = strlen(e->d_name), end = strlen(ending);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && length >= end
			&& strcmp(e->d_name + length - end, ending) == 0)
			n++;
	}
	closedir(d);
	return n;
}

size_t world_messages(const struct world *w)
{
	DIR *d = opendir(world_path(w, "queue"));
	struct dirent *e;
	uint64_t id;
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		n += queue_id_parse(e->d_name, strlen(e->d_name), &id);
	closedir(d);
	return n;
}

/* ---- the receiver ---- */

static void world_keep(struct world *w, struct spool_message *m)
{
	ck_assert_uint_lt(w->arrived_count, WORLD_MAX);
	w->arrived[w->arrived_count++] = m;
	loop_stop(w->loop);
}

static void world_written(void *arg, int file)
{
	struct world_writing *writing = arg;

	ck_assert_int_ge(file, 0);
	close(writing->message->fd);
	writing->message->fd = file;
	writing->message->unwritten = false;
	world_keep(writing->world, writing->message);
	writing->message = NULL;
}

/* Most tests want the queue file. */
static void world_arrived(void *arg, struct spool_message *m)
{
	struct world *w = arg;
	struct world_writing *writing = &w->writings[w->writing_count];

	if (!m->unwritten || w->keeps) {
		world_keep(w, m);
		return;
	}
	ck_assert_uint_lt(w->writing_count++, WORLD_MAX);
	*writing = (struct world_writing){ w, m };
	spool_write(w->spool, m->id, m->fd, world_written, writing);
}

void world_refused(void *arg, uint64_t id, const char *name, uid_t uid, const char *reason)
{
	struct world *w = arg;

	(void)id, (void)uid;
	if (w->refused_count < 64) {
		snprintf(w->refused[w->refused_count].name, sizeof w->refused[0].name, "%s", name);
		snprintf(w->refused[w->refused_count].reason, sizeof w->refused[0].reason, "%s", reason);
	}
	w->refused_count++;
	loop_stop(w->loop);
}

static void world_known(void *arg, const struct spool_known *known)
{
	struct world *w = arg;
	struct world_known *k = &w->known[w->known_count < 63 ? w->known_count : 63];

	w->known_count++;
	k->known = *known;
	memcpy(k->final, known->final, known->final_bits / 8 < 16 ? known->final_bits / 8 : 16);
	snprintf(k->reason, sizeof k->reason, "%s", known->reason);
	loop_stop(w->loop);
}

void world_ready(void *arg)
{
	struct world *w = arg;

	w->ready = true;
	loop_stop(w->loop);
}

void world_corrupt(void *arg, uint64_t id, const char *reason)
{
	struct world *w = arg;

	(void)id, (void)reason;
	w->corrupt_count++;
}

static void world_closed(void *arg)
{
	struct world *w = arg;

	w->closed = true;
	loop_stop(w->loop);
}

static void world_committed(void *arg)
{
	struct world *w = arg;

	w->committed++;
	loop_stop(w->loop);
}

void world_loaded(void *arg, uint64_t id, struct spool_message *m)
{
	struct world *w = arg;

	(void)id;
	w->loaded = m;
	w->load_done = true;
	loop_stop(w->loop);
}

static void world_out_of_patience(void *arg)
{
	(void)arg;
	ck_abort_msg("what was waited for did not happen");
}

static void world_poll(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

/* ---- life ---- */

struct world *world_new(void)
{
	struct world *w = mem_alloc(sizeof *w);
	const char *base = getenv("TMPDIR");

	snprintf(w->dir, sizeof w->dir, "%s/causeway-spool-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	ck_assert_int_eq(chmod(w->dir, 0755), 0);
	w->setup = (struct spool_setup){ .directory = w->dir, .rcpt_limit = 1000, .threads = 4,
		.minimum_free = 1 };
	return w;
}

static void world_forget(struct world *w)
{
	for (size_t i = 0; i < w->arrived_count; i++)
		spool_message_free(w->arrived[i]);
	for (size_t i = 0; i < w->writing_count; i++)
		spool_message_free(w->writings[i].message);
	w->writing_count = 0;
	w->arrived_count = w->known_count = w->refused_count = w->corrupt_count = w->committed = 0;
	spool_message_free(w->loaded);
	w->loaded = NULL;
	w->ready = w->closed = w->load_done = false;
	w->pending = 0;
}

void world_begin(struct world *w, const struct spool_events *other)
{
	static const struct spool_events events = { .arrived = world_arrived, .refused = world_refused,
		.known = world_known,
		.ready = world_ready, .corrupt = world_corrupt };
	char *why = NULL;
	int code = 0;

	world_forget(w);
	w->loop = loop_new();
	w->patience = loop_timer_new(w->loop, world_out_of_patience, NULL);
	w->poll = loop_timer_new(w->loop, world_poll, w);
	w->spool = spool_open(w->loop, &w->setup, other ? other : &events, w, &why, &code);
	ck_assert_msg(w->spool != NULL, "%d: %s", code, why ? why : "");
}

void world_open(struct world *w)
{
	world_begin(w, NULL);
	world_wait(w, w->ready);
}

void world_close(struct world *w)
{
	spool_close(w->spool, world_closed, w);
	world_wait(w, w->closed);
	spool_free(w->spool);
	loop_timer_free(w->patience);
	loop_timer_free(w->poll);
	loop_free(w->loop);
	w->spool = NULL;
}

void world_commit(struct world *w)
{
	size_t before = w->committed;

	spool_commit(w->spool, world_committed, w);
	world_wait(w, w->committed > before);
}

void world_free(struct world *w)
{
	char command[WORLD_PATH + 20];

	if (w->spool)
		world_close(w);
	world_forget(w);
	snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
	ck_assert_int_eq(system(command), 0);
	free(w);
}

/* ---- unwritten messages ---- */

char *world_text(size_t content, size_t rcpts)
{
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_str(&b, "MAIL FROM:<a@example.org>\n");
	for (size_t i = 0; i < rcpts; i++)
		buf_fmt(&b, "RCPT TO:<recipient%zu@example.org>\n", i);
	buf_str(&b, "DATA\n");
	for (size_t i = 0; i < content; i++)
		buf_str(&b, i % 64 == 63 ? "\n" : "x");
	buf_str(&b, "\n.\n");
	return b.data;
}

static const struct spool_result sent = { .status = 's', .dsn = "2.0.0", .peer = "p", .text = "ok",
	.when = 1 };

struct world *world_keeping(void)
{
	struct world *w = world_new();

	w->keeps = true;
	world_open(w);
	world_commit(w);
	return w;
}

bool world_has(const struct world *w, uint64_t id, bool drop)
{
	char file[NAMES_SIZE], path[NAMES_SIZE + 10];

	snprintf(path, sizeof path, "queue/%s", drop ? names_drop(id, 0, file) : names_message(id, file));
	return world_exists(w, path);
}

struct spool_message *world_arrive(struct world *w, const char *text)
{
	size_t before = w->arrived_count;

	world_drop(w, "1", text);
	world_wait(w, w->arrived_count > before);
	return w->arrived[before];
}

/* The one that is being written: a test writes one at a time. */
static struct { struct world *world; struct spool_message *message; } writing;

static void written(void *arg, int file)
{
	struct spool_message *m = writing.message;

	(void)arg;
	ck_assert_int_ge(file, 0);
	close(m->fd);
	m->fd = file;
	m->unwritten = false;
	loop_stop(writing.world->loop);
}

void world_begin_writing(struct world *w, struct spool_message *m)
{
	writing.world = w;
	writing.message = m;
	spool_write(w->spool, m->id, m->fd, written, NULL);
}

void world_write_out(struct world *w, struct spool_message *m)
{
	world_begin_writing(w, m);
	world_wait(w, !m->unwritten && !world_has(w, m->id, true));
}

void world_finish(struct world *w, uint64_t id)
{
	spool_result(w->spool, id, &sent);
	spool_done(w->spool, id);
}

void world_reopen(struct world *w)
{
	world_close(w);
	world_open(w);
}
