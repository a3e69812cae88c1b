/* A job for the disk that is tried again, after 1, 2, 4 … 30 s, for as long as the disk refuses. */
#ifndef CAUSEWAY_SPOOL_AGAIN_H
#define CAUSEWAY_SPOOL_AGAIN_H

#include "spool/disk/disk.h"

/* Embedded in its owner, who sets what stands above the line. */
struct again {
	struct loop *loop;
	struct disk *disk;
	enum disk_lane lane;
	struct disk_job job;
	/* --- */
	struct loop_timer *timer;      /* when it was refused once; else NULL */
	unsigned failures;
};

/* Runs the job now. */
void again_run(struct again *);

/* The job was refused, and will run once more. Whether that is the first time: then the log should say so. */
bool again_later(struct again *);

/* It will not run once more. Whether it was ever refused. */
bool again_end(struct again *);

/* Releases what it holds; the job must not be outstanding. */
void again_clear(struct again *);

#endif
