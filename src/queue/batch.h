/*
 * Commit batches: what was journalled in one turn of the loop is committed together, and only then are its
 * results logged and counted and its messages let go. Batches end in the order in which they began.
 */
#ifndef CAUSEWAY_QUEUE_BATCH_H
#define CAUSEWAY_QUEUE_BATCH_H

#include "queue/active.h"

struct queue;
struct batches;

struct batches *batches_new(struct queue *);
void batches_free(struct batches *);

/* The recipient's note was journalled in this turn. */
void batch_add_result(struct batches *, struct active *, uint32_t rcpt);
/* The attempt's end was journalled in this turn; settle_committed follows the commit. */
void batch_add_settled(struct batches *, struct active *);
/* Something else was journalled in this turn. */
void batch_add_other(struct batches *);

/* At the end of a turn: asks for a commit if anything was added. */
void batches_commit(struct batches *);
/* No batch is open or under way. */
bool batches_idle(const struct batches *);
/* ms that the oldest batch has been under way; 0 if none is. */
int64_t batches_age(const struct batches *);

#endif
