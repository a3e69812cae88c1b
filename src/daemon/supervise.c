#include "daemon/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/listener.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/sandbox.h"

/* Milliseconds. */
enum {
	FIRST_DELAY = 100, LAST_DELAY = 10000,   /* before a child that died is started again */
	GOOD_LIFE = 60000,                       /* a child that lived that long starts with the first delay again */
	STOP_LIMIT = 10000,                      /* from the order to stop until all is killed */
	ORPHAN_LIMIT = 5000,                     /* for couriers to end after their queue process has */
	WARNINGS_MAX = 65536,
};

/* A place for one courier. Couriers that finish after a reload are in no slot. */
struct slot {
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
	struct slot **slots;
	size_t slot_count;
	struct loop_timer *queue_again, *deadline;
	struct loop_signal *signals[4];
	int64_t queue_delay;
	int settings_fd, log_fd, control_fd, http_fd;
	bool queue_ready, replacing, announced, stopping;
	int exit_code;
};

static void say(enum log_level level, const char *text)
{
	log_line(level, "master", NULL, "%s", text);
}

/* --- stopping ------------------------------------------------------------------------------------------------------ */

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

static void stop(struct supervisor *s, int exit_code)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->exit_code = exit_code;
	notify("STOPPING=1");
	stop_timers(s);
	loop_timer_set(s->deadline, STOP_LIMIT);
	if (s->queue)
		child_tell(s->queue, REINS_STOP, 0, -1, NULL);
	if (list_empty(&s->children))
		loop_stop(s->loop);
}

/* --- starting ------------------------------------------------------------------------------------------------------ */

static void heard(void *arg, struct child *, const struct reins_message *);

static struct child_setup setup_of(struct supervisor *s)
{
	return (struct child_setup){ .loop = s->loop, .settings = s->settings_fd, .log = s->log_fd, .heard = heard, .arg = s };
}

static int64_t next_delay(int64_t *delay)
{
	int64_t now = *delay ? *delay : FIRST_DELAY;

	*delay = now * 2 < LAST_DELAY ? now * 2 : LAST_DELAY;
	return now;
}

static void start_queue(void *arg)
{
	struct supervisor *s = arg;
	struct child_setup setup = setup_of(s);

	s->queue_ready = false;
	s->queue = child_start_queue(&setup);
	if (s->queue) {
		list_append(&s->children, &s->queue->node);
		return;
	}
	log_line(LOG_LEVEL_ERROR, "master", NULL, "the queue process cannot be started: %s", strerror(errno));
	loop_timer_set(s->queue_again, next_delay(&s->queue_delay));
}

static void start_courier(void *arg)
{
	struct slot *slot = arg;
	struct supervisor *s = slot->s;
	struct child_setup setup = setup_of(s);
	struct reins_message message = { .kind = REINS_COURIER, .slot = slot->number };

	slot->courier = child_start_courier(&setup, slot->number, &message.fd);
	if (!slot->courier) {
		log_line(LOG_LEVEL_ERROR, "master", NULL, "a courier cannot be started: %s", strerror(errno));
		loop_timer_set(slot->again, next_delay(&slot->delay));
		return;
	}
	list_append(&s->children, &slot->courier->node);
	message.pid = slot->courier->pid;
	reins_send(s->queue->reins, &message);
	close(message.fd);
}

static size_t wanted_couriers(const struct settings *settings)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings->workers > 0)
		return (size_t)settings->workers;
	return cpus > 0 ? (size_t)cpus : 1;
}

static void slot_free(struct slot *slot)
{
	loop_timer_free(slot->again);
	free(slot);
}

/* Makes as many slots as couriers are wanted; a courier without a slot is not started again. */
static void set_slots(struct supervisor *s)
{
	size_t wanted = wanted_couriers(s->settings);

	while (s->slot_count > wanted)
		slot_free(s->slots[--s->slot_count]);
	s->slots = mem_grow(s->slots, wanted, sizeof(*s->slots));
	while (s->slot_count < wanted) {
		struct slot *slot = mem_alloc(sizeof(*slot));

		slot->s = s;
		slot->number = (unsigned)s->slot_count;
		slot->again = loop_timer_new(s->loop, start_courier, slot);
		s->slots[s->slot_count++] = slot;
	}
}

/* What ran in the slots until now finishes by itself. */
static void start_couriers(struct supervisor *s)
{
	set_slots(s);
	for (size_t i = 0; i < s->slot_count; i++) {
		loop_timer_stop(s->slots[i]->again);
		start_courier(s->slots[i]);
	}
}

/* --- listening ----------------------------------------------------------------------------------------------------- */

static bool open_listeners(struct supervisor *s, char **why)
{
	if (s->control_fd < 0)
		s->control_fd = listener_control(s->settings->control_socket, why);
	if (s->control_fd >= 0 && s->http_fd < 0 && *s->settings->control_http)
		s->http_fd = listener_http(s->settings->control_http, why);
	return s->control_fd >= 0 && (s->http_fd >= 0 || !*s->settings->control_http);
}

