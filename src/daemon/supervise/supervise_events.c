#include "daemon/supervise/supervise_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/supervise/listener.h"

static void close_file(struct supervisor *s)
{
	if (s->events_file_fd >= 0)
		close(s->events_file_fd);
	s->events_file_fd = -1;
}

/* Mail goes on without the feed. */
static void open_file(struct supervisor *s)
{
	const char *path = s->settings->events_file;

	close_file(s);
	if (!*path)
		return;
	s->events_file_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (s->events_file_fd < 0)
		log_line(LOG_LEVEL_ERROR, "master", NULL,
			"events.file: %s cannot be opened: %s; no events are written to it", path, strerror(errno));
}

void supervise_open_events(struct supervisor *s)
{
	char *why = NULL;

	open_file(s);
	if (s->events_fd < 0 && *s->settings->events_socket) {
		s->events_fd = listener_control(s->settings->events_socket, &why);
		if (s->events_fd < 0)
			log_line(LOG_LEVEL_ERROR, "master", NULL,
				"events.socket: %s: nobody can read events from it", why);
	}
	free(why);
}

void supervise_hand_over_events(struct supervisor *s)
{
	child_tell(s->queue, REINS_LISTEN, REINS_SLOT_EVENTS_FILE, s->events_file_fd, NULL);
	child_tell(s->queue, REINS_LISTEN, REINS_SLOT_EVENTS, s->events_fd, NULL);
}

void supervise_close_events(struct supervisor *s)
{
	close_file(s);
	if (s->events_fd < 0)
		return;
	close(s->events_fd);
	s->events_fd = -1;
	unlink(s->settings->events_socket);
}
