/*
 * The event loop of a process (libevent): timers, descriptors, signals, and "later this turn". Call-backs
 * run from the loop only, never from inside the call that asked for them.
 */
#ifndef CAUSEWAY_NET_LOOP_H
#define CAUSEWAY_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct event_base;

struct loop *loop_new(void);                         /* the process ignores SIGPIPE from now on */
void loop_free(struct loop *);                       /* all timers, watches and signals must be gone */
struct event_base *loop_base(struct loop *);         /* for stream, resolver and the control server only */
void loop_run(struct loop *);                        /* until loop_stop; log_flush after every turn */
void loop_stop(struct loop *);

/* Whether the thread, when something happens, waits until whoever is at work has had its turn (SCHED_BATCH),
 * and so finds more to do. Without effect where the process was started under another policy than the usual
 * one. */
void loop_set_patient(struct loop *, bool);

/* Milliseconds of CLOCK_BOOTTIME, read once a turn: all waiting is on it. */
int64_t loop_now(const struct loop *);
/* Milliseconds since 1970 (CLOCK_REALTIME), read once a turn. */
int64_t loop_wall(const struct loop *);
/* Microseconds of CLOCK_MONOTONIC, read now: for measuring. */
int64_t loop_micros(void);

/* One-shot timer. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *, void (*fire)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *, int64_t after_ms);   /* from now; replaces what was set */
void loop_timer_stop(struct loop_timer *);
bool loop_timer_is_set(const struct loop_timer *);
void loop_timer_free(struct loop_timer *);

/* Readiness of a descriptor; the descriptor stays the caller's. */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *, int fd,
	void (*ready)(void *arg, bool readable, bool writable), void *arg);
void loop_watch_want(struct loop_watch *, bool readable, bool writable);
void loop_watch_free(struct loop_watch *);

/* A signal as an event. */
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *, int signo, void (*caught)(void *arg, int signo),
	void *arg);
void loop_signal_free(struct loop_signal *);

/*
 * Runs fn(arg) once, at the end of this turn (after all events that are ready). A task embedded in its
 * owner; asking twice is once. Tasks run in rounds: what a task asks for comes after all that were asked
 * for before, in the same turn.
 */
struct loop_task {
	struct loop_task *next;
	void (*fn)(void *arg);
	void *arg;
	bool queued;
};
void loop_later(struct loop *, struct loop_task *);
void loop_cancel(struct loop *, struct loop_task *);   /* harmless if not queued */

#endif
