/*
 * How many of a window's requests are of use. A store on this machine (a UNIX socket) that is at the end of
 * its processors' strength gets slower with each further connection. So, while mail waits for it, fewer are
 * tried now and then, not less than the initial concurrency; and if as much is delivered with fewer, so it
 * stays. Less delivered than before, mail no longer waiting, few deliveries: and the whole window is used
 * again.
 */
#ifndef CAUSEWAY_QUEUE_WIDTH_H
#define CAUSEWAY_QUEUE_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

struct destination;
struct loop_timer;

enum width_phase {
	WIDTH_MEASURING,              /* what is delivered at the width that is kept */
	WIDTH_TURNING,                /* requests of the width before are still out */
	WIDTH_TRYING                  /* what is delivered at another one */
};

struct width {
	unsigned now;                 /* requests at once; 0: the whole window */
	unsigned kept;                /* the last that has proved itself; 0 likewise */
	enum width_phase phase;
	bool wider;                   /* where the next trial goes */
	bool trial;                   /* what follows WIDTH_TURNING is WIDTH_TRYING */
	double rate;                  /* deliveries per ms at what is kept */
	unsigned rest, patience;      /* epochs before the next trial; and how many after one that fails */
	unsigned count;               /* deliveries in this epoch */
	bool idle;                    /* some time in it nothing waited */
	unsigned window;              /* at its begin */
	int64_t since;                /* that; ms of the boot clock */
	struct loop_timer *timer;     /* its end; made when first needed */
};

/* Requests that the destination may have at once: its window, or less. */
unsigned width_of(const struct destination *);

/* A request went well there. */
void width_delivered(struct destination *);

/* Frees the timer. */
void width_end(struct destination *);

/* What follows an epoch in which mail waited all the time, with so many deliveries per ms: changes now within
 * [least, most]. In WIDTH_TURNING the deliveries say nothing. */
void width_judge(struct width *, unsigned least, unsigned most, double rate);

#endif
