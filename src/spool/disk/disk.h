/*
 * A pool of threads for calls that wait for the disk. A job is embedded in its owner; its work runs in a
 * thread, then its done in the loop. Work may touch nothing that the loop touches meanwhile, and never logs.
 */
#ifndef CAUSEWAY_SPOOL_DISK_H
#define CAUSEWAY_SPOOL_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

struct disk;

/* What waits is taken in this order; the second and third lane together leave one thread free, so that the
 * first never waits for them. */
enum disk_lane { DISK_RESULTS, DISK_INTAKE, DISK_REMOVAL, DISK_LANES };

/* Memory of a thread for its job's use, not kept between jobs. */
#define DISK_ROOM (128 * 1024)

struct disk_job {
	struct disk_job *next;
	void (*work)(struct disk_job *, char room[DISK_ROOM]);   /* in a thread */
	/* in the loop; may free the job or run it again */
	void (*done)(struct disk_job *);
};

/* Starts so many threads, or as many of them as the system lets it. The process dies if it is none. */
struct disk *disk_new(struct loop *, unsigned threads);
/* waits for work that has begun; nothing may be outstanding unless the process ends */
void disk_free(struct disk *);

/* Lines the job up; it must not be lined up or running already. */
void disk_run(struct disk *, enum disk_lane, struct disk_job *);

/* Whether no job is outstanding. */
bool disk_idle(const struct disk *);

/* idle(arg) is called from the loop each time when the last outstanding job is done. */
void disk_on_idle(struct disk *, void (*idle)(void *arg), void *arg);

#endif
