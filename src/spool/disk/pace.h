/*
 * When to start a piece of work that serves all who wait for it: at the end of the turn if it has rested,
 * else a moment after it last ended, so that under load each run serves more.
 */
#ifndef CAUSEWAY_SPOOL_PACE_H
#define CAUSEWAY_SPOOL_PACE_H

#include "net/loop.h"

struct pace {
	struct loop *loop;
	struct loop_task task;
	struct loop_timer *timer;
	void (*start)(void *arg);
	void *arg;
	int64_t rest;           /* µs */
	int64_t ended;          /* µs of the monotonic clock */
	unsigned failures;      /* in a row */
	bool running;           /* between start and pace_ended or pace_failed */
	bool wanted;
	bool hurried;           /* the next run shall not rest before */
};

/* rest_ms: between the end of one run and the start of the next. */
void pace_init(struct pace *, struct loop *, int64_t rest_ms, void (*start)(void *arg), void *arg);
void pace_clear(struct pace *);

/* Work is waiting: start(arg) will be called from the loop, never while it runs. */
void pace_ask(struct pace *);

/* The same, and there is no time to rest. */
void pace_hurry(struct pace *);

/* What start began is over. */
void pace_ended(struct pace *);
/* The same work is to be tried again, after 1, 2, 4 … 30 s. */
void pace_failed(struct pace *);

/* ms to wait after the n-th failure in a row: 1000, 2000, 4000 … 30000. */
int64_t pace_delay_ms(unsigned failures);

#endif
