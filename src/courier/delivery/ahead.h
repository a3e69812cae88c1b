/*
 * Requests that were sent ahead, by destination, in the order of their coming: each waits until the
 * connection of another one is passed to it, or the queue wants it back.
 */
#ifndef CAUSEWAY_COURIER_AHEAD_H
#define CAUSEWAY_COURIER_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct ahead;

/* Without any. */
struct ahead *ahead_new(void);
void ahead_free(struct ahead *);        /* what waits is the caller's */
size_t ahead_count(const struct ahead *);

/* Puts waiting, which stays the caller's, behind the others of that destination. */
void ahead_put(struct ahead *, uint32_t destination, struct list *waiting);
/* The first one; NULL: there is none. */
const struct list *ahead_first(const struct ahead *, uint32_t destination);
/* Takes the first one, or the one that fits (true), out; NULL: there is none. */
struct list *ahead_take(struct ahead *, uint32_t destination);
struct list *ahead_take_that(struct ahead *, uint32_t destination,
	bool (*fits)(const struct list *, uint32_t request), uint32_t request);

#endif
