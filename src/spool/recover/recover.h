/*
 * What a start does: reads the journal and the directory queue/, syncs what it found, removes what a crash
 * left behind, hands open claims to intake (doc/queue.md says which state means what), and tells of all
 * messages, some in each turn of the loop, so that they are delivered meanwhile.
 */
#ifndef CAUSEWAY_SPOOL_RECOVER_H
#define CAUSEWAY_SPOOL_RECOVER_H

#include "spool/journal/commit.h"
#include "spool/parts.h"
#include "spool/spool.h"

struct replay_claim;
struct recover;

struct recover_setup {
	const struct parts *parts;
	const struct spool_events *events;
	/* The journal was read: make the commit that goes on writing it. */
	struct commit *(*journal_read)(void *arg, const struct journal *);
	void (*retake)(void *arg, uint64_t id, unsigned count, bool *have, const struct replay_claim *);
	/* It is known what there is, and nothing that a crash left behind can be met any more: new names may be
	 * given, and files taken in. */
	void (*settled)(void *arg);
	/* All is told; recover_free later this turn or later. */
	void (*recovered)(void *arg);
	void *arg;                       /* of these */
	void *events_arg;
};

/* Starts, with a ledger that is empty; owns the journal until journal_read. */
struct recover *recover_new(const struct recover_setup *, const struct journal *);
void recover_free(struct recover *);

/* Stop at the next occasion without recovered being called. */
void recover_stop(struct recover *);

#endif
