/*
 * How long a courier may sit still while requests wait for its connections: one waking then serves several of
 * them, and the peers, which may share the processors with it, work undisturbed. Where transactions are short
 * there is no rest, and where nothing waits nobody is kept waiting.
 */
#ifndef CAUSEWAY_COURIER_COALESCE_H
#define CAUSEWAY_COURIER_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

struct coalesce {
	int64_t usual;               /* what a transaction takes: a running mean */
};

/* A transaction took so many microseconds. */
void coalesce_took(struct coalesce *, int64_t micros);

/* Microseconds, 0 for none; waiting: requests wait for a connection. */
int64_t coalesce_rest(const struct coalesce *, bool waiting);

#endif
