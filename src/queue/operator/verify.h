/*
 * Address verification (RFC 5321 3.5 by other means): the operator's question whether a destination would
 * take mail for an address. What asks is a message that is on no disk and in no table, with one recipient and
 * no content: it is routed, lines up and goes to a courier as any other, and ends with its answer.
 */
#ifndef CAUSEWAY_QUEUE_VERIFY_H
#define CAUSEWAY_QUEUE_VERIFY_H

#include "queue/message/active.h"

struct verifications;

/* Nothing was asked yet. */
struct verifications *verifications_new(struct queue *);
void verifications_free(struct verifications *);
/* The daemon stops: who still waits is told so. */
void verifications_end(struct verifications *);

/* Its recipient was judged: what it was made for. */
void verify_judged(struct active *);
/* Something may have ended it, as for settle_check. */
void verify_check(struct active *);
/* A courier's remark, mostly about a host that could not be asked. */
void verify_note(struct active *, const char *text);

#endif
