/* What is shown of the daemon's processes: the queue process's own sandbox, and the couriers that come
 * and go. */
#ifndef CAUSEWAY_DAEMON_CONTROL_PROCESSES_H
#define CAUSEWAY_DAEMON_CONTROL_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

#include "base/json.h"

struct control_processes;

/* Knows of none yet. */
struct control_processes *control_processes_new(void);
void control_processes_free(struct control_processes *);

/* What the queue process's own sandbox is made of; the text is copied. */
void control_processes_own(struct control_processes *, const char *sandbox);
/* A courier was started (sandbox NULL), or told its sandbox; it is gone, status as of waitpid. */
void control_processes_courier(struct control_processes *, unsigned slot, pid_t, const char *sandbox);
void control_processes_gone(struct control_processes *, pid_t, int status);

/* Couriers that did not end by themselves with status 0, since the start. */
size_t control_processes_failures(const struct control_processes *);

/* An array of objects; the caller owns it. To be called in the queue process. */
json_t *control_processes_json(const struct control_processes *);

#endif
