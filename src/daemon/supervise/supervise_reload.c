#include "daemon/supervise/supervise_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/process/process.h"
#include "daemon/sandbox/sandbox.h"
#include "daemon/supervise/notify.h"

enum { WARNINGS_MAX = 65536 };

/* The queue process cannot follow where its sandbox does not let it. */
static bool needs_new_queue(const struct settings *old, const struct settings *fresh)
{
	struct buf a, b;
	bool differ;

	buf_init(&a, WARNINGS_MAX);
	buf_init(&b, WARNINGS_MAX);
	sandbox_queue_paths(old, &a);
	sandbox_queue_paths(fresh, &b);
	differ = strcmp(buf_text(&a), buf_text(&b)) != 0 || old->sandbox != fresh->sandbox || a.over ||
		b.over;
	buf_free(&a);
	buf_free(&b);
	return differ;
}

static void move_listeners(struct supervisor *s, const struct settings *fresh)
{
	if (strcmp(s->settings->control_socket, fresh->control_socket) != 0)
		supervise_close_control(s);
	if (strcmp(s->settings->control_http, fresh->control_http) != 0)
		supervise_close_http(s);
	if (strcmp(s->settings->spool_directory, fresh->spool_directory) != 0)
		supervise_close_drop(s);
	if (strcmp(s->settings->events_socket, fresh->events_socket) != 0)
		supervise_close_events(s);
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
	process_open_log(fresh, "master", log_fd < 0 ? -1 : fcntl(log_fd, F_DUPFD_CLOEXEC, 0));
	settings_free(old);
	if (!supervise_open_listeners(s, &why))
		log_line(LOG_LEVEL_ERROR, "master", NULL, "%s", why);
	free(why);
}

/* What a new queue process will be started with needs no telling. */
static void pass_on(struct supervisor *s, bool new_queue)
{
	if (!s->queue)
		return;
	if (!new_queue && !s->replacing) {
		child_tell(s->queue, REINS_SETTINGS, 0, s->settings_fd, NULL);
		child_tell(s->queue, REINS_LOG, 0, s->log_fd, NULL);
	}
	child_tell(s->queue, REINS_RELOADED, 0, -1, "");
	if (new_queue && !s->replacing) {
		s->replacing = true;
		loop_timer_set(s->deadline, SUPERVISE_STOP_LIMIT);
		child_tell(s->queue, REINS_STOP, 0, -1, NULL);
	}
	if (s->queue_ready && !s->replacing) {
		supervise_hand_over_listeners(s);
		supervise_start_couriers(s);
	}
}

static void refuse_reload(struct supervisor *s, const char *why)
{
	log_line(LOG_LEVEL_ERROR, "master", NULL, "reload: %s: the configuration stays as it was", why);
	if (s->queue)
		child_tell(s->queue, REINS_RELOADED, 0, -1, why);
}

static struct settings *read_again(struct supervisor *s, int *settings_fd, int *log_fd, struct buf *warnings,
	char **why)
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

void supervise_reload(struct supervisor *s)
{
	struct settings *fresh;
	struct buf warnings;
	char *why = NULL;
	int settings_fd, log_fd;

	if (s->stopping)
		return;
	if (s->announced)
		notify_reloading();
	buf_init(&warnings, WARNINGS_MAX);
	fresh = read_again(s, &settings_fd, &log_fd, &warnings, &why);
	if (fresh) {
		bool new_queue = needs_new_queue(s->settings, fresh);

		take(s, fresh, settings_fd, log_fd);
		process_log_warnings(&warnings);
		log_line(LOG_LEVEL_INFO, "master", NULL, "reload: the new configuration is in force");
		pass_on(s, new_queue);
	} else {
		refuse_reload(s, why);
	}
	buf_free(&warnings);
	free(why);
	if (s->announced)
		notify("READY=1");
}
