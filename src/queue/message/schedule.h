/*
 * When a message is due: a heap of the waiting messages by time, and the rule for the next attempt. Times are
 * ms of the boot clock and are passed in.
 */
#ifndef CAUSEWAY_QUEUE_SCHEDULE_H
#define CAUSEWAY_QUEUE_SCHEDULE_H

#include "queue/message/message.h"

struct schedule;
struct schedule *schedule_new(void);
void schedule_free(struct schedule *);

/* Puts the message in, or moves it, to be due at that time; among equals the older id comes first. */
void schedule_set(struct schedule *, struct message *, int64_t due);
void schedule_remove(struct schedule *, struct message *);   /* harmless if it is not there */
struct message *schedule_first(const struct schedule *);     /* NULL: none */

/* How long to wait for the next attempt: the message's age within [least, most], spread by up to 5 % either
 * way but never out of these bounds. random: any number, the same one gives the same wait. */
int64_t schedule_backoff(int64_t age, int64_t least, int64_t most, uint32_t random);

/* A fixed sequence for a fixed seed (tests), else one that differs from start to start. */
uint32_t schedule_random(uint64_t *state);

#endif
