/* Questions of the operator that a courier helps to answer: where mail for an address would go. */
#ifndef CAUSEWAY_QUEUE_EXPLAIN_H
#define CAUSEWAY_QUEUE_EXPLAIN_H

#include <stdint.h>

struct courier;
struct explanations;
struct queue;

/* Nothing was asked yet. */
struct explanations *explanations_new(struct queue *);
void explanations_free(struct explanations *);      /* what is still asked is not answered any more */

/* A courier has answered question number, or has ended with all that it was asked. */
void explanations_found(struct explanations *, uint32_t number, const char *answer);
void explanations_lost(struct explanations *, const struct courier *);

#endif
