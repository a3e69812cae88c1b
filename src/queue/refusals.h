/*
 * Logins that servers have refused, as couriers report them (link KEEP, link/keys.h): kept here so that all couriers
 * know of all, those too that are started later. What an entry says is the couriers' affair.
 */
#ifndef CAUSEWAY_QUEUE_REFUSALS_H
#define CAUSEWAY_QUEUE_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>

struct courier;
struct refusals;

struct refusals *refusals_new(void);
void refusals_free(struct refusals *);

/* A courier says so: it is kept, and all others are told. False: the key is about something else. */
bool refusals_keep(struct refusals *, struct courier *from, const char *key, const void *value,
	size_t n);

/* Tells a courier that was just started. */
void refusals_tell(const struct refusals *, struct courier *);

#endif
