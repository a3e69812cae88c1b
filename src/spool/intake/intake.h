/*
 * From drop/new to the queue: takes as many files at once as serve the disk, tells of messages when they are
 * safe, and looks again at files that were not ready. All decisions about a file that take.c found something
 * out about are here.
 */
#ifndef CAUSEWAY_SPOOL_INTAKE_H
#define CAUSEWAY_SPOOL_INTAKE_H

#include "spool/disk/space.h"
#include "spool/intake/store.h"
#include "spool/journal/commit.h"
#include "spool/journal/replay.h"
#include "spool/parts.h"
#include "spool/queuefile/budget.h"
#include "spool/spool.h"

struct intake;

struct intake_setup {
	const struct parts *parts;       /* with a commit when intake_begin or intake_retake is called */
	struct store_limits limits;
	uint64_t minimum_free;
	size_t owner_limit;              /* messages of one owner; 0: any number */
	const struct spool_events *events;
	void *arg;                       /* of the events */
};

/* Watches drop/new and the setup's pickup directories, but takes nothing before intake_begin. NULL and a line
 * in *why (free() it) if it cannot. */
struct intake *intake_new(const struct intake_setup *, const struct spool_setup *directories, char **why);
void intake_free(struct intake *);   /* after intake_end, when the disk is idle */

/* From now on files are taken. */
void intake_begin(struct intake *);
/* nothing new is taken; what is stored is left for the next start to find */
void intake_end(struct intake *);
void intake_pause(struct intake *, bool paused);
void intake_fair(struct intake *, bool fair);
/* Something that it may have waited for has changed. */
void intake_go_on(struct intake *);
void intake_reconfigure(struct intake *, const struct store_limits *, const struct spool_setup *);

/* A claim that a start found: count 0, or the number of its messages, of which have[i] are there already
 * (owned from now on). What is lost of the claim is empty. */
void intake_retake(struct intake *, uint64_t id, unsigned count, bool *have, const struct replay_claim *);

/* No claim that is still open has a lower id. */
uint64_t intake_oldest_claim(const struct intake *);

/* Fills in what the operator is told. */
void intake_state(const struct intake *, struct spool_state *);

#endif
