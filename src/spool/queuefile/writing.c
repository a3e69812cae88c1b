#include "spool/queuefile/writing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/again.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"
#include "spool/disk/part.h"
#include "spool/queuefile/queuefile.h"

struct writings {
	const struct parts *parts;
	struct list all;
	bool ended;
};

struct writing {
	struct again again;
	struct list link;
	struct dirsync_waiter synced;
	struct writings *writings;
	uint64_t id;
	int from;                        /* the message in memory; its receiver's */
	int file;                        /* the queue file; or -1 */
	void (*written)(void *arg, int fd);
	void *arg;
	int error;
};

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

static int write_file(const struct writing *w, char *room)
{
	const struct tree *tree = w->writings->parts->tree;
	int fd = part_open(tree, w->id, 0), error;

	if (fd < 0)
		return errno;
	error = part_close(fd, copy_all(w->from, fd, room), &part_of_message);
	if (!error)
		return part_finish(tree, w->id, 0, w->id, &part_of_message);
	part_remove(tree, w->id, 0);
	return error;
}

static void work(struct disk_job *job, char *room)
{
	struct writing *w = LIST_OF(job, struct writing, again.job);

	w->error = write_file(w, room);
	if (!w->error)
		w->file = queuefile_fd(w->writings->parts->tree, w->id);
}

/* ---- in the loop ---- */

static void writing_free(struct writing *w)
{
	list_remove(&w->link);
	again_clear(&w->again);
	if (w->file >= 0)
		close(w->file);
	free(w);
}

static void try_again(struct writing *w)
{
	char id[NAMES_SIZE];

	if (again_later(&w->again))
		log_line(LOG_LEVEL_ERROR, "qmgr", names_message(w->id, id),
			"%s/queue/%s: cannot be written: %s; its drop file is safe, and its results wait, trying "
			"again", w->writings->parts->tree->path, id, strerror(w->error));
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
	const struct parts *parts = w->writings->parts;
	struct ledger_message *m = ledger_get(parts->ledger, w->id);
	struct commit *commit = parts->commit;

	budget_gone(parts->budget, m);
	m->files = 2;
	add_states(commit, m);
	commit_remove(commit, &(struct removal){ .id = w->id, .drop = true });
	w->written(w->arg, w->file);
	w->file = -1;
	writing_free(w);
}

static void done(struct disk_job *job)
{
	struct writing *w = LIST_OF(job, struct writing, again.job);

	if (w->writings->ended) {
		writing_free(w);
	} else if (w->error) {
		try_again(w);
	} else {
		w->synced = (struct dirsync_waiter){ .synced = name_synced, .arg = w };
		dirsync_wait(w->writings->parts->dirsync, &w->synced);
	}
}

void writings_add(struct writings *all, uint64_t id, int fd, void (*written)(void *arg, int fd), void *arg)
{
	struct writing *w = mem_alloc(sizeof *w);

	w->again = (struct again){ .loop = all->parts->loop, .disk = all->parts->disk, .lane = DISK_INTAKE,
		.job = { .work = work, .done = done } };
	w->writings = all;
	w->id = id;
	w->from = fd;
	w->file = -1;
	w->written = written;
	w->arg = arg;
	list_append(&all->all, &w->link);
	again_run(&w->again);
}

/* ---- life ---- */

struct writings *writings_new(const struct parts *parts)
{
	struct writings *all = mem_alloc(sizeof *all);

	all->parts = parts;
	list_init(&all->all);
	return all;
}

void writings_free(struct writings *all)
{
	if (!all)
		return;
	LIST_EACH(at, &all->all)
		writing_free(LIST_OF(at, struct writing, link));
	free(all);
}

static void tell_unwritten(const struct writing *w)
{
	char id[NAMES_SIZE];

	log_line(LOG_LEVEL_WARNING, "qmgr", names_message(w->id, id),
		"%s/queue/%s: cannot be written before the stop: the next start makes the message anew from its drop "
		"file, and recipients whose results waited for it may get a second copy",
		w->writings->parts->tree->path, id);
}

void writings_end(struct writings *all)
{
	all->ended = true;
	LIST_EACH(at, &all->all) {
		struct writing *w = LIST_OF(at, struct writing, link);

		if (again_end(&w->again))
			tell_unwritten(w);
	}
}
