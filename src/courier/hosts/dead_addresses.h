/*
 * Addresses that let a connection attempt run out of time: for some minutes they are tried behind all others
 * of their destination, so that a path that is dead costs the time limit once, and not for each message. They
 * are never left out: what has no other address is tried as ever. Every courier knows of all: each tells the
 * queue process of what it finds, which tells the others and those that come later (link/keys.h).
 */
#ifndef CAUSEWAY_COURIER_DEAD_ADDRESSES_H
#define CAUSEWAY_COURIER_DEAD_ADDRESSES_H

#include "link/link.h"
#include "net/endpoint.h"
#include "net/loop.h"

struct dead_addresses;

/* The loop and the link are borrowed. Link NULL: nobody else is told. */
struct dead_addresses *dead_addresses_new(struct loop *, struct link *, int64_t remember_ms);
void dead_addresses_free(struct dead_addresses *);

/* A connection to it ran out of time just now; the other couriers are told. */
void dead_addresses_add(struct dead_addresses *, const struct endpoint *);
void dead_addresses_remove(struct dead_addresses *, const struct endpoint *);   /* it answers again */
/* What the link brings (its event keep): takes what is about dead addresses. */
void dead_addresses_hear(struct dead_addresses *, const char *key, const void *value, size_t n);

/* Whether it is remembered (with its port), and since how many ms. NULL remembers nothing. */
bool dead_addresses_has(struct dead_addresses *, const struct endpoint *, int64_t *since);

#endif
