/*
 * Idle connections of a courier, by destination (the queue's number for transport and nexthop, so whoever
 * asks by it shares all that made the session what it is). Each of them counts against its destination's
 * limit until it is closed: the queue hears of every end.
 */
#ifndef CAUSEWAY_COURIER_POOL_H
#define CAUSEWAY_COURIER_POOL_H

#include "courier/session/session.h"

struct pool;

/* closed: so many idle connections of a destination have ended; from the end of a turn. hurry_ms: most that
 * the answer to QUIT may take where somebody waits for a connection to be given back. */
struct pool *pool_new(struct loop *, int64_t hurry_ms,
	void (*closed)(void *arg, uint32_t destination, unsigned count), void *arg);
void pool_free(struct pool *);

/* The idle session used last that may be used again for mail of that sender, the caller's now; NULL: none. */
struct session *pool_take(struct pool *, uint32_t destination, const char *sender, enum tls_wanted);

/* Keeps an idle session for idle_ms, then says QUIT. */
void pool_put(struct pool *, uint32_t destination, struct session *, int64_t idle_ms);

/* Gives back count of them (0: all) with QUIT; they leave the pool when they are closed. */
void pool_close(struct pool *, uint32_t destination, unsigned count);
void pool_close_all(struct pool *);

/* Closes the oldest ones until no more than most are left. */
void pool_trim(struct pool *, size_t most);

#endif
