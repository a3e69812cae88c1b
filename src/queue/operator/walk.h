/*
 * Goes through the queue for the operator: all messages that a filter names, or one. What can be decided in
 * memory is; sender and recipients of waiting messages are read from the disk, a few at a time, so that mail
 * goes on meanwhile.
 */
#ifndef CAUSEWAY_QUEUE_WALK_H
#define CAUSEWAY_QUEUE_WALK_H

#include "queue/message/active.h"
#include "queue/queue.h"

struct walk;

/* A message that the walk has come to. Envelope and file are NULL and -1 if they were not needed. */
struct walk_stop {
	struct message *message;
	const struct envelope *envelope;
	uint64_t content_at, content_size;
	int fd;
	enum tls_wanted tls_wanted;   /* if the envelope was needed */
};

struct walk_order {
	uint64_t id;                  /* only this one; 0: all that the filter names */
	const struct queue_filter *filter;    /* copied; NULL: all */
	bool envelopes;               /* needed at each stop */
	void (*at)(void *arg, const struct walk_stop *);
	bool (*full)(void *arg);      /* true: no more stops for the moment, it is asked again; NULL: never */
	void (*end)(void *arg, size_t count);   /* how many stops there were */
	void *arg;
};

/* Begins; call-backs come from the loop only. The walk ends by itself, or with queue_free without a call. */
void walk_begin(struct queue *, const struct walk_order *);
/* All walks of a queue, for queue_free. */
void walks_free(struct queue *);

#endif
