/* What the files of this floor share: the parts of a queue, its clock, and "look for work at the end of this
 * turn". */
#ifndef CAUSEWAY_QUEUE_CORE_H
#define CAUSEWAY_QUEUE_CORE_H

#include "net/loop.h"
#include "queue/destination/destination.h"
#include "queue/message/message.h"
#include "queue/message/schedule.h"
#include "queue/queue.h"
#include "queue/report/events.h"
#include "settings/settings.h"
#include "spool/spool.h"

struct batches;
struct couriers;
struct explanations;
struct metrics;
struct notices;
struct sent_reports;
struct route;
struct router;
struct status_filters;
struct successes;
struct suspects;
struct unwritten;
struct verifications;
struct waits;

struct queue {
	struct loop *loop;
	const struct settings *settings;
	struct spool *spool;
	struct messages *messages;
	struct schedule *schedule;
	struct route *route;
	struct router *router;
	struct destinations *destinations;
	struct couriers *couriers;
	struct batches *batches;
	struct unwritten *unwritten;
	struct sent_reports *reports;
	struct notices *notices;
	struct successes *successes;
	struct status_filters *status_filters;
	struct suspects *suspects;
	struct metrics *metrics;
	struct waits *waits;
	struct explanations *explanations;
	struct events events;
	struct kept *kept;
	struct verifications *verifications;
	struct loop_task turn;         /* looks for work */
	struct loop_timer *due;        /* the next waiting message */
	struct loop_timer *minute;     /* housekeeping */
	size_t active_limit;           /* messages with envelope and open file */
	size_t loading;                /* messages whose envelope is being read for an attempt */
	int64_t started;               /* ms of the boot clock */
	uint64_t random;
	bool ready;                    /* the spool has told all that it knew */
	bool intake_paused;
	/* when one could take a request, or had one, last; ms of the boot clock */
	int64_t last_courier;
	struct list walks;             /* of operators through the queue */
	bool stopping, closing;        /* asked to; nothing is left to do but close the spool */
	struct loop_timer *grace;
	struct queue_supervisor supervisor;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

int64_t queue_now(const struct queue *);                       /* ms of the boot clock */
int64_t queue_wall(const struct queue *, int64_t boot_ms);     /* the same moment, ms since 1970 */
int64_t queue_boot(const struct queue *, int64_t wall_ms);     /* the other way round */
void queue_kill_courier(struct queue *, unsigned slot, pid_t pid);
void queue_replace_courier(struct queue *, unsigned slot, pid_t);
void queue_start_apart(struct queue *);                        /* the courier for suspects */
void queue_wake(struct queue *);                               /* at the end of this turn, look for work */

#endif
