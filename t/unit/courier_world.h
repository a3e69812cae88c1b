/* A courier inside the test, the queue's end of its link beside it on the same loop, and a scripted peer. */
#ifndef CAUSEWAY_UNIT_COURIER_WORLD_H
#define CAUSEWAY_UNIT_COURIER_WORLD_H

#include "courier/courier.h"
#include "courier_peer.h"
#include "unit.h"

extern struct peer peer;
extern struct loop *loop;
extern struct link *queue;
extern struct courier *courier;
extern unsigned credits, closes;
extern char log_text[4000];     /* a line for each answer and finish */

/* Ahead of start: an option by its path. */
void set(const char *path, const char *value);

/* The courier, and the peer if there is a script for it. */
void start(const char *const *script);
void start_with(const char *const *script, bool inet);
void finish(void);

/* Runs the loop until so many credits, finishes and ends of idle connections have come. */
void run_until(int n);

const char *nexthop_of_peer(void);

/* A message in a queue file, its body of about so many bytes. */
int file_of(size_t body);
void send_sized(const char *transport, const char *nexthop, size_t rcpts, size_t body);
void send_one(const char *nexthop, size_t rcpts);
/* One recipient, sent ahead of a connection; returns the request's number. */
uint32_t send_ahead(const char *nexthop);

#endif
