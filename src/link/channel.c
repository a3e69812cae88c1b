#include "link/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* After ETOOMANYREFS, whose end no event tells. */
#define PAUSE_MS 20

/* A packet that the kernel would not take yet. */
struct waiting {
	struct waiting *next;
	int fd;               /* a duplicate, or -1 */
	size_t n;
	char bytes[];
};

struct channel {
	struct loop *loop;
	int fd;
	const struct channel_events *events;
	void *arg;
	struct loop_watch *watch;
	struct loop_timer *pause;
	struct loop_task tell_end;
	struct packet_reader *reader;
	struct waiting *first, **last;
	bool broken;
	char why[200];
};

void channel_break(struct channel *c, const char *what, const char *detail)
{
	if (c->broken)
		return;
	c->broken = true;
	snprintf(c->why, sizeof c->why, "%s%s%s", what, detail ? ": " : "", detail ? detail : "");
	loop_watch_want(c->watch, false, false);
	loop_timer_stop(c->pause);
	loop_later(c->loop, &c->tell_end);
}

bool channel_broken(const struct channel *c)
{
	return c->broken;
}

static void tell_end(void *arg)
{
	struct channel *c = arg;

	c->events->ended(c->arg, c->why);
}

bool channel_is_quiet(const struct channel *c)
{
	return !c->first || c->broken;
}

static void waiting_add(struct channel *c, const struct buf *b, int fd)
{
	struct waiting *w = mem_alloc(sizeof *w + b->len);

	w->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	w->n = b->len;
	memcpy(w->bytes, b->data, b->len);
	*c->last = w;
	c->last = &w->next;
	if (fd >= 0 && w->fd < 0)
		channel_break(c, "a file cannot wait for the other end", strerror(errno));
}

static void waiting_drop(struct channel *c)
{
	struct waiting *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->last = &c->first;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

/* Arranges for another try; any other error ends the channel. */
static void refused(struct channel *c, int error)
{
	if (error == ETOOMANYREFS)
		loop_timer_set(c->pause, PAUSE_MS);
	else if (error == EAGAIN || error == ENOBUFS)
		loop_watch_want(c->watch, true, true);
	else if (error == EPIPE || error == ECONNRESET)
		channel_break(c, "the other end has gone", NULL);
	else
		channel_break(c, "a packet cannot be sent", strerror(error));
}

static void waiting_push(struct channel *c)
{
	int error = 0;

	loop_watch_want(c->watch, !c->broken, false);
	while (c->first && !error) {
		error = packet_send(c->fd, c->first->bytes, c->first->n, c->first->fd);
		if (error)
			refused(c, error);
		else
			waiting_drop(c);
	}
}

static void pause_over(void *arg)
{
	waiting_push(arg);
}

void channel_send(struct channel *c, const struct buf *b, int fd)
{
	int error = 0;

	if (c->broken)
		return;
	if (!c->first) {
		error = packet_send(c->fd, b->data, b->len, fd);
		if (!error)
			return;
		refused(c, error);
	}
	if (!c->broken)
		waiting_add(c, b, fd);
}

static void hear(struct channel *c)
{
	struct packet *packets;
	int count = packet_receive(c->reader, c->fd, &packets);

	if (count < 0)
		channel_break(c, "the other end has gone", NULL);
	for (int i = 0; i < count; i++) {
		if (packets[i].cut)
			channel_break(c, "internal error (please report)", "a packet is too long");
		if (!c->broken)
			c->events->packet(c->arg, &packets[i]);
		if (packets[i].fd >= 0)
			close(packets[i].fd);
	}
}

static void ready(void *arg, bool readable, bool writable)
{
	struct channel *c = arg;

	if (writable)
		waiting_push(c);
	if (readable)
		hear(c);
}

struct channel *channel_new(struct loop *loop, int fd, unsigned most, const struct channel_events *events,
	void *arg)
{
	struct channel *c = mem_alloc(sizeof *c);

	c->loop = loop;
	c->fd = fd;
	c->events = events;
	c->arg = arg;
	c->last = &c->first;
	c->tell_end = (struct loop_task){ .fn = tell_end, .arg = c };
	c->reader = packet_reader_new(most);
	c->pause = loop_timer_new(loop, pause_over, c);
	c->watch = loop_watch_new(loop, fd, ready, c);
	loop_watch_want(c->watch, true, false);
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	while (c->first)
		waiting_drop(c);
	loop_cancel(c->loop, &c->tell_end);
	loop_timer_free(c->pause);
	loop_watch_free(c->watch);
	packet_reader_free(c->reader);
	close(c->fd);
	free(c);
}
