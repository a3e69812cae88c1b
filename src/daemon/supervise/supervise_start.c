#include "daemon/supervise/supervise_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/supervise/listener.h"
#include "queue/queue.h"

enum { FIRST_DELAY = 100, LAST_DELAY = 10000 };   /* ms before a child that died is started again */

static struct child_setup setup_of(struct supervisor *s)
{
	return (struct child_setup){ .loop = s->loop, .settings = s->settings_fd, .log = s->log_fd,
		.heard = supervise_heard, .arg = s };
}

int64_t supervise_next_delay(int64_t *delay)
{
	int64_t now = *delay ? *delay : FIRST_DELAY;

	*delay = now * 2 < LAST_DELAY ? now * 2 : LAST_DELAY;
	return now;
}

void supervise_start_queue(void *arg)
{
	struct supervisor *s = arg;
	struct child_setup setup = setup_of(s);

	s->queue_ready = false;
	s->queue = child_start_queue(&setup);
	if (s->queue) {
		list_append(&s->children, &s->queue->node);
		return;
	}
	log_line(LOG_LEVEL_ERROR, "master", NULL, "the queue process cannot be started: %s",
		strerror(errno));
	loop_timer_set(s->queue_again, supervise_next_delay(&s->queue_delay));
}

/* A courier of which the queue process has been told; NULL, with a line in the log, if there is none. */
static struct child *launch(struct supervisor *s, unsigned slot)
{
	struct child_setup setup = setup_of(s);
	struct reins_message message = { .kind = REINS_COURIER, .slot = slot };
	struct child *courier = child_start_courier(&setup, slot, &message.fd);

	if (!courier) {
		log_line(LOG_LEVEL_ERROR, "master", NULL, "a courier cannot be started: %s",
			strerror(errno));
		return NULL;
	}
	list_append(&s->children, &courier->node);
	message.pid = courier->pid;
	reins_send(s->queue->reins, &message);
	close(message.fd);
	return courier;
}

static void start_courier(void *arg)
{
	struct supervise_slot *slot = arg;

	slot->courier = launch(slot->s, slot->number);
	if (!slot->courier)
		loop_timer_set(slot->again, supervise_next_delay(&slot->delay));
}

void supervise_start_apart(struct supervisor *s)
{
	if (s->queue_ready && !s->stopping && !s->replacing)
		launch(s, QUEUE_SLOT_APART);
}

void supervise_replace_courier(struct supervisor *s, const struct child *old)
{
	if (!s->queue_ready || s->stopping || s->replacing)
		return;
	for (size_t i = 0; i < s->slot_count; i++)
		if (s->slots[i]->courier == old)
			start_courier(s->slots[i]);
}

static size_t wanted_couriers(const struct settings *settings)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings->workers > 0)
		return (size_t)settings->workers;
	return cpus > 0 ? (size_t)cpus : 1;
}

static void slot_free(struct supervise_slot *slot)
{
	loop_timer_free(slot->again);
	free(slot);
}

void supervise_free_slots(struct supervisor *s)
{
	while (s->slot_count > 0)
		slot_free(s->slots[--s->slot_count]);
	free(s->slots);
}

/* Makes as many slots as couriers are wanted; a courier without a slot is not started again. */
static void set_slots(struct supervisor *s)
{
	size_t wanted = wanted_couriers(s->settings);

	while (s->slot_count > wanted)
		slot_free(s->slots[--s->slot_count]);
	s->slots = mem_grow(s->slots, wanted, sizeof(*s->slots));
	while (s->slot_count < wanted) {
		struct supervise_slot *slot = mem_alloc(sizeof(*slot));

		slot->s = s;
		slot->number = (unsigned)s->slot_count;
		slot->again = loop_timer_new(s->loop, start_courier, slot);
		s->slots[s->slot_count++] = slot;
	}
}

/* What ran in the slots until now finishes by itself. */
void supervise_start_couriers(struct supervisor *s)
{
	set_slots(s);
	for (size_t i = 0; i < s->slot_count; i++) {
		loop_timer_stop(s->slots[i]->again);
		start_courier(s->slots[i]);
	}
}

/* --- listening --- */

/* Without it only those are refused who want to wait. */
static void open_drop(struct supervisor *s)
{
	char *why = NULL;

	if (s->drop_fd >= 0)
		return;
	s->drop_fd = listener_drop(s->settings->spool_directory, &why);
	if (s->drop_fd < 0)
		log_line(LOG_LEVEL_WARNING, "master", NULL, "%s: causeway-inject --wait will not work", why);
	free(why);
}

bool supervise_open_listeners(struct supervisor *s, char **why)
{
	open_drop(s);
	supervise_open_events(s);
	if (s->control_fd < 0)
		s->control_fd = listener_control(s->settings->control_socket, why);
	if (s->control_fd >= 0 && s->http_fd < 0 && *s->settings->control_http)
		s->http_fd = listener_http(s->settings->control_http, why);
	return s->control_fd >= 0 && (s->http_fd >= 0 || !*s->settings->control_http);
}

void supervise_hand_over_listeners(struct supervisor *s)
{
	if (s->control_fd >= 0)
		child_tell(s->queue, REINS_LISTEN, REINS_SLOT_CONTROL, s->control_fd, NULL);
	if (s->http_fd >= 0)
		child_tell(s->queue, REINS_LISTEN, REINS_SLOT_METRICS, s->http_fd, NULL);
	if (s->drop_fd >= 0)
		child_tell(s->queue, REINS_LISTEN, REINS_SLOT_DROP, s->drop_fd, NULL);
	supervise_hand_over_events(s);
}

void supervise_close_control(struct supervisor *s)
{
	if (s->control_fd < 0)
		return;
	close(s->control_fd);
	s->control_fd = -1;
	unlink(s->settings->control_socket);
}

void supervise_close_http(struct supervisor *s)
{
	if (s->http_fd >= 0)
		close(s->http_fd);
	s->http_fd = -1;
}

void supervise_close_drop(struct supervisor *s)
{
	if (s->drop_fd < 0)
		return;
	close(s->drop_fd);
	s->drop_fd = -1;
	listener_drop_remove(s->settings->spool_directory);
}
