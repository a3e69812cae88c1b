#include "spool/intake/intake_private.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	GROUP = 32,                /* files that one thread claims in a row */
	SMALL = 64 * 1024          /* bytes that are copied without a thread of their own */
};

/* Files that are claimed and looked at by one thread, one after the other. */
struct group {
	struct disk_job job;
	struct intake *intake;
	struct take *takes[GROUP];
	size_t count;
	size_t memory;             /* bytes that may be in memory */
};

static void copy_work(struct disk_job *job, char *room)
{
	take_copy(LIST_OF(job, struct take, job), room);
}

static void copy_done(struct disk_job *job)
{
	struct take *t = LIST_OF(job, struct take, job);
	struct intake *in = t->owner;

	intake_act(in, t);
	intake_ask_more(in);
}

/* Nobody is there to share the disk's waits with: each change of thread would only cost it time. */
static void lone_work(struct take *t, char *room)
{
	if (t->outcome == TAKE_COPY && t->before.st_size <= SMALL)
		take_copy(t, room);
	t->durable = t->outcome == TAKE_STORED && dirsync_here(t->store.tree) == 0;
}

/* What stays unwritten shares what the group may use. */
static size_t look(struct take *t, size_t memory, char *room)
{
	t->memory = memory < SMALL ? memory : SMALL;
	take_look(t, room);
	return t->outcome == TAKE_STORED && t->store.unwritten ? memory - (size_t)t->before.st_size : memory;
}

/* Files that must be copied wait for the disk side by side, and keep no group busy. */
static void group_work(struct disk_job *job, char *room)
{
	struct group *g = LIST_OF(job, struct group, job);

	for (size_t i = 0; i < g->count; i++)
		g->memory = look(g->takes[i], g->memory, room);
	if (g->count == 1)
		lone_work(g->takes[0], room);
}

static void looked_at(struct intake *in, struct take *t)
{
	if (t->claimed || t->outcome == TAKE_GONE)
		drop_forget(t->source->drop, t->name);
	if (t->outcome == TAKE_STORED && t->store.unwritten)
		budget_add(in->setup.parts->budget, t->store.messages[0]->content_size);
	if (t->outcome != TAKE_COPY) {
		intake_act(in, t);
		return;
	}
	t->job = (struct disk_job){ .work = copy_work, .done = copy_done };
	disk_run(in->setup.parts->disk, DISK_INTAKE, &t->job);
}

/* ---- claims by a copy ---- */

static void claim_work(struct disk_job *job, char *room)
{
	take_claim_copied(LIST_OF(job, struct take, job), room);
}

static void claim_done(struct disk_job *job)
{
	struct take *t = LIST_OF(job, struct take, job);
	struct intake *in = t->owner;

	looked_at(in, t);
	intake_ask_more(in);
}

static void claim_noted(void *arg)
{
	struct take *t = arg;
	struct intake *in = t->owner;

	t->job = (struct disk_job){ .work = claim_work, .done = claim_done };
	disk_run(in->setup.parts->disk, DISK_INTAKE, &t->job);
}

void intake_claim_copied(struct intake *in, struct take *t)
{
	t->noted = true;
	commit_line(in->setup.parts->commit, &(struct journal_line){ .kind = JOURNAL_CLAIM, .id = t->store.id,
		.dir = text_of(t->source->name), .name = text_of(t->name), .uid = t->uid,
		.key = text_of(t->key) });
	commit_wait(in->setup.parts->commit, claim_noted, t);
}

static void group_done(struct disk_job *job)
{
	struct group *g = LIST_OF(job, struct group, job);
	struct intake *in = g->intake;

	in->group_at_work = false;
	for (size_t i = 0; i < g->count; i++)
		looked_at(in, g->takes[i]);
	free(g);
	intake_ask_more(in);
}

void intake_start_group(struct intake *in)
{
	struct group *g = in->group;

	if (!g)
		return;
	in->group = NULL;
	in->group_at_work = true;
	g->memory = budget_room(in->setup.parts->budget);
	disk_run(in->setup.parts->disk, DISK_INTAKE, &g->job);
}

void intake_run(struct intake *in, struct take *t)
{
	t->floor = t->claimed ? t->store.id : ids_last(in->setup.parts->ids);
	list_append(&in->running, &t->link);
	in->running_count++;
	if (!in->group) {
		in->group = mem_alloc(sizeof *in->group);
		in->group->job = (struct disk_job){ .work = group_work, .done = group_done };
		in->group->intake = in;
	}
	in->group->takes[in->group->count++] = t;
	if (in->group->count == GROUP)
		intake_start_group(in);
}
