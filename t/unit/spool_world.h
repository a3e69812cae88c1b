/*
 * A spool in a directory of its own, with a receiver that remembers what it was told: what the tests of the
 * spool have in common. world_wait runs the loop until something is so; it fails the test when
 * UNIT_PATIENCE_MS are over.
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
#include "format/journal/queue_id.h"
#include "spool/spool.h"

#include "unit.h"

enum { WORLD_MAX = 20000, WORLD_PATH = 512 };

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

/* A path below the world, good until the fourth call after it. */
const char *world_path(const struct world *w, const char *name);
void world_write(const struct world *w, const char *name, const char *bytes, size_t n);
/* The file's content with a NUL behind it, or NULL; free() it. */
char *world_read(const struct world *w, const char *name, size_t *n);
bool world_exists(const struct world *w, const char *name);
/* Drops a file the way a producer does. */
void world_drop(const struct world *w, const char *name, const char *text);
/* The same for one that was finished long ago, so that nobody waits for its end. */
void world_drop_old(const struct world *w, const char *name, const char *text);
/* How many files of the directory have a name that ends so ("": all but . and .. ). */
size_t world_count(const struct world *w, const char *directory, const char *ending);
/* Files in queue/ whose names are ids. */
size_t world_messages(const struct world *w);

/* ---- the receiver: what the world does when it is told; arg is the world ---- */

void world_refused(void *arg, uint64_t id, const char *name, uid_t uid, const char *reason);
void world_ready(void *arg);
void world_corrupt(void *arg, uint64_t id, const char *reason);
void world_loaded(void *arg, uint64_t id, struct spool_message *m);

/* ---- life ---- */

/* An empty directory; the spool in it is not open yet. */
struct world *world_new(void);
/* Opens the spool, and does not wait for it to be ready; events: NULL, or other than the world's own. */
void world_begin(struct world *w, const struct spool_events *events);
/* Opens it, and waits until it is ready. */
void world_open(struct world *w);
/* Ends the spool in good order; what was told can still be looked at. */
void world_close(struct world *w);
/* Waits for a commit that begins now. */
void world_commit(struct world *w);
/* Closes if need be, and removes the directory. */
void world_free(struct world *w);

/* Runs the loop until the condition holds; it is looked at after each event and every few milliseconds, for
 * what no event tells. */
#define world_wait(w, condition) \
	do { \
		loop_timer_set((w)->patience, UNIT_PATIENCE_MS); \
		while (!(condition)) { \
			loop_timer_set((w)->poll, 5); \
			loop_run((w)->loop); \
		} \
		loop_timer_stop((w)->patience); \
		loop_timer_stop((w)->poll); \
	} while (0)

/* ---- unwritten messages ---- */

/* An open world that leaves messages unwritten. */
struct world *world_keeping(void);

/* Whether queue/ has the drop file, or else the queue file, of a message. */
bool world_has(const struct world *, uint64_t id, bool drop);

/* Only its drop file is there, or only its queue file. */
#define ck_unwritten(w, id) ck_assert(!world_has(w, id, false) && world_has(w, id, true))
#define ck_written(w, id) ck_assert(world_has(w, id, false) && !world_has(w, id, true))

/* A drop file with so many bytes of content, and recipients; free() it. */
char *world_text(size_t content, size_t rcpts);

/* Drops a file and waits for its message. */
struct spool_message *world_arrive(struct world *, const char *text);

/* Has the message written, and waits for nothing; a test writes one at a time. */
void world_begin_writing(struct world *, struct spool_message *);
/* The same, and waits until it is, and its drop file gone. */
void world_write_out(struct world *, struct spool_message *);

/* Its recipient has it, and it is done. */
void world_finish(struct world *, uint64_t id);

/* Closes and opens. */
void world_reopen(struct world *);

#endif
