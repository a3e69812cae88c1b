/* What the files of the supervisor share: supervise.c is its life, supervise_start.c what is started,
 * supervise_reload.c the reload. */
#ifndef CAUSEWAY_DAEMON_SUPERVISE_PRIVATE_H
#define CAUSEWAY_DAEMON_SUPERVISE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "daemon/supervise/child.h"
#include "daemon/supervise/supervise.h"
#include "net/loop.h"

/* Milliseconds from the order to stop until all that has not ended is killed. */
enum { SUPERVISE_STOP_LIMIT = 10000 };

/* A place for one courier. Couriers that finish after a reload are in no slot. */
struct supervise_slot {
	struct supervisor *s;
	unsigned number;
	struct child *courier;
	struct loop_timer *again;
	int64_t delay;
};

struct supervisor {
	const struct supervise_setup *setup;
	struct settings *settings;
	struct loop *loop;
	struct list children;
	struct child *queue;
	struct supervise_slot **slots;
	size_t slot_count;
	struct loop_timer *queue_again, *deadline;
	struct loop_signal *signals[4];
	int64_t queue_delay;
	int settings_fd, log_fd, control_fd, http_fd, drop_fd, events_fd, events_file_fd;
	bool queue_ready, replacing, announced, stopping;
	int exit_code;
};

/* Called for what a child says. */
void supervise_heard(void *arg, struct child *, const struct reins_message *);

/* The order to stop, with the exit code for the end. */
void supervise_stop(struct supervisor *, int exit_code);

/* supervise_start.c: the queue process (arg: the supervisor), the couriers, and the sockets that the
 * queue process serves. */
void supervise_start_queue(void *arg);
void supervise_start_couriers(struct supervisor *);   /* one in each slot; what ran there finishes itself */
void supervise_start_apart(struct supervisor *);      /* the one that REINS_APART asks for */
void supervise_replace_courier(struct supervisor *, const struct child *);   /* the old one finishes itself */
void supervise_free_slots(struct supervisor *);
int64_t supervise_next_delay(int64_t *delay);         /* before what died is started again, ms */
bool supervise_open_listeners(struct supervisor *, char **why);
void supervise_hand_over_listeners(struct supervisor *);
void supervise_close_control(struct supervisor *);
void supervise_close_http(struct supervisor *);
void supervise_close_drop(struct supervisor *);

/* supervise_events.c: where the queue process tells its events. The file is opened anew each time. */
void supervise_open_events(struct supervisor *);
void supervise_hand_over_events(struct supervisor *);
void supervise_close_events(struct supervisor *);

/* supervise_reload.c */
void supervise_reload(struct supervisor *);

#endif
