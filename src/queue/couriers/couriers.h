/*
 * The couriers and what they have in hand: credits, requests in flight, and the leases of connections. A
 * lease is the right to one connection to a destination: it goes out with a request, lies idle at its courier
 * when the connection is kept, and comes back when the connection is closed or the courier ends. So all
 * connections together never exceed the destination's limit.
 */
#ifndef CAUSEWAY_QUEUE_COURIERS_H
#define CAUSEWAY_QUEUE_COURIERS_H

#include "base/json.h"
#include "base/map.h"
#include "link/link.h"
#include "queue/destination/destination.h"

struct queue;

struct courier {
	struct list all;
	struct couriers *home;
	unsigned slot;                /* the supervisor's number; several may share it during a reload */
	unsigned seat;                /* our own: index of its shares in the destinations */
	pid_t pid;
	struct link *link;            /* NULL once it has ended */
	/* further requests that it takes; one comes back with the end of each request */
	unsigned credit;
	unsigned flying;              /* requests in its hands */
	bool apart;                   /* for suspects only (queue/couriers/suspect.h) */
	bool retiring;                /* finishes what it has */
	bool broken, gone;            /* its link has ended; the supervisor has seen its end */
	int status;                   /* as of waitpid */
	int64_t ended;                /* when the first of the two was noticed; ms of the boot clock */
	/* its last word, or when it got something to do; ms of the boot clock */
	int64_t heard;
	struct list flights;
	int64_t used;                 /* requests sent to it */
	struct loop_timer *idle;      /* with max_idle: since it has none */
};

/* All of them; for the files that share it: couriers.c, flight.c, loss.c. */
struct couriers {
	struct queue *queue;
	struct list list;
	struct idmap *flights;        /* by number */
	uint32_t last_flight;
	struct loop_task bury;        /* sees to those that have ended */
	struct loop_timer *patience;  /* with half an end */
};

/* There is none yet. */
struct couriers *couriers_new(struct queue *);
void couriers_free(struct couriers *);

/* A courier was started, fd is our end of its link (owned); and the supervisor has seen its end, status as of
 * waitpid. */
void couriers_add(struct couriers *, unsigned slot, pid_t pid, int fd);
void couriers_gone(struct couriers *, unsigned slot, pid_t pid, int status);
/* It finishes what it has and gets nothing new; the supervisor replaces it. */
void courier_retire(struct courier *);
void couriers_retire(struct couriers *);      /* all that exist now */
/* The one for suspects, or NULL. */
struct courier *couriers_apart(struct couriers *);

/* One that can be asked something, or NULL. */
struct courier *couriers_any(struct couriers *);

/* Those that take requests, maybe without credit at the moment. */
size_t couriers_working(const struct couriers *);
bool couriers_have_credit(const struct couriers *);           /* whether one of them takes one more now */
size_t couriers_flying(const struct couriers *);              /* requests in their hands */
/* The longest time in ms that a courier with requests in its hands has said nothing; 0 if none has any. */
int64_t couriers_silence(const struct couriers *);
/* Asks for the end of those that have been silent for longer than daemon_timeout. */
void couriers_watch(struct couriers *);
/* Sends what the links have gathered in this turn. */
void couriers_flush(struct couriers *);
/* An object for each, for the operator; the caller owns the array. */
json_t *couriers_list(const struct couriers *);

/* The courier that gets the next request for that destination, or NULL: the limit is reached, or its
 * connections lie idle at couriers that cannot take more now (these are then asked to give one up; the
 * destination is woken when it is). apart: only the one for suspects, else never that one. */
struct courier *couriers_choose(struct couriers *, struct destination *, bool apart);

/* A courier that may get one more request for that destination ahead of a connection, or NULL. */
struct courier *couriers_ahead(struct couriers *, struct destination *);

/* Gives everything in flight up as undone. */
void couriers_give_up(struct couriers *);

/* Forgets a courier, and what it still has in hand. */
void couriers_forget(struct courier *);

#endif
