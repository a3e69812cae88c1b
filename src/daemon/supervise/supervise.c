#include "daemon/supervise/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/process/process.h"
#include "daemon/supervise/notify.h"
#include "daemon/supervise/supervise_private.h"

/* Milliseconds. */
enum {
	/* a child that lived that long is started again at once, like the first time */
	GOOD_LIFE = 60000,
	ORPHAN_LIMIT = 5000,    /* for couriers to end after their queue process has */
};

/* couriers for each slot, those that finish included; more are replaced when they end */
enum { LEAVING_LIMIT = 8 };

static void say(enum log_level level, const char *text)
{
	log_line(level, "master", NULL, "%s", text);
}

/* --- stopping --- */

static void kill_all(void *arg)
{
	struct supervisor *s = arg;

	LIST_EACH(node, &s->children) {
		struct child *child = LIST_OF(node, struct child, node);

		log_line(LOG_LEVEL_WARNING, "master", NULL, "%s %d does not end in time and is killed",
			child->courier ? "courier" : "queue process", (int)child->pid);
		kill(child->pid, SIGKILL);
	}
}

static void stop_timers(struct supervisor *s)
{
	loop_timer_stop(s->queue_again);
	for (size_t i = 0; i < s->slot_count; i++)
		loop_timer_stop(s->slots[i]->again);
}

void supervise_stop(struct supervisor *s, int exit_code)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->exit_code = exit_code;
	notify("STOPPING=1");
	stop_timers(s);
	loop_timer_set(s->deadline, SUPERVISE_STOP_LIMIT);
	if (s->queue)
		child_tell(s->queue, REINS_STOP, 0, -1, NULL);
	if (list_empty(&s->children))
		loop_stop(s->loop);
}

/* --- what children say --- */

static void queue_is_ready(struct supervisor *s)
{
	char *why = NULL;

	s->queue_ready = true;
	if (s->stopping)
		return;
	if (!supervise_open_listeners(s, &why)) {
		say(LOG_LEVEL_ERROR, why);
		free(why);
		if (!s->announced) {
			supervise_stop(s, EX_CANTCREAT);
			return;
		}
	}
	supervise_hand_over_listeners(s);
	supervise_start_couriers(s);
	if (s->announced)
		return;
	s->announced = true;
	notify("READY=1");
	log_line(LOG_LEVEL_INFO, "master", NULL, "ready: %zu courier%s, spool %s", s->slot_count,
		text_plural(s->slot_count), s->settings->spool_directory);
	log_flush();
	if (s->setup->ready)
		s->setup->ready(s->setup->arg);
}

static struct child *find(struct supervisor *s, pid_t pid)
{
	LIST_EACH(node, &s->children) {
		struct child *child = LIST_OF(node, struct child, node);

		if (child->pid == pid)
			return child;
	}
	return NULL;
}

/* What is in force in a courier is shown by the queue process. */
static void tell_sandbox(struct supervisor *s, const struct child *child, const struct reins_message *m)
{
	struct reins_message copy = *m;

	log_line(LOG_LEVEL_INFO, "master", NULL, "%s %d: sandbox: %s",
		child->courier ? "courier" : "queue process", (int)child->pid, m->text);
	if (!child->courier || !s->queue)
		return;
	copy.fd = -1;
	copy.pid = child->pid;
	copy.slot = child->slot;
	reins_send(s->queue->reins, &copy);
}

/* Only a child that has not been waited for has its pid for sure. */
static void kill_courier(struct supervisor *s, const struct reins_message *m)
{
	const struct child *child = find(s, m->pid);

	if (!child || !child->courier || child->slot != m->slot)
		return;
	log_line(LOG_LEVEL_WARNING, "master", NULL, "courier %d is killed: the queue process asked for it",
		(int)child->pid);
	kill(child->pid, SIGKILL);
}

/* What its peers take to end must not keep all mail waiting; but couriers that finish may not become ever
 * more. */
static void replace_courier(struct supervisor *s, const struct reins_message *m)
{
	struct child *child = find(s, m->pid);
	size_t alive = 0;

	LIST_EACH(node, &s->children)
		alive += LIST_OF(node, struct child, node)->courier;
	if (child && child->courier && alive < s->slot_count * LEAVING_LIMIT)
		supervise_replace_courier(s, child);
}

void supervise_heard(void *arg, struct child *child, const struct reins_message *m)
{
	struct supervisor *s = arg;

	if (m->kind == REINS_SANDBOX)
		tell_sandbox(s, child, m);
	else if (child != s->queue)
		return;
	else if (m->kind == REINS_READY)
		queue_is_ready(s);
	else if (m->kind == REINS_RELOAD)
		supervise_reload(s);
	else if (m->kind == REINS_KILL)
		kill_courier(s, m);
	else if (m->kind == REINS_REPLACE)
		replace_courier(s, m);
	else if (m->kind == REINS_APART)
		supervise_start_apart(s);
}

