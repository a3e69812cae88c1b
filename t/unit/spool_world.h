/*
 * A spool in a directory of its own, with a receiver that remembers what it was told: what the tests of the
 * spool have in common. world_wait runs the loop until something is so; it fails the test after half a minute.
 */
#ifndef CAUSEWAY_UNIT_SPOOL_WORLD_H
#define CAUSEWAY_UNIT_SPOOL_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/queue_id.h"
#include "spool/spool.h"

#include "unit.h"

enum { WORLD_MAX = 20000, WORLD_PATH = 512, WORLD_PATIENCE_MS = 30000 };

struct world_known {
	struct spool_known known;
	uint8_t final[16];
	char reason[200];
};

struct world {
	char dir[WORLD_PATH];
	struct loop *loop;
	struct loop_timer *patience, *poll;
	struct spool_setup setup;
	struct spool *spool;
	bool keeps;                    /* leaves unwritten what arrives unwritten */
	struct spool_message *arrived[WORLD_MAX];
	size_t arrived_count;
	struct world_writing { struct world *world; struct spool_message *message; } writings[WORLD_MAX];
	size_t writing_count;
	struct world_known known[64];
	size_t known_count;
	struct { char name[300], reason[1200]; } refused[64];
	size_t refused_count;
	size_t corrupt_count, committed;
	bool ready, closed;
	size_t pending;                /* for the test's own count */
	struct spool_message *loaded;
	bool load_done;
};

/* ---- files ---- */

static inline const char *world_path(const struct world *w, const char *name)
{
	static char path[4][WORLD_PATH + 300];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof path[0], "%s/%s", w->dir, name);
	return out;
}

static inline void world_write(const struct world *w, const char *name, const char *bytes, size_t n)
{
	FILE *f = fopen(world_path(w, name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

/* The file's content with a NUL behind it, or NULL; free() it. */
static inline char *world_read(const struct world *w, const char *name, size_t *n)
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

static inline bool world_exists(const struct world *w, const char *name)
{
	struct stat st;

	return lstat(world_path(w, name), &st) == 0;
}

/* Drops a file the way a producer does. */
static inline void world_drop(const struct world *w, const char *name, const char *text)
{
	char tmp[300], fresh[300];

	snprintf(tmp, sizeof tmp, "drop/tmp/%s", name);
	snprintf(fresh, sizeof fresh, "drop/new/%s", name);
	world_write(w, tmp, text, strlen(text));
	ck_assert_int_eq(rename(world_path(w, tmp), world_path(w, fresh)), 0);
}

/* The same for one that was finished long ago, so that nobody waits for its end. */
static inline void world_drop_old(const struct world *w, const char *name, const char *text)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	char tmp[300], fresh[300];

	snprintf(tmp, sizeof tmp, "drop/tmp/%s", name);
	snprintf(fresh, sizeof fresh, "drop/new/%s", name);
	world_write(w, tmp, text, strlen(text));
	ck_assert_int_eq(utimensat(AT_FDCWD, world_path(w, tmp), long_ago, 0), 0);
	ck_assert_int_eq(rename(world_path(w, tmp), world_path(w, fresh)), 0);
}

/* How many files of the directory have a name that ends so ("": all but . and .. ). */
static inline size_t world_count(const struct world *w, const char *directory, const char *ending)
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

/* Files in queue/ whose names are ids. */
static inline size_t world_messages(const struct world *w)
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

static inline void world_keep(struct world *w, struct spool_message *m)
{
	ck_assert_uint_lt(w->arrived_count, WORLD_MAX);
	w->arrived[w->arrived_count++] = m;
	loop_stop(w->loop);
}

static inline void world_written(void *arg, int file)
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
static inline void world_arrived(void *arg, struct spool_message *m)
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

static inline void world_refused(void *arg, uint64_t id, const char *name, uid_t uid, const char *reason)
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

static inline void world_known(void *arg, const struct spool_known *known)
{
	struct world *w = arg;
	struct world_known *k = &w->known[w->known_count < 63 ? w->known_count : 63];

	w->known_count++;
	k->known = *known;
	memcpy(k->final, known->final, known->final_bits / 8 < 16 ? known->final_bits / 8 : 16);
	snprintf(k->reason, sizeof k->reason, "%s", known->reason);
	loop_stop(w->loop);
}

static inline void world_ready(void *arg)
{
	struct world *w = arg;

	w->ready = true;
	loop_stop(w->loop);
}

static inline void world_corrupt(void *arg, uint64_t id, const char *reason)
{
	struct world *w = arg;

	(void)id, (void)reason;
	w->corrupt_count++;
}

static inline void world_closed(void *arg)
{
	struct world *w = arg;

	w->closed = true;
	loop_stop(w->loop);
}

static inline void world_committed(void *arg)
{
	struct world *w = arg;

	w->committed++;
	loop_stop(w->loop);
}

static inline void world_loaded(void *arg, uint64_t id, struct spool_message *m)
{
	struct world *w = arg;

	(void)id;
	w->loaded = m;
	w->load_done = true;
	loop_stop(w->loop);
}

static inline void world_out_of_patience(void *arg)
{
	(void)arg;
	ck_abort_msg("what was waited for did not happen");
}

static inline void world_poll(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

/* Runs the loop until the condition holds; it is looked at after each event and every few milliseconds, for
 * what no event tells. */
#define world_wait(w, condition) \
	do { \
		loop_timer_set((w)->patience, WORLD_PATIENCE_MS); \
		while (!(condition)) { \
			loop_timer_set((w)->poll, 5); \
			loop_run((w)->loop); \
		} \
		loop_timer_stop((w)->patience); \
		loop_timer_stop((w)->poll); \
	} while (0)

/* ---- life ---- */

/* An empty directory; the spool in it is not open yet. */
static inline struct world *world_new(void)
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

static inline void world_forget(struct world *w)
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

/* Opens the spool; does not wait for it to be ready. */
static inline void world_begin(struct world *w)
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
	w->spool = spool_open(w->loop, &w->setup, &events, w, &why, &code);
	ck_assert_msg(w->spool != NULL, "%d: %s", code, why ? why : "");
}

static inline void world_open(struct world *w)
{
	world_begin(w);
	world_wait(w, w->ready);
}

/* Ends the spool in good order; what was told can still be looked at. */
static inline void world_close(struct world *w)
{
	spool_close(w->spool, world_closed, w);
	world_wait(w, w->closed);
	spool_free(w->spool);
	loop_timer_free(w->patience);
	loop_timer_free(w->poll);
	loop_free(w->loop);
	w->spool = NULL;
}

static inline void world_commit(struct world *w)
{
	size_t before = w->committed;

	spool_commit(w->spool, world_committed, w);
	world_wait(w, w->committed > before);
}

/* Closes if need be, and removes the directory. */
static inline void world_free(struct world *w)
{
	char command[WORLD_PATH + 20];

	if (w->spool)
		world_close(w);
	world_forget(w);
	snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
	ck_assert_int_eq(system(command), 0);
	free(w);
}

#endif
