/* The queue's end of a link: which requests are out, their dot marks, and what is heard from the courier.
 * For link.c only. */
#ifndef CAUSEWAY_LINK_QUEUE_END_H
#define CAUSEWAY_LINK_QUEUE_END_H

#include "link/link.h"
#include "link/message.h"

struct queue_end;

/* marks_fd: the page of marks for the other end, -1 and errno if there is none; the caller's. */
struct queue_end *queue_end_new(const struct link_events *, void *arg, int *marks_fd);
void queue_end_free(struct queue_end *);

/* Notes that a request goes out, unmarked; returns its slot. */
uint32_t queue_end_take(struct queue_end *, const struct request *);
uint32_t queue_end_slot(const struct queue_end *, uint32_t number);   /* of a request that is out */
bool queue_end_marked(const struct queue_end *, uint32_t number);

/* Checks one message and passes it on; a fault goes to u->wrong. */
void queue_end_hear(struct queue_end *, enum message_kind, struct unpack *u);

#endif
