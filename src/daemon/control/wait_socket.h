/*
 * drop/socket: where producers ask for the outcome of their own drop files (format/drop/wait_line.h says
 * how). Each connection is one caller of queue/caller/waits.h. Callers are strangers: how many there may be,
 * how long they may say nothing and how much waits for them is bounded, and what one says wrong ends his
 * connection only.
 */
#ifndef CAUSEWAY_DAEMON_WAIT_SOCKET_H
#define CAUSEWAY_DAEMON_WAIT_SOCKET_H

#include "net/loop.h"
#include "queue/queue.h"

struct wait_socket;

/* Both are borrowed. */
struct wait_socket *wait_socket_new(struct loop *, struct queue *);
/* Whoever waits still is let go: his message remains in the queue. */
void wait_socket_free(struct wait_socket *);

/* Serves a listening socket, which it owns; one that came before is closed. */
void wait_socket_listen(struct wait_socket *, int fd);

#endif
