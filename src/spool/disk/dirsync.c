#include "spool/disk/dirsync.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/pace.h"

enum { REST_MS = 8 };   /* mail waits for it, but only behind other mail */

struct dirsync {
	struct disk_job job;
	struct disk *disk;
	const struct tree *tree;
	struct pace pace;
	struct list waiting, served;   /* served: by the run that is under way */
	int error;
};

/* queue/ first: a file whose new name is lost must still have its old one. */
int dirsync_here(const struct tree *tree)
{
	int error = io_sync_directory(tree->queue);

	/* where a rename is one transaction this finds nothing left to do */
	if (!error)
		error = io_sync_directory(tree->fresh);
	if (!error)
		spool_step("directory-synced");
	return error;
}

static void work(struct disk_job *job, char *room)
{
	struct dirsync *d = LIST_OF(job, struct dirsync, job);

	(void)room;
	d->error = dirsync_here(d->tree);
}

static void move_all(struct list *from, struct list *to)
{
	LIST_EACH(at, from) {
		list_remove(at);
		list_append(to, at);
	}
}

static void start(void *arg)
{
	struct dirsync *d = arg;

	move_all(&d->waiting, &d->served);
	disk_run(d->disk, DISK_RESULTS, &d->job);
}

static void failed(struct dirsync *d)
{
	if (d->pace.failures == 0)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue: the directory cannot be synced: %s; new messages wait, trying again",
			d->tree->path, strerror(d->error));
	pace_failed(&d->pace);
}

static void done(struct disk_job *job)
{
	struct dirsync *d = LIST_OF(job, struct dirsync, job);
	struct list served;

	if (d->error) {
		failed(d);
		return;
	}
	if (d->pace.failures)
		log_line(LOG_LEVEL_INFO, "qmgr", NULL, "%s/queue: the directory can be synced again",
			d->tree->path);
	list_init(&served);
	move_all(&d->served, &served);
	pace_ended(&d->pace);
	LIST_EACH(at, &served) {
		struct dirsync_waiter *w = LIST_OF(at, struct dirsync_waiter, link);

		list_remove(at);
		w->synced(w->arg);
	}
}

struct dirsync *dirsync_new(struct loop *loop, struct disk *disk, const struct tree *tree)
{
	struct dirsync *d = mem_alloc(sizeof *d);

	d->job = (struct disk_job){ .work = work, .done = done };
	d->disk = disk;
	d->tree = tree;
	list_init(&d->waiting);
	list_init(&d->served);
	pace_init(&d->pace, loop, REST_MS, start, d);
	return d;
}

void dirsync_free(struct dirsync *d)
{
	if (!d)
		return;
	pace_clear(&d->pace);
	free(d);
}

void dirsync_wait(struct dirsync *d, struct dirsync_waiter *w)
{
	list_append(&d->waiting, &w->link);
	pace_ask(&d->pace);
}

bool dirsync_idle(const struct dirsync *d)
{
	return list_empty(&d->waiting) && list_empty(&d->served);
}
