/*
 * Commit batches: what was journalled in one turn of the loop is committed together, and only then are its
 * results logged and counted and its messages let go. Batches end in the order in which they began.
 */
#ifndef CAUSEWAY_QUEUE_BATCH_H
#define CAUSEWAY_QUEUE_BATCH_H

#include "queue/message/active.h"

struct queue;
struct batches;

/* None is under way. */
struct batches *batches_new(struct queue *);
void batches_free(struct batches *);

/* The recipient's note was journalled in this turn. */
void batch_add_result(struct batches *, struct active *, uint32_t rcpt);
/* The attempt's end was journalled in this turn; settle_committed follows the commit. */
void batch_add_settled(struct batches *, struct active *);
struct wait;
/* What a caller took back was journalled in this turn; waits_committed follows the commit. */
void batch_add_wait(struct batches *, struct wait *);
/* Something else was journalled in this turn. */
void batch_add_other(struct batches *);
/* The same; fn(arg) follows the commit. The call belongs to the caller, and is never made if the batches are
 * freed before. */
struct batch_call {
	struct batch_call *next;
	void (*fn)(void *arg);
	void *arg;
};
void batch_add_call(struct batches *, struct batch_call *);

/* The same, but told in its place among the results of its batch, and nobody waits for it. */
void batch_add_told(struct batches *, struct batch_call *);

/* At the end of a turn: asks for a commit if anything was added. */
void batches_commit(struct batches *);
/* No batch is open or under way. */
bool batches_idle(const struct batches *);
/* ms that the oldest batch has been under way; 0 if none is. */
int64_t batches_age(const struct batches *);

#endif
