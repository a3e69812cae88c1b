/*
 * What couriers want to be kept for all of them, by names of theirs (link/keys.h): TLS sessions, refused
 * logins, dead addresses. Bounded, forgets what is out of date, and what came first when it is full; an
 * orderly stop leaves it in the spool's file "kept" for the next start. It holds secrets of sessions: nobody
 * but the daemon's user may read it.
 */
#ifndef CAUSEWAY_QUEUE_KEPT_H
#define CAUSEWAY_QUEUE_KEPT_H

#include "base/text.h"

struct kept;

/* The directory is the spool's; what a file there holds is read. now: ms since 1970. */
struct kept *kept_new(const char *directory, int64_t now);
void kept_free(struct kept *);
/* Writes the file, or removes it when nothing is kept. */
void kept_save(const struct kept *);

/* value: the moment until which it is good (int64_t, ms since 1970), then what is kept; with nothing behind
 * that moment the name is forgotten. */
void kept_put(struct kept *, const char *name, struct text value);
/* What stands behind the moment; empty: nothing. Valid until the next call. */
struct text kept_get(struct kept *, const char *name, int64_t now);
/* Calls back for each name that begins so (as one sort of names does) and is good, the oldest first; nothing
 * may be put meanwhile. */
void kept_each(const struct kept *, const char *beginning, int64_t now,
	void (*)(void *arg, const char *name, struct text value), void *arg);

#endif
