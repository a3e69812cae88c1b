/*
 * The queue: owns the messages, the schedule, the routes, the destinations and the reports. daemon/ builds
 * one in the queue process, hands it couriers as they come, and asks it on behalf of the operator.
 */
#ifndef CAUSEWAY_QUEUE_QUEUE_H
#define CAUSEWAY_QUEUE_QUEUE_H

#include "base/json.h"
#include "settings/settings.h"
#include "net/loop.h"

struct queue;

/* Opens the spool and begins; NULL, *why (free() it) and *exit_code as spool_open. The settings are borrowed
 * until queue_reconfigure has given others. */
struct queue *queue_new(struct loop *, const struct settings *, char **why, int *exit_code);

/* Stops intake, lets running requests end (at most grace_ms; then gives them up as undone), commits, then
 * calls stopped(arg). */
void queue_stop(struct queue *, int64_t grace_ms, void (*stopped)(void *arg), void *arg);
void queue_free(struct queue *);

/* New settings are in force for everything that begins now. */
void queue_reconfigure(struct queue *, const struct settings *);

/* A courier was started: fd is the queue's end of its link, owned from now on. */
void queue_courier(struct queue *, unsigned slot, pid_t pid, int fd);
/* A courier has ended; status as of waitpid: what it had in flight is put back, retried, or made suspect. */
void queue_courier_gone(struct queue *, unsigned slot, pid_t pid, int status);

/* Who starts couriers and can kill them. */
struct queue_supervisor {
	/* one stands still, or has let go of its link */
	void (*kill)(void *arg, unsigned slot, pid_t pid);
	/* one has served long enough and only finishes what it has: another one is wanted in its place */
	void (*replace)(void *arg, unsigned slot, pid_t pid);
	/* one more is wanted, for suspects alone: it shall come with the slot QUEUE_SLOT_APART */
	void (*start_apart)(void *arg);
	void *arg;
};
#define QUEUE_SLOT_APART 65535u
void queue_set_supervisor(struct queue *, const struct queue_supervisor *);   /* copied */

/* A line of JSON for each event that is on the disk (queue/report/events.h); tell NULL: none. */
void queue_set_events(struct queue *, void (*tell)(void *arg, const char *line, size_t n), void *arg);

/* --- the operator's questions; the caller owns what is returned --- */

struct queue_filter {
	const char *state;        /* active deferred held incoming; NULL: any */
	const char *to;           /* destination (transport:nexthop, or a part of it) or recipient domain */
	const char *from;         /* sender address or part of it */
	int64_t older;            /* ms; 0: any */
	const char *reason;       /* part of the last reason, no case */
};

/* totals, depth by state, oldest, couriers, spool */
json_t *queue_status(struct queue *);
/* One object a message, passed to each(arg, object) (borrowed); async because waiting messages' envelopes are
 * on disk; then end(arg). While full(arg) is true none are passed, but it is asked again and again. */
void queue_list(struct queue *, const struct queue_filter *, void (*each)(void *arg, json_t *message),
	bool (*full)(void *arg), void (*end)(void *arg), void *arg);
/* One message with its recipients and history, or NULL object if there is none of that id; content true adds
 * the raw content. */
void queue_show(struct queue *, uint64_t id, bool content, void (*done)(void *arg, json_t *message),
	void *arg);
/* What to do with messages: try them now; keep them until they are released; give them up without a
 * report. */
enum queue_order { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_DELETE };
struct queue_order_answer {
	size_t found;             /* messages that were meant */
	/* those whose state the order fits, the ones being delivered included for a retry */
	size_t changed;
};
/* Gives the order about one id, or all messages that the filter names (id 0). done(arg, answer) comes when
 * all is on the disk; with dry_run nothing is done. */
void queue_order(struct queue *, enum queue_order, uint64_t id, const struct queue_filter *, bool dry_run,
	void (*done)(void *arg, const struct queue_order_answer *), void *arg);

/* All of them, an array of what GET /destinations shows; the caller's. */
json_t *queue_destinations(struct queue *);
/* Nothing more is sent to the destination ("transport:nexthop") until it is resumed, over a restart too; one
 * that has no mail yet is made, with a note. done(arg, destination, NULL) comes when that is on the disk,
 * with its state as an object; or done(arg, NULL, why) at once if it cannot be: no such transport, or a
 * nexthop that cannot be read. Both are the callee's for the call. */
void queue_suspend(struct queue *, const char *destination, bool suspend,
	void (*done)(void *arg, json_t *destination, const char *why), void *arg);
/* Which way mail for that address would take, and the hosts that a courier finds there; nothing is sent to
 * them. False and *why (constant) if it is no address; else done(arg, way) comes, now or later, with an
 * object that is the callee's for the call. */
bool queue_explain(struct queue *, const char *address, void (*done)(void *arg, json_t *way), void *arg,
	const char **why);
/* Asks the destination of that address whether it would take mail for it, by MAIL and RCPT
 * (address_verify_target: up to DATA), never with content. done(arg, result, NULL) comes within limit ms,
 * with what was found out as an object whose status is "deliverable", "undeliverable" or "deferred"; or
 * done(arg, NULL, why) at once if that is no address. Both are the callee's for the call. */
void queue_verify(struct queue *, const char *address, int64_t limit,
	void (*done)(void *arg, json_t *result, const char *why), void *arg);
/* Prometheus text. */
void queue_metrics(struct queue *, struct buf *out);
/* True while mail is taken in and delivered; else one line in *why (constant), which says what is not. */
bool queue_healthy(struct queue *, const char **why);

#endif
