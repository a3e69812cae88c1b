/*
 * Whether a destination is alive. A dead one is asked again after 1, 2, 4 … s up to minimal_backoff_time, by
 * one request of a real message; a UNIX socket that appears again is asked at once. One success, and
 * everything that waited moves.
 */
#ifndef CAUSEWAY_QUEUE_HEALTH_H
#define CAUSEWAY_QUEUE_HEALTH_H

#include "queue/destination/destination.h"

struct finish;

/* The destination is new and alive; it goes. */
void health_begin(struct destination *);
void health_end(struct destination *);

/* A request says by its finish that the host cannot be used; probe: it was the one that had to find out. The
 * window shrinks, or the destination is dead from now on. */
void health_failed(struct destination *, const struct finish *, bool probe);
/* The entry's recipients were deferred because the host cannot be used: if that is what it turns out to be,
 * they are tried again as soon as it works. */
void health_blames(struct destination *, struct entry *);
/* A request says that the host is too busy to serve it. */
void health_busy(struct destination *, const struct finish *, bool probe);
/* A request ran to its end. */
void health_works(struct destination *);
/* The request that had to find out came back without an answer. */
void health_unknown(struct destination *);

/* Nothing is sent to it until it is resumed; then it is tried at once. */
void health_suspend(struct destination *);
void health_resume(struct destination *);
/* "alive", "dead" or "suspended". */
const char *health_name(const struct destination *);

/* Why it is not served, and the status of what waits for it therefore. */
const char *health_trouble(const struct destination *);
const char *health_dsn(const struct destination *);

/* The operator wants to know now. */
void health_ask_now(struct destination *);
/* The same; what is first in its line shall ask. */
void health_ask_front(struct destination *);
/* Dead for so long that what waits need not stay in memory. */
bool health_is_long_dead(const struct destination *);
/* Whether what waits here waits for a sign of life, or for the operator. */
bool health_stalls(const struct destination *);

#endif
