#include "spool/disk/disk.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct queue {
	struct disk_job *first, **end;
};

struct disk {
	struct loop_watch *watch;
	int event;
	size_t outstanding;              /* loop only */
	void (*idle)(void *arg);
	void *arg;
	pthread_mutex_t lock;            /* of all below */
	pthread_cond_t wake;
	struct queue lanes[DISK_LANES], finished;
	unsigned sleeping;               /* threads that wait for work */
	unsigned lower, lower_max;       /* threads at work for the lanes below the first */
	bool stopping;
	unsigned count;
	pthread_t threads[];
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_add(struct queue *q, struct disk_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct disk_job *queue_take(struct queue *q)
{
	struct disk_job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

/* The next job that may begin now. Locked. */
static struct disk_job *next_job(struct disk *d, bool *lower)
{
	struct disk_job *job = queue_take(&d->lanes[DISK_RESULTS]);

	*lower = !job;
	if (job || d->lower == d->lower_max)
		return job;
	job = queue_take(&d->lanes[DISK_INTAKE]);
	return job ? job : queue_take(&d->lanes[DISK_REMOVAL]);
}

/* One wake-up of the loop serves all that finishes until it looks. Locked. */
static void finish(struct disk *d, struct disk_job *job)
{
	static const uint64_t one = 1;
	bool first = !d->finished.first;

	queue_add(&d->finished, job);
	if (first && write(d->event, &one, sizeof one) < 0)
		abort();
}

static void work_once(struct disk *d, struct disk_job *job, bool lower, char *room)
{
	d->lower += lower;
	pthread_mutex_unlock(&d->lock);
	job->work(job, room);
	pthread_mutex_lock(&d->lock);
	d->lower -= lower;
	finish(d, job);
}

static void *thread_main(void *arg)
{
	struct disk *d = arg;
	char *room = mem_alloc(DISK_ROOM);
	struct disk_job *job;
	bool lower;

	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		job = next_job(d, &lower);
		if (job) {
			work_once(d, job, lower, room);
			continue;
		}
		d->sleeping++;
		pthread_cond_wait(&d->wake, &d->lock);
		d->sleeping--;
	}
	pthread_mutex_unlock(&d->lock);
	free(room);
	return NULL;
}

static void finished_some(void *arg, bool readable, bool writable)
{
	struct disk *d = arg;
	struct disk_job *job, *next;
	uint64_t count;

	(void)readable, (void)writable;
	pthread_mutex_lock(&d->lock);
	if (read(d->event, &count, sizeof count) < 0)
		count = 0;
	job = d->finished.first;
	queue_init(&d->finished);
	pthread_mutex_unlock(&d->lock);
	for (; job; job = next) {
		next = job->next;
		d->outstanding--;
		job->done(job);
	}
	if (d->outstanding == 0 && d->idle)
		d->idle(d->arg);
}

/* Signals are the loop's business. */
static void start_threads(struct disk *d, unsigned threads)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (d->count = 0; d->count < threads; d->count++)
		if (pthread_create(&d->threads[d->count], NULL, thread_main, d) != 0)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (d->count == 0)
		abort();
	pthread_mutex_lock(&d->lock);
	d->lower_max = d->count > 1 ? d->count - 1 : 1;
	pthread_mutex_unlock(&d->lock);
}

struct disk *disk_new(struct loop *loop, unsigned threads)
{
	struct disk *d = mem_alloc(sizeof *d + threads * sizeof d->threads[0]);

	d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event < 0)
		abort();
	d->watch = loop_watch_new(loop, d->event, finished_some, d);
	loop_watch_want(d->watch, true, false);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	for (int i = 0; i < DISK_LANES; i++)
		queue_init(&d->lanes[i]);
	queue_init(&d->finished);
	d->lower_max = 1;
	start_threads(d, threads);
	return d;
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->count; i++)
		pthread_join(d->threads[i], NULL);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	loop_watch_free(d->watch);
	close(d->event);
	free(d);
}

void disk_run(struct disk *d, enum disk_lane lane, struct disk_job *job)
{
	d->outstanding++;
	pthread_mutex_lock(&d->lock);
	queue_add(&d->lanes[lane], job);
	if (d->sleeping)
		pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
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