/* --- what dies --- */

/* Nothing is left of the last queue process and its couriers. */
static void all_gone(struct supervisor *s)
{
	loop_timer_stop(s->deadline);
	if (s->stopping) {
		loop_stop(s->loop);
	} else if (s->replacing) {
		s->replacing = false;
		supervise_start_queue(s);
	} else if (!loop_timer_is_set(s->queue_again)) {
		loop_timer_set(s->queue_again, supervise_next_delay(&s->queue_delay));
	}
}

static void queue_gone(struct supervisor *s, int64_t lived, int status)
{
	s->queue = NULL;
	s->queue_ready = false;
	for (size_t i = 0; i < s->slot_count; i++) {
		loop_timer_stop(s->slots[i]->again);
		s->slots[i]->courier = NULL;
	}
	if (lived >= GOOD_LIFE)
		s->queue_delay = 0;
	if (WIFEXITED(status) && (WEXITSTATUS(status) == EX_TEMPFAIL || WEXITSTATUS(status) == EX_CONFIG))
		supervise_stop(s, WEXITSTATUS(status));
	else if (!s->stopping)
		loop_timer_set(s->deadline, ORPHAN_LIMIT);
}

static void tell_gone(struct supervisor *s, const struct child *child, int status)
{
	struct reins_message message = {
		.kind = REINS_COURIER_GONE, .slot = child->slot, .pid = child->pid, .status = status,
			.fd = -1,
	};

	if (s->queue)
		reins_send(s->queue->reins, &message);
}

static void courier_gone(struct supervisor *s, const struct child *child, int64_t lived, int status)
{
	bool retired = WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;

	tell_gone(s, child, status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		supervise_stop(s, EX_CONFIG);
	for (size_t i = 0; i < s->slot_count; i++) {
		struct supervise_slot *slot = s->slots[i];

		if (slot->courier != child)
			continue;
		slot->courier = NULL;
		if (lived >= GOOD_LIFE || retired)
			slot->delay = 0;
		if (s->queue_ready && !s->stopping && !s->replacing)
			loop_timer_set(slot->again, supervise_next_delay(&slot->delay));
	}
}

static void child_gone(struct supervisor *s, struct child *child, int status)
{
	int64_t lived = loop_now(s->loop) - child->started;
	bool expected = WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
	char *epitaph = child_epitaph(child, status);

	if (!expected)
		say(LOG_LEVEL_WARNING, epitaph);
	free(epitaph);
	if (child == s->queue)
		queue_gone(s, lived, status);
	else
		courier_gone(s, child, lived, status);
	child_free(child);
	if (list_empty(&s->children))
		all_gone(s);
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find(s, pid);

		if (child)
			child_gone(s, child, status);
	}
}

/* --- the whole --- */

static void caught(void *arg, int signo)
{
	struct supervisor *s = arg;

	if (signo == SIGCHLD)
		reap(s);
	else if (signo == SIGHUP)
		supervise_reload(s);
	else
		supervise_stop(s, EX_OK);
}

static void begin(struct supervisor *s)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	list_init(&s->children);
	s->queue_again = loop_timer_new(s->loop, supervise_start_queue, s);
	s->deadline = loop_timer_new(s->loop, kill_all, s);
	for (size_t i = 0; i < 4; i++)
		s->signals[i] = loop_signal_new(s->loop, signals[i], caught, s);
}

static void end(struct supervisor *s)
{
	supervise_close_control(s);
	supervise_close_http(s);
	supervise_close_drop(s);
	supervise_close_events(s);
	supervise_free_slots(s);
	loop_timer_free(s->queue_again);
	loop_timer_free(s->deadline);
	for (size_t i = 0; i < 4; i++)
		loop_signal_free(s->signals[i]);
	loop_free(s->loop);
	close(s->settings_fd);
	if (s->log_fd >= 0)
		close(s->log_fd);
	log_flush();
	settings_free(s->settings);
}

int supervise(const struct supervise_setup *setup)
{
	struct supervisor s = { .setup = setup, .settings = setup->settings, .loop = loop_new(),
		.log_fd = setup->log,
		.control_fd = -1, .http_fd = -1, .drop_fd = -1, .events_fd = -1, .events_file_fd = -1 };

	begin(&s);
	s.settings_fd = process_settings_fd(s.settings);
	if (s.settings_fd < 0) {
		log_line(LOG_LEVEL_ERROR, "master", NULL, "the settings cannot be kept: %s",
			strerror(errno));
		end(&s);
		return EX_OSERR;
	}
	supervise_start_queue(&s);
	loop_run(s.loop);
	end(&s);
	return s.exit_code;
}