static void hand_over_listeners(struct supervisor *s)
{
	if (s->control_fd >= 0)
		child_tell(s->queue, REINS_LISTEN, 0, s->control_fd, NULL);
	if (s->http_fd >= 0)
		child_tell(s->queue, REINS_LISTEN, 1, s->http_fd, NULL);
}

static void close_control(struct supervisor *s)
{
	if (s->control_fd < 0)
		return;
	close(s->control_fd);
	s->control_fd = -1;
	unlink(s->settings->control_socket);
}

static void close_http(struct supervisor *s)
{
	if (s->http_fd >= 0)
		close(s->http_fd);
	s->http_fd = -1;
}

/* --- what children say --------------------------------------------------------------------------------------------- */

static void queue_is_ready(struct supervisor *s)
{
	char *why = NULL;

	s->queue_ready = true;
	if (s->stopping)
		return;
	if (!open_listeners(s, &why)) {
		say(LOG_LEVEL_ERROR, why);
		free(why);
		if (!s->announced) {
			stop(s, EX_CANTCREAT);
			return;
		}
	}
	hand_over_listeners(s);
	start_couriers(s);
	if (s->announced)
		return;
	s->announced = true;
	notify("READY=1");
	log_line(LOG_LEVEL_INFO, "master", NULL, "ready: %zu couriers, spool %s", s->slot_count, s->settings->spool_directory);
	log_flush();
	if (s->setup->ready)
		s->setup->ready(s->setup->arg);
}

static void reload(struct supervisor *s);

static void heard(void *arg, struct child *child, const struct reins_message *m)
{
	struct supervisor *s = arg;

	if (m->kind == REINS_READY && child == s->queue) {
		queue_is_ready(s);
	} else if (m->kind == REINS_RELOAD && child == s->queue) {
		reload(s);
	} else if (m->kind == REINS_SANDBOX) {
		log_line(LOG_LEVEL_INFO, "master", NULL, "%s %d: sandbox: %s", child->courier ? "courier" : "queue process",
			(int)child->pid, m->text);
		if (child->courier && s->queue) {
			struct reins_message copy = *m;

			copy.fd = -1;
			copy.pid = child->pid;
			copy.slot = child->slot;
			reins_send(s->queue->reins, &copy);
		}
	}
}

/* --- reload -------------------------------------------------------------------------------------------------------- */

/* The queue process cannot follow where its sandbox does not let it. */
static bool needs_new_queue(const struct settings *old, const struct settings *fresh)
{
	struct buf a, b;
	bool differ;

	buf_init(&a, WARNINGS_MAX);
	buf_init(&b, WARNINGS_MAX);
	sandbox_queue_paths(old, &a);
	sandbox_queue_paths(fresh, &b);
	differ = strcmp(buf_text(&a), buf_text(&b)) != 0 || old->sandbox != fresh->sandbox || a.over || b.over;
	buf_free(&a);
	buf_free(&b);
	return differ;
}

static void say_warnings(const struct buf *warnings)
{
	struct text all = text_of(buf_text(warnings)), line;

	while (text_until(&all, '\n', &line))
		log_line(LOG_LEVEL_WARNING, "master", NULL, "%.*s", (int)line.n, line.p);
}

static void move_listeners(struct supervisor *s, const struct settings *fresh)
{
	if (strcmp(s->settings->control_socket, fresh->control_socket) != 0)
		close_control(s);
	if (strcmp(s->settings->control_http, fresh->control_http) != 0)
		close_http(s);
}

/* The settings and the log for everything that is started from now on. */
static void take(struct supervisor *s, struct settings *fresh, int settings_fd, int log_fd)
{
	struct settings *old = s->settings;
	char *why = NULL;

	move_listeners(s, fresh);
	s->settings = fresh;
	close(s->settings_fd);
	if (s->log_fd >= 0)
		close(s->log_fd);
	s->settings_fd = settings_fd;
	s->log_fd = log_fd;
	process_open_log(fresh, log_fd < 0 ? -1 : fcntl(log_fd, F_DUPFD_CLOEXEC, 0));
	settings_free(old);
	if (!open_listeners(s, &why))
		say(LOG_LEVEL_ERROR, why);
	free(why);
}

static void pass_on(struct supervisor *s, bool new_queue)
{
	if (!s->queue)
		return;
	child_tell(s->queue, REINS_RELOADED, 0, -1, "");
	if (new_queue) {
		s->replacing = true;
		child_tell(s->queue, REINS_STOP, 0, -1, NULL);
		return;
	}
	child_tell(s->queue, REINS_SETTINGS, 0, s->settings_fd, NULL);
	child_tell(s->queue, REINS_LOG, 0, s->log_fd, NULL);
	if (s->queue_ready) {
		hand_over_listeners(s);
		start_couriers(s);
	}
}

