#include "spool/disk/remove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/hook.h"
#include "spool/disk/names.h"

/* Files a job; jobs at once, of which one is enough, and leaves the directory to others, until many files
 * wait. */
enum { GROUP = 64, GROUPS_MAX = 4, CROWD = 4096 };

struct group {
	struct disk_job job;
	struct remover *remover;
	struct removal removals[GROUP];
	int errors[GROUP];
	size_t count;
};

struct remover {
	struct disk *disk;
	const struct tree *tree;
	void (*removed)(void *arg, const struct removal *);
	void *arg;
	struct removal *waiting;       /* a ring */
	size_t first, count, room;
	unsigned groups;
};

static void work(struct disk_job *job, char *room)
{
	struct group *g = LIST_OF(job, struct group, job);
	char name[NAMES_SIZE];

	(void)room;
	for (size_t i = 0; i < g->count; i++) {
		struct removal *r = &g->removals[i];

		if (r->drop)
			names_drop(r->id, r->count, name);
		else
			names_message(r->id, name);
		g->errors[i] = unlinkat(g->remover->tree->queue, name, 0) == 0 || errno == ENOENT ? 0 : errno;
		spool_step(r->drop ? "drop-unlinked" : "unlinked");
	}
}

static void start_groups(struct remover *r);

static void done(struct disk_job *job)
{
	struct group *g = LIST_OF(job, struct group, job);
	struct remover *r = g->remover;
	char name[NAMES_SIZE];

	r->groups--;
	for (size_t i = 0; i < g->count; i++) {
		if (!g->errors[i])
			r->removed(r->arg, &g->removals[i]);
		else
			log_line(LOG_LEVEL_WARNING, "qmgr", names_message(g->removals[i].id, name),
				"finished, but its file in %s/queue cannot be removed: %s; it is not sent again, and "
				"the next start removes it", r->tree->path, strerror(g->errors[i]));
	}
	free(g);
	start_groups(r);
}

static void start_groups(struct remover *r)
{
	while (r->count && r->groups < (r->count < CROWD ? 1 : GROUPS_MAX)) {
		struct group *g = mem_alloc(sizeof *g);

		g->job = (struct disk_job){ .work = work, .done = done };
		g->remover = r;
		for (; r->count && g->count < GROUP; r->count--, r->first = (r->first + 1) % r->room)
			g->removals[g->count++] = r->waiting[r->first];
		r->groups++;
		disk_run(r->disk, DISK_REMOVAL, &g->job);
	}
}

struct remover *remover_new(struct disk *disk, const struct tree *tree,
	void (*removed)(void *arg, const struct removal *), void *arg)
{
	struct remover *r = mem_alloc(sizeof *r);

	r->disk = disk;
	r->tree = tree;
	r->removed = removed;
	r->arg = arg;
	return r;
}

void remover_free(struct remover *r)
{
	if (!r)
		return;
	free(r->waiting);
	free(r);
}

static void make_room(struct remover *r, size_t n)
{
	size_t room = r->room ? r->room : 64;
	struct removal *waiting;

	while (room < n)
		room *= 2;
	if (room == r->room)
		return;
	waiting = mem_alloc(room * sizeof *waiting);
	for (size_t i = 0; i < r->count; i++)
		waiting[i] = r->waiting[(r->first + i) % r->room];
	free(r->waiting);
	r->waiting = waiting;
	r->room = room;
	r->first = 0;
}

void remover_add(struct remover *r, const struct removal *removals, size_t n)
{
	make_room(r, r->count + n);
	for (size_t i = 0; i < n; i++)
		r->waiting[(r->first + r->count++) % r->room] = removals[i];
	start_groups(r);
}
