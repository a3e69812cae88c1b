/*
 * Where the queue's events go (queue/report/events.h): to a file, and to every program that is connected to a
 * UNIX socket. Both are opened by the supervisor. Who reads too slowly is cut off: the file has everything.
 */
#ifndef CAUSEWAY_DAEMON_EVENT_FEED_H
#define CAUSEWAY_DAEMON_EVENT_FEED_H

#include "net/loop.h"
#include "queue/queue.h"

struct event_feed;

/* Both are borrowed. Nothing is told before a file or a socket is there. */
struct event_feed *event_feed_new(struct loop *, struct queue *);
void event_feed_free(struct event_feed *);

/* The file, open for appending, or -1 for none; owned from now on. */
void event_feed_file(struct event_feed *, int fd);
/* The socket that listens, or -1; owned from now on. Readers that are connected stay. */
void event_feed_listen(struct event_feed *, int fd);

#endif
