#include "spool/kept.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/hook.h"
#include "spool/io.h"
#include "spool/names.h"
#include "spool/pace.h"

enum {
	BYTES_MAX = 8 * 1024 * 1024,
	BYTES_CROWDED = 6 * 1024 * 1024,
	BYTES_EACH = 4096,               /* what a message takes besides its content */
	FILES_SHARE = 8,                 /* each holds a descriptor; all, no more than this part of them */
	MOVES_MS = 50                    /* since the last one went, while mail is said to go out */
};

struct kept {
	struct kept_setup setup;
	struct list writings;
	size_t bytes, count, count_max;
	bool allowed;
	int64_t went;                    /* the last one; ms of loop_now */
	bool ended;
};

/* One that is being written. */
struct writing {
	struct disk_job job;
	struct list link;
	struct dirsync_waiter synced;
	struct kept *all;
	uint64_t id;
	int from;                        /* the message in memory; its receiver's */
	int file;                        /* the queue file; or -1 */
	void (*written)(void *arg, int fd);
	void *arg;
	struct loop_timer *again;        /* while the disk refuses */
	unsigned failures;
	int error;
};

/* ---- memory ---- */

void kept_allow(struct kept *u, bool allowed)
{
	u->allowed = allowed;
}

size_t kept_room(const struct kept *u)
{
	return u->allowed && u->count < u->count_max && u->bytes < BYTES_MAX ? BYTES_MAX - u->bytes : 0;
}

bool kept_is_crowded(const struct kept *u)
{
	return u->bytes > BYTES_CROWDED && loop_now(u->setup.loop) - u->went < MOVES_MS;
}

void kept_add(struct kept *u, uint64_t size)
{
	u->bytes += size + BYTES_EACH;
	u->count++;
}

void kept_gone(struct kept *u, struct ledger_message *m)
{
	assert(m->unwritten && u->count);
	m->unwritten = false;
	u->bytes -= m->size + BYTES_EACH;
	u->count--;
	u->went = loop_now(u->setup.loop);
	u->setup.less(u->setup.arg);
}

/* ---- in a disk thread ---- */

static int copy_all(int from, int to, char *room)
{
	off_t at = 0;
	ssize_t n;
	int error = 0;

	while (!error && (n = pread(from, room, DISK_ROOM, at)) != 0) {
		error = n < 0 ? errno : io_write(to, room, (size_t)n);
		at += n;
	}
	return error;
}

static int write_part(struct writing *w, const char *part, char *room)
{
	int dir = w->all->setup.tree->queue, error;
	int fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	error = copy_all(w->from, fd, room);
	if (!error) {
		spool_step("part-written");
		error = io_sync(fd);
	}
	close(fd);
	return error;
}

static void work(struct disk_job *job, char *room)
{
	struct writing *w = LIST_OF(job, struct writing, job);
	int dir = w->all->setup.tree->queue;
	char part[NAMES_SIZE], name[NAMES_SIZE];

	w->error = write_part(w, names_part(w->id, 0, part), room);
	if (!w->error) {
		spool_step("part-synced");
		w->error = io_rename(dir, part, dir, names_message(w->id, name));
	}
	if (w->error) {
		unlinkat(dir, part, 0);
		return;
	}
	spool_step("part-renamed");
	w->file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- in the loop ---- */

static void run(void *arg)
{
	struct writing *w = arg;

	disk_run(w->all->setup.disk, DISK_INTAKE, &w->job);
}

static void writing_free(struct writing *w)
{
	list_remove(&w->link);
	if (w->again)
		loop_timer_free(w->again);
	if (w->file >= 0)
		close(w->file);
	free(w);
}

static void try_again(struct writing *w)
{
	const struct kept_setup *setup = &w->all->setup;
	char id[NAMES_SIZE];

	if (!w->again) {
		w->again = loop_timer_new(setup->loop, run, w);
		log_line(LOG_LEVEL_ERROR, "qmgr", names_message(w->id, id),
			"%s/queue/%s: cannot be written: %s; its drop file is safe, and its results wait, trying "
			"again", setup->tree->path, id, strerror(w->error));
	}
	loop_timer_set(w->again, pace_delay_ms(++w->failures));
}

/* Held and suspected are states, of which only the last counts. */
static void add_states(struct commit *c, const struct ledger_message *m)
{
	if (m->held)
		commit_line(c, &(struct journal_line){ .kind = JOURNAL_HOLD, .id = m->id, .count = true });
	if (m->suspect)
		commit_line(c, &(struct journal_line){ .kind = JOURNAL_SUSPECT, .id = m->id, .count = m->suspect });
}

static void name_synced(void *arg)
{
	struct writing *w = arg;
	struct kept *u = w->all;
	struct ledger_message *m = ledger_get(u->setup.ledger, w->id);
	struct commit *commit = *u->setup.commit;

	kept_gone(u, m);
	m->files = 2;
	add_states(commit, m);
	commit_remove(commit, &(struct removal){ .id = w->id, .drop = true });
	w->written(w->arg, w->file);
	w->file = -1;
	writing_free(w);
}

static void done(struct disk_job *job)
{
	struct writing *w = LIST_OF(job, struct writing, job);

	if (w->all->ended) {
		writing_free(w);
	} else if (w->error) {
		try_again(w);
	} else {
		w->synced = (struct dirsync_waiter){ .synced = name_synced, .arg = w };
		dirsync_wait(w->all->setup.dirsync, &w->synced);
	}
}

void kept_write(struct kept *u, uint64_t id, int fd, void (*written)(void *arg, int fd), void *arg)
{
	struct writing *w = mem_alloc(sizeof *w);

	w->job = (struct disk_job){ .work = work, .done = done };
	w->all = u;
	w->id = id;
	w->from = fd;
	w->file = -1;
	w->written = written;
	w->arg = arg;
	list_append(&u->writings, &w->link);
	run(w);
}

/* ---- life ---- */

static size_t share_of_files(void)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) == 0 ? (size_t)files.rlim_cur / FILES_SHARE : 0;
}

struct kept *kept_new(const struct kept_setup *setup)
{
	struct kept *u = mem_alloc(sizeof *u);

	u->setup = *setup;
	u->allowed = true;
	u->count_max = share_of_files();
	u->went = loop_now(setup->loop) - MOVES_MS;
	list_init(&u->writings);
	return u;
}

void kept_free(struct kept *u)
{
	if (!u)
		return;
	LIST_EACH(at, &u->writings)
		writing_free(LIST_OF(at, struct writing, link));
	free(u);
}

static void give_up(struct writing *w)
{
	char id[NAMES_SIZE];

	loop_timer_stop(w->again);
	log_line(LOG_LEVEL_WARNING, "qmgr", names_message(w->id, id),
		"cannot be written before the stop: the next start makes it anew from its drop file, and "
		"recipients whose results waited for it may get a second copy");
}

void kept_end(struct kept *u)
{
	u->ended = true;
	LIST_EACH(at, &u->writings) {
		struct writing *w = LIST_OF(at, struct writing, link);

		if (w->again)
			give_up(w);
	}
}
