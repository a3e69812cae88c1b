/*
 * The operator's door: HTTP with JSON bodies on the UNIX control socket, and a smaller door for metrics on
 * control { http }. It asks the queue and shows; it decides nothing. doc/design.md lists the paths.
 */
#ifndef CAUSEWAY_DAEMON_CONTROL_H
#define CAUSEWAY_DAEMON_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>

#include "settings/settings.h"
#include "net/loop.h"
#include "queue/queue.h"

struct control;
struct control_processes;

/* reload(arg) is called for POST /reload, which is answered by control_reloaded. The settings are
 * borrowed until control_reconfigure. */
struct control *control_new(struct loop *, struct queue *, const struct settings *,
	void (*reload)(void *arg), void *arg);
void control_free(struct control *);

/* Serves a listening socket, which it owns: all paths to the operator, or only what is to be read by
 * anybody (metrics). A socket that came before for the same use is closed. */
void control_listen(struct control *, int fd, bool operator);

/* After a reload; the settings are borrowed. */
void control_reconfigure(struct control *, const struct settings *);

/* Answers those who asked for a reload: "" for a good one, else the complaint. */
void control_reloaded(struct control *, const char *complaint);

/* What is shown of the processes; belongs to the control. */
struct control_processes *control_processes(struct control *);

#endif
