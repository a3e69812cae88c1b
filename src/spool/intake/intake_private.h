/* What the files of the intake share: intake.c decides what to take next, intake_group.c has it looked at by
 * a disk thread, intake_found.c acts on what that found. */
#ifndef CAUSEWAY_SPOOL_INTAKE_PRIVATE_H
#define CAUSEWAY_SPOOL_INTAKE_PRIVATE_H

#include "spool/drop/sources.h"
#include "spool/intake/intake.h"
#include "spool/intake/take.h"

enum {
	/* files that are waited for; beyond, unfinished ones are refused at once and no more are claimed */
	INTAKE_WAITING_MAX = 10000,
	INTAKE_AGAIN_MS = 100      /* between looks at what waits */
};

struct intake {
	struct intake_setup setup;
	struct sources *sources;
	struct space *space;
	struct loop_timer *timer;
	struct loop_task more, tell;
	struct list running;       /* looked at, copied, or waiting for the disk */
	struct list waiting;       /* put aside, until they are due */
	struct list arriving;      /* safe, and not yet told to the end */
	size_t running_count, waiting_count;
	int64_t next_due;          /* of the waiting; ms of loop_now */
	struct group *group;       /* being filled, or NULL */
	bool group_at_work;        /* one; a second thread would only wait for the same directories */
	bool begun, paused;
	bool fair;                 /* the queue is far behind: owners of few messages are served, others wait */
	int64_t told_full;         /* ms of loop_now: when an owner's limit was last told of */
	bool troubled;             /* the last file that met the disk met trouble */
	size_t taken, refused;
};

/* --- intake.c --- */

/* Takes more at the end of this turn, when all that became free can be filled at once. */
void intake_ask_more(struct intake *);

/* --- intake_group.c --- */

/* The take is running from now on: it will be looked at with others, in a disk thread. */
void intake_run(struct intake *, struct take *);
/* No others are to come now. */
void intake_start_group(struct intake *);

/* TAKE_COPIED: the original goes, once a start would know it again. */
void intake_claim_copied(struct intake *, struct take *);

/* --- intake_found.c --- */

/* Acts on the outcome of a running take. */
void intake_act(struct intake *, struct take *);

/* It is looked at again after so many ms. */
void intake_put_aside(struct intake *, struct take *, int64_t after_ms);

/* A task of the loop: tells of messages that have arrived; arg is the intake. */
void intake_tell_some(void *arg);

#endif
