#include "daemon/process/queue_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/control/control.h"
#include "daemon/control/control_processes.h"
#include "daemon/control/event_feed.h"
#include "daemon/control/wait_socket.h"
#include "daemon/process/process.h"
#include "daemon/process/reins.h"
#include "daemon/sandbox/sandbox.h"
#include "net/loop.h"
#include "queue/queue.h"

/* How long requests that run may go on after the order to stop. */
#define STOP_GRACE 3000

struct queue_side {
	struct loop *loop;
	struct settings *settings, *previous;
	struct queue *queue;
	struct control *control;
	struct wait_socket *waits;
	struct event_feed *events;
	struct reins *reins;
	struct loop_signal *terminate;
	bool stopping;
};

static void stopped(void *arg)
{
	struct queue_side *q = arg;

	loop_stop(q->loop);
}

static void stop(struct queue_side *q)
{
	if (q->stopping)
		return;
	q->stopping = true;
	queue_stop(q->queue, STOP_GRACE, stopped, q);
}

static void caught(void *arg, int signo)
{
	(void)signo;
	stop(arg);
}

/* The log keeps pointers into the settings, so the old ones go when it has been opened anew. */
static void reconfigure(struct queue_side *q, int fd)
{
	const char *why = "no settings came";
	struct settings *fresh = fd >= 0 ? process_settings_read(fd, &why) : NULL;

	if (!fresh) {
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "new settings cannot be read, the old ones stay: %s",
			why);
		return;
	}
	settings_free(q->previous);
	q->previous = q->settings;
	q->settings = fresh;
	queue_reconfigure(q->queue, fresh);
	control_reconfigure(q->control, fresh);
}

static void reopen_log(struct queue_side *q, int fd)
{
	process_open_log(q->settings, "qmgr", fd);
	settings_free(q->previous);
	q->previous = NULL;
}

static void courier_came(struct queue_side *q, const struct reins_message *m)
{
	queue_courier(q->queue, m->slot, m->pid, m->fd);
	control_processes_courier(control_processes(q->control), m->slot, m->pid, NULL);
}

static void sandbox_told(struct queue_side *q, const struct reins_message *m)
{
	control_processes_courier(control_processes(q->control), m->slot, m->pid, m->text);
}

static void courier_went(struct queue_side *q, const struct reins_message *m)
{
	queue_courier_gone(q->queue, m->slot, m->pid, m->status);
	control_processes_gone(control_processes(q->control), m->pid, m->status);
}

static void listen_for(struct queue_side *q, const struct reins_message *m)
{
	if (m->slot == REINS_SLOT_DROP)
		wait_socket_listen(q->waits, m->fd);
	else if (m->slot == REINS_SLOT_EVENTS)
		event_feed_listen(q->events, m->fd);
	else if (m->slot == REINS_SLOT_EVENTS_FILE)
		event_feed_file(q->events, m->fd);
	else
		control_listen(q->control, m->fd, m->slot == REINS_SLOT_CONTROL);
}

static void heard(void *arg, const struct reins_message *m)
{
	struct queue_side *q = arg;

	switch (m->kind) {
	case REINS_COURIER: courier_came(q, m); break;
	case REINS_COURIER_GONE: courier_went(q, m); break;
	case REINS_SANDBOX: sandbox_told(q, m); break;
	case REINS_SETTINGS: reconfigure(q, m->fd); break;
	case REINS_LOG: reopen_log(q, m->fd); break;
	case REINS_LISTEN: listen_for(q, m); break;
	case REINS_RELOADED: control_reloaded(q->control, m->text); break;
	case REINS_STOP: stop(q); break;
	default: break;
	}
}

static void ended(void *arg)
{
	stop(arg);
}

static void tell(struct queue_side *q, enum reins_kind kind, const char *text)
{
	struct reins_message message = { .kind = kind, .pid = getpid(), .fd = -1 };

	snprintf(message.text, sizeof(message.text), "%s", text);
	reins_send(q->reins, &message);
}

static void ask_for_reload(void *arg)
{
	tell(arg, REINS_RELOAD, "");
}

static void about_courier(struct queue_side *q, enum reins_kind kind, unsigned slot, pid_t pid)
{
	struct reins_message message = { .kind = kind, .slot = slot, .pid = pid, .fd = -1 };

	reins_send(q->reins, &message);
}

static void kill_courier(void *arg, unsigned slot, pid_t pid)
{
	about_courier(arg, REINS_KILL, slot, pid);
}

static void replace_courier(void *arg, unsigned slot, pid_t pid)
{
	about_courier(arg, REINS_REPLACE, slot, pid);
}

static void start_apart(void *arg)
{
	tell(arg, REINS_APART, "");
}

static void serve(struct queue_side *q, const char *sandbox)
{
	q->control = control_new(q->loop, q->queue, q->settings, ask_for_reload, q);
	q->waits = wait_socket_new(q->loop, q->queue);
	q->events = event_feed_new(q->loop, q->queue);
	control_processes_own(control_processes(q->control), sandbox);
	q->reins = reins_new(q->loop, PROCESS_REINS, heard, ended, q);
	queue_set_supervisor(q->queue, &(struct queue_supervisor){
		.kill = kill_courier, .replace = replace_courier, .start_apart = start_apart, .arg = q });
	q->terminate = loop_signal_new(q->loop, SIGTERM, caught, q);
	tell(q, REINS_SANDBOX, sandbox);
	tell(q, REINS_READY, "");
	loop_run(q->loop);
	loop_signal_free(q->terminate);
	reins_free(q->reins);
	event_feed_free(q->events);
	wait_socket_free(q->waits);
	control_free(q->control);
}

/* Threads are started by the queue, so the sandbox comes before it. */
static int run(struct queue_side *q)
{
	char *state = NULL, *why = NULL;
	int code = EX_OK;

	if (!sandbox_enter(SANDBOX_QUEUE, q->settings, &state)) {
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "sandbox = require, but: %s", state);
		code = EX_CONFIG;
	} else {
		q->queue = queue_new(q->loop, q->settings, &why, &code);
		if (q->queue)
			serve(q, state);
		else
			log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "%s", why);
	}
	queue_free(q->queue);
	free(state);
	free(why);
	return code;
}

int queue_process(struct settings *settings)
{
	struct queue_side q = { .loop = loop_new(), .settings = settings };
	int code = run(&q);

	loop_free(q.loop);
	log_flush();
	settings_free(q.previous);
	settings_free(q.settings);
	return code;
}
