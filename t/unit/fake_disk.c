/* spool/disk.h without threads: jobs are done one after the other, in the loop, so that a run can be
 * repeated. */
#include "spool/disk/disk.h"

#include <stdlib.h>

#include "base/mem.h"

struct disk {
	struct loop *loop;
	struct loop_task task;
	struct disk_job *lanes[DISK_LANES];
	size_t outstanding;
	void (*idle)(void *arg);
	void *arg;
};

static struct disk_job *take_first(struct disk *d)
{
	for (int i = 0; i < DISK_LANES; i++) {
		struct disk_job *job = d->lanes[i];

		if (!job)
			continue;
		d->lanes[i] = job->next;
		return job;
	}
	return NULL;
}

static void run_one(void *arg)
{
	static char room[DISK_ROOM];
	struct disk *d = arg;
	struct disk_job *job = take_first(d);

	job->work(job, room);
	if (--d->outstanding)
		loop_later(d->loop, &d->task);
	job->done(job);
	if (d->outstanding == 0 && d->idle)
		d->idle(d->arg);
}

struct disk *disk_new(struct loop *loop, unsigned threads)
{
	struct disk *d = mem_alloc(sizeof *d);

	(void)threads;
	d->loop = loop;
	d->task = (struct loop_task){ .fn = run_one, .arg = d };
	return d;
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	loop_cancel(d->loop, &d->task);
	free(d);
}

void disk_run(struct disk *d, enum disk_lane lane, struct disk_job *job)
{
	struct disk_job **end = &d->lanes[lane];

	while (*end)
		end = &(*end)->next;
	job->next = NULL;
	*end = job;
	d->outstanding++;
	loop_later(d->loop, &d->task);
}

bool disk_idle(const struct disk *d)
{
	return d->outstanding == 0;
}

void disk_on_idle(struct disk *d, void (*idle)(void *arg), void *arg)
{
	d->idle = idle;
	d->arg = arg;
}
