/*
 * How many requests a destination may have at once: the window. It grows with success and shrinks when the
 * host cannot be used, by the feedback that is configured (default_destination_concurrency_positive_feedback
 * and its relatives in postconf(5)): 1 is one more or less for each request, 1/concurrency for each window's
 * worth of them. Enough failures without a success between them, and the destination counts as dead.
 */
#ifndef CAUSEWAY_QUEUE_WINDOW_H
#define CAUSEWAY_QUEUE_WINDOW_H

#include <stdbool.h>

enum feedback_scale { FEEDBACK_CONSTANT, FEEDBACK_CONCURRENCY, FEEDBACK_SQRT_CONCURRENCY };

struct feedback {
	double step;                  /* 0 to 1 */
	enum feedback_scale scale;    /* what step is divided by */
};

/* Reads "number", "number/number", "number/concurrency" or "number/sqrt_concurrency"; false if it is none of
 * these, or more than 1. */
bool feedback_read(const char *text, struct feedback *);

struct window_rules {
	unsigned initial, limit;
	struct feedback positive, negative;
	unsigned cohorts;             /* failures that make it dead, in windows' worth; 0: any number */
};

struct window {
	unsigned size;                /* 1 to the limit */
	double gain, loss;            /* what has not made a whole request yet */
	double failed;                /* in a row, in windows' worth */
};

/* As it is for a destination nothing is known of. */
void window_begin(struct window *, const struct window_rules *);

/* A request went well; busy: requests that are still out. The window does not grow beyond what is used. */
void window_went_well(struct window *, const struct window_rules *, unsigned busy);

/* The host could not be used; returns whether it is dead: after that many failures, or when nothing else is
 * out there that could do better. */
bool window_failed(struct window *, const struct window_rules *, unsigned busy);

/* The host says that it is busy: what it still serves is what it can take. */
void window_turned_away(struct window *, unsigned busy);

#endif
