/*
 * A queue with everything around it, on virtual time: the spool in memory, couriers at the other end of real
 * links, and scripted hosts behind them. What a host does with a recipient is told by the beginning of its
 * address: ok, later (450), never (550), again (once more, the first time), alone (the same, in a transaction
 * of its own), lost (no final reply, and the connection is gone), mute (no answer from the courier), crash
 * (the courier crashes; the first recipient of a request counts); all else
 * is taken.
 */
#ifndef CAUSEWAY_UNIT_QUEUE_WORLD_H
#define CAUSEWAY_UNIT_QUEUE_WORLD_H

#include <sys/types.h>

#include "base/list.h"
#include "fake_loop.h"
#include "fake_spool.h"
#include "link/link.h"
#include "settings/settings.h"
#include "queue/core.h"
#include "queue/queue.h"

struct host {
	char nexthop[80];
	bool dead;
	const char *dsn;              /* of what waits for it; NULL: 4.4.1 */
	bool fails;                   /* says 421 in the middle of each request */
	unsigned busy_above;          /* connections it serves; 0: all */
	unsigned cost;                /* ms that a request takes longer for each one that is at work */
	unsigned at_work;
	bool has_dsn;                 /* it makes reports of success itself */
	bool closes_idle;             /* after each transaction's end, a while later */
	unsigned open, open_max, requests, rcpts_max, probes;
	int64_t last_request;
};

struct world {
	struct loop *loop;
	struct settings *settings;
	struct queue *queue;
	struct host hosts[40];
	size_t host_count;
	struct list couriers;
	unsigned credit;              /* that each courier grants; 16 if not set */
	int64_t duration;             /* ms of a request; 10 if not set */
	pid_t last_pid;
	unsigned sent, deferred, bounced;     /* answers given */
	unsigned ahead, recalled;             /* requests sent ahead of a connection; those that came back so */
	unsigned crashes;
	bool never_keeps;             /* connections are closed after each request */
	bool gives_back;              /* couriers call requests untried that had a connection */
	bool hold_answers;            /* requests stay with their couriers */
	bool mark_dots;               /* couriers say that the content is on its way */
	bool stopped;
	struct loop_task apart;
};

/* Settings: mailbox_domains a.test b.test … each by transport_maps to its own host; then settings pairs name,
 * value up to NULL. */
void world_begin(struct world *, ...);
void world_open(struct world *);              /* the queue, and one courier */
void world_end(struct world *);
void world_crash(struct world *);             /* the queue process dies, and its couriers with it */

struct host *world_host(struct world *, const char *nexthop);
/* One more courier; returns its pid. */
pid_t world_courier(struct world *, unsigned slot);
/* The courier of that pid ends, if it has not yet, with what it has in its hands; status as of waitpid. */
void world_kill(struct world *, pid_t, int status);
/* Its link ends, but nobody says that the process has ended too. */
void world_break(struct world *, pid_t);
void world_end_couriers(struct world *);      /* all of them, and nobody says so */
/* That courier wants something to be kept; and what it was told so far, "KEY=VALUE\n" for each. */
void world_keep(struct world *, pid_t, const char *key, int64_t until, const char *value);
const char *world_told(struct world *, pid_t);
size_t world_held(const struct world *);      /* requests at couriers */

/* What an operator does: queue_order about all that the filter fits (NULL: everything), and queue_suspend. */
void world_order(struct world *, enum queue_order, uint64_t id, const struct queue_filter *, bool dry_run);
void world_suspend(struct world *, const char *destination, bool suspended);

uint64_t world_drop(struct world *, const char *sender, const char *rcpt);
uint64_t world_drop_many(struct world *, const char *sender, const char *prefix, const char *domain,
                         size_t count);

/* Runs until so many messages are left in the spool, at most for ms; whether it came to that. */
bool world_until_left(struct world *, size_t count, int64_t ms);
/* The same until the flag is set. */
bool world_until_set(struct world *, bool *flag, int64_t ms);
void world_run(struct world *, int64_t ms);

/* How often the text stands in the journal's calls. */
unsigned world_journal(const char *text);
/* The first words of the journal's lines about the message, and of its reports: "s done". */
const char *world_story(uint64_t id);
/* The message's state, or "gone". */
const char *world_state(struct world *, uint64_t id);

#endif
