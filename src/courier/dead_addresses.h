/*
 * Addresses that let a connection attempt run out of time: for some minutes they are tried behind all others of
 * their destination, so that a path that is dead costs the time limit once, and not for each message. They are
 * never left out: what has no other address is tried as ever.
 */
#ifndef CAUSEWAY_COURIER_DEAD_ADDRESSES_H
#define CAUSEWAY_COURIER_DEAD_ADDRESSES_H

#include "net/endpoint.h"
#include "net/loop.h"

struct dead_addresses;

struct dead_addresses *dead_addresses_new(struct loop *, int64_t remember_ms);
void dead_addresses_free(struct dead_addresses *);

void dead_addresses_add(struct dead_addresses *, const struct endpoint *);
void dead_addresses_remove(struct dead_addresses *, const struct endpoint *);   /* it answers again */

/* Whether it is remembered (with its port), and since how many ms. NULL remembers nothing. */
bool dead_addresses_has(struct dead_addresses *, const struct endpoint *, int64_t *since);

#endif
