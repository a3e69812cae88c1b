/*
 * One request on its way over the hosts of its destination: a session that is idle or new, and for the
 * recipients that this host did not settle the next one. Every recipient is answered exactly once; at
 * most one connection is used at a time.
 */
#ifndef CAUSEWAY_COURIER_DELIVERY_H
#define CAUSEWAY_COURIER_DELIVERY_H

#include "base/list.h"
#include "courier/delivery/ahead.h"
#include "courier/hosts/hosts.h"
#include "courier/session/pool.h"
#include "link/link.h"
#include "settings/settings.h"

/* What all deliveries of a courier share. */
struct delivery_tools {
	struct session_common sessions;
	struct hosts_setup hosts;
	const struct transports *transports;
	int64_t minimal_backoff_time;    /* ms: mail of that age goes in clear where TLS that is no must fails */
	struct pool *pool;
	struct ahead *ahead;
	struct link *link;
	void (*connecting)(void *arg);   /* a new connection is about to be made: the time to make room */
	void (*over)(void *arg);         /* a request is over, its finish was sent */
	void *arg;
	struct list running;
	size_t running_count;
};

/* Begins; request and fd (-1: none) are owned from now on. Answers and the finish go to the link. */
void delivery_start(struct delivery_tools *, struct request *, int fd);

/* A request that was sent ahead goes back untried, if it still waits. */
void delivery_recall(struct delivery_tools *, uint32_t destination, uint32_t request);

/* Drops all that run without an answer, at the end of the process. */
void delivery_free_all(struct delivery_tools *);

#endif
