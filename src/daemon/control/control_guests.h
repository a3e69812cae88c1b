/*
 * Who is connected to the HTTP server: how many there may be, and how long each may take to ask. evhttp knows
 * no such limits, and does not tell of connections on which nothing is asked.
 */
#ifndef CAUSEWAY_DAEMON_CONTROL_GUESTS_H
#define CAUSEWAY_DAEMON_CONTROL_GUESTS_H

#include <stdbool.h>

#include "net/loop.h"

struct guests;
struct bufferevent;

/* open(arg, false) says that no more can be let in, open(arg, true) that there is room again. */
struct guests *guests_new(struct loop *, void (*open)(void *arg, bool), void *arg);
/* The loop does not run any more: what answers are ready are sent as far as they can be without waiting. */
void guests_farewell(struct guests *);
void guests_free(struct guests *);      /* after the server itself */

/* A stream for a connection that comes in, which belongs to the server. */
struct bufferevent *guests_welcome(struct guests *);
/* A whole request has come on it: from now on it may stay until it is answered. */
void guests_asked(struct guests *, struct bufferevent *);

#endif