static void refuse_reload(struct supervisor *s, const char *why)
{
	log_line(LOG_LEVEL_ERROR, "master", NULL, "reload: %s: the configuration stays as it was", why);
	if (s->queue)
		child_tell(s->queue, REINS_RELOADED, 0, -1, why);
}

static struct settings *read_again(struct supervisor *s, int *settings_fd, int *log_fd, struct buf *warnings, char **why)
{
	struct settings *fresh = config_read(s->setup->source, warnings, why);

	*settings_fd = -1;
	if (!fresh || !process_log_file(fresh, log_fd, why)) {
		settings_free(fresh);
		return NULL;
	}
	*settings_fd = process_settings_fd(fresh);
	if (*settings_fd >= 0)
		return fresh;
	*why = mem_fmt("the settings cannot be kept: %s", strerror(errno));
	if (*log_fd >= 0)
		close(*log_fd);
	settings_free(fresh);
	return NULL;
}

static void reload(struct supervisor *s)
{
	struct settings *fresh;
	struct buf warnings;
	char *why = NULL;
	int settings_fd, log_fd;

	if (s->stopping)
		return;
	notify_reloading();
	buf_init(&warnings, WARNINGS_MAX);
	fresh = read_again(s, &settings_fd, &log_fd, &warnings, &why);
	if (fresh) {
		bool new_queue = needs_new_queue(s->settings, fresh);

		take(s, fresh, settings_fd, log_fd);
		say_warnings(&warnings);
		say(LOG_LEVEL_INFO, "reload: the new configuration is in force");
		pass_on(s, new_queue);
	} else {
		refuse_reload(s, why);
	}
	buf_free(&warnings);
	free(why);
	notify("READY=1");
}

/* --- what dies ----------------------------------------------------------------------------------------------------- */

/* Nothing is left of the last queue process and its couriers. */
static void all_gone(struct supervisor *s)
{
	loop_timer_stop(s->deadline);
	if (s->stopping) {
		loop_stop(s->loop);
	} else if (s->replacing) {
		s->replacing = false;
		start_queue(s);
	} else if (!loop_timer_is_set(s->queue_again)) {
		loop_timer_set(s->queue_again, next_delay(&s->queue_delay));
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
		stop(s, WEXITSTATUS(status));
	else if (!s->stopping)
		loop_timer_set(s->deadline, ORPHAN_LIMIT);
}

static void tell_gone(struct supervisor *s, const struct child *child, int status)
{
	struct reins_message message = {
		.kind = REINS_COURIER_GONE, .slot = child->slot, .pid = child->pid, .status = status, .fd = -1,
	};

	if (s->queue)
		reins_send(s->queue->reins, &message);
}

static void courier_gone(struct supervisor *s, const struct child *child, int64_t lived, int status)
{
	tell_gone(s, child, status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		stop(s, EX_CONFIG);
	for (size_t i = 0; i < s->slot_count; i++) {
		struct slot *slot = s->slots[i];

		if (slot->courier != child)
			continue;
		slot->courier = NULL;
		if (lived >= GOOD_LIFE)
			slot->delay = 0;
		if (s->queue_ready && !s->stopping && !s->replacing)
			loop_timer_set(slot->again, next_delay(&slot->delay));
	}
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

/* --- the whole ----------------------------------------------------------------------------------------------------- */

static void caught(void *arg, int signo)
{
	struct supervisor *s = arg;

	if (signo == SIGCHLD)
		reap(s);
	else if (signo == SIGHUP)
		reload(s);
	else
		stop(s, EX_OK);
}

static void begin(struct supervisor *s)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	list_init(&s->children);
	s->queue_again = loop_timer_new(s->loop, start_queue, s);
	s->deadline = loop_timer_new(s->loop, kill_all, s);
	for (size_t i = 0; i < 4; i++)
		s->signals[i] = loop_signal_new(s->loop, signals[i], caught, s);
}

static void end(struct supervisor *s)
{
	close_control(s);
	close_http(s);
	while (s->slot_count > 0)
		slot_free(s->slots[--s->slot_count]);
	free(s->slots);
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
	struct supervisor s = { .setup = setup, .settings = setup->settings, .loop = loop_new(), .log_fd = setup->log,
		.control_fd = -1, .http_fd = -1 };

	begin(&s);
	s.settings_fd = process_settings_fd(s.settings);
	if (s.settings_fd < 0) {
		log_line(LOG_LEVEL_ERROR, "master", NULL, "the settings cannot be kept: %s", strerror(errno));
		end(&s);
		return EX_OSERR;
	}
	start_queue(&s);
	loop_run(s.loop);
	end(&s);
	return s.exit_code;
}
