/* Both ends of a link on one loop, and what they have heard. */
#ifndef CAUSEWAY_UNIT_LINK_WORLD_H
#define CAUSEWAY_UNIT_LINK_WORLD_H

#include "link/link.h"
#include "unit.h"

extern struct loop *loop;
extern struct link *queue, *courier;
extern const struct link_events at_queue, at_courier;

extern int heard_requests, heard_answers, heard_finishes, heard_other, breaks;
extern struct request *last_request;
extern int last_fd;                    /* of the last request; -1: none */
extern struct finish last_finish;      /* its reason is gone */
extern char heard_text[400], why[400]; /* the last message, and why the link broke */

/* Two ends that speak to each other, and the end of both. */
void start(void);
void finish(void);
/* Two ends of a socket of the kind that links are made of. */
void pair_of(int fds[2]);

/* Runs the loop until n things were heard, or the link broke. */
void run_until(int n);

struct request *some_request(uint32_t number, size_t rcpts);
int some_file(void);
/* Such a request with such a file, from the queue. */
void send_one(uint32_t number, size_t rcpts);

#endif
