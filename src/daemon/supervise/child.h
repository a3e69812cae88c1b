/* A child process as the supervisor holds it: its pid, its reins, and how long it has lived. */
#ifndef CAUSEWAY_DAEMON_CHILD_H
#define CAUSEWAY_DAEMON_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "daemon/process/reins.h"
#include "net/loop.h"

struct child {
	struct list node;
	pid_t pid;
	bool courier;              /* else the queue process */
	unsigned slot;             /* courier's */
	int64_t started;           /* loop_now */
	struct reins *reins;
	void (*heard)(void *arg, struct child *, const struct reins_message *);
	void *arg;
};

/* What a child is started with; log and settings stay the caller's. */
struct child_setup {
	struct loop *loop;
	int settings, log;         /* log -1: not a file */
	void (*heard)(void *arg, struct child *, const struct reins_message *);
	void *arg;
};

/* NULL with errno if it cannot be started. A courier's other end of its link goes to *link, which the
 * caller owns. */
struct child *child_start_queue(const struct child_setup *);
struct child *child_start_courier(const struct child_setup *, unsigned slot, int *link);
void child_free(struct child *);   /* takes it off its list, too */

/* Sends the child a message of that kind; fd (-1: none) and text (NULL: "") stay the caller's. */
void child_tell(struct child *, enum reins_kind, unsigned slot, int fd, const char *text);

/* "courier 4711 was killed by signal 11 (Segmentation fault)", "queue process 4710 ended with status 75";
 * free() it. */
char *child_epitaph(const struct child *, int status);

#endif
