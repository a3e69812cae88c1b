#include "daemon/control/event_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	READERS_MAX = 16,
	LOG_MAX = 32 * 1024 * 1024       /* bytes of lines that some reader has not taken */
};

struct reader {
	struct list link;
	struct event_feed *feed;
	int fd;
	struct loop_watch *watch;
	uint64_t at;                     /* what he has taken, counted from the feed's beginning */
};

struct event_feed {
	struct loop *loop;
	struct queue *queue;
	int file, socket;
	struct loop_watch *watch;
	struct list readers;
	size_t count;
	struct buf log;                  /* lines, one copy for all */
	uint64_t dropped;                /* bytes that were in it, ahead of its first one */
	size_t unwritten;                /* bytes of this turn, at its end */
	struct loop_task flush;
	bool failed;                     /* the file takes nothing; told once */
	bool half_line;                  /* it ends inside a line */
};

static void reader_free(struct reader *r)
{
	list_remove(&r->link);
	r->feed->count--;
	loop_watch_free(r->watch);
	close(r->fd);
	free(r);
}

/* --- telling --- */

/* A line that got lost in part, on a full disk, takes none of the next ones with it. */
static void end_half_line(struct event_feed *f)
{
	if (f->half_line && write(f->file, "\n", 1) == 1)
		f->half_line = false;
}

static void write_file(struct event_feed *f, const char *lines, size_t length)
{
	ssize_t n;
	bool failed;

	end_half_line(f);
	n = f->half_line ? 0 : write(f->file, lines, length);
	failed = n != (ssize_t)length;
	f->half_line = f->half_line || (n > 0 && lines[n - 1] != '\n');
	if (failed && !f->failed)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "events.file: %s: events are missing from it",
			n < 0 ? strerror(errno) : "written in part");
	f->failed = failed;
}

static size_t behind(const struct reader *r)
{
	return (size_t)(r->feed->dropped + r->feed->log.len - r->at);
}

/* False if he has gone. */
static bool send_log(struct reader *r)
{
	const struct buf *log = &r->feed->log;

	while (behind(r)) {
		ssize_t n = send(r->fd, log->data + log->len - behind(r), behind(r), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		r->at += (size_t)n;
	}
	loop_watch_want(r->watch, true, behind(r) > 0);
	return true;
}

/* Drops what the file and all readers have taken, at once if that is everything, else when it is worth the
 * move. */
static void trim(struct event_feed *f)
{
	size_t left = f->unwritten;

	LIST_EACH(at, &f->readers) {
		size_t n = behind(LIST_OF(at, struct reader, link));

		left = n > left ? n : left;
	}
	if (left > f->log.len / 2)
		return;
	f->dropped += f->log.len - left;
	if (left)
		buf_drop(&f->log, f->log.len - left);
	else
		buf_free(&f->log);
}

static void flush(void *arg)
{
	struct event_feed *f = arg;

	if (f->file >= 0 && f->unwritten)
		write_file(f, f->log.data + f->log.len - f->unwritten, f->unwritten);
	f->unwritten = 0;
	LIST_EACH(at, &f->readers)
		if (!send_log(LIST_OF(at, struct reader, link)))
			reader_free(LIST_OF(at, struct reader, link));
	trim(f);
}

/* Whoever is farthest behind holds up the memory of all. Half of it is free behind that. */
static void make_room(struct event_feed *f)
{
	flush(f);
	LIST_EACH(at, &f->readers) {
		struct reader *r = LIST_OF(at, struct reader, link);

		if (behind(r) <= f->log.len / 2)
			continue;
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"events.socket: a program reads too slowly, and is cut off");
		reader_free(r);
	}
	trim(f);
}

static void heard_event(void *arg, const char *line, size_t n)
{
	struct event_feed *f = arg;

	if (f->log.len + n > LOG_MAX)
		make_room(f);
	buf_add(&f->log, line, n);
	f->unwritten += n;
	loop_later(f->loop, &f->flush);
}

/* The queue makes no events that nobody hears. */
static void listen_if_needed(struct event_feed *f)
{
	queue_set_events(f->queue, f->file >= 0 || f->count ? heard_event : NULL, f);
}

/* --- readers --- */

/* What he sends is of no interest; his end is. */
static void reader_ready(void *arg, bool readable, bool writable)
{
	struct reader *r = arg;
	struct event_feed *f = r->feed;
	char ignored[512];
	ssize_t n = readable ? recv(r->fd, ignored, sizeof ignored, MSG_DONTWAIT) : -1;
	bool gone = readable && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR));

	if (gone || (writable && !send_log(r)))
		reader_free(r);
	trim(f);
	listen_if_needed(f);
}

static void reader_new(struct event_feed *f, int fd)
{
	struct reader *r = mem_alloc(sizeof *r);

	r->feed = f;
	r->fd = fd;
	r->at = f->dropped + f->log.len;
	r->watch = loop_watch_new(f->loop, fd, reader_ready, r);
	loop_watch_want(r->watch, true, false);
	list_append(&f->readers, &r->link);
	f->count++;
}

static void caller_came(void *arg, bool readable, bool writable)
{
	struct event_feed *f = arg;
	int fd = readable ? accept4(f->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;

	(void)writable;
	if (fd < 0)
		return;
	if (f->count < READERS_MAX)
		reader_new(f, fd);
	else
		close(fd);
	listen_if_needed(f);
}

/* --- what the supervisor gives --- */

static void replace(int *mine, int fd)
{
	if (*mine >= 0)
		close(*mine);
	*mine = fd;
}

void event_feed_file(struct event_feed *f, int fd)
{
	flush(f);
	replace(&f->file, fd);
	f->failed = f->half_line = false;
	listen_if_needed(f);
}

void event_feed_listen(struct event_feed *f, int fd)
{
	loop_watch_free(f->watch);
	f->watch = NULL;
	replace(&f->socket, fd);
	if (fd < 0)
		return;
	f->watch = loop_watch_new(f->loop, fd, caller_came, f);
	loop_watch_want(f->watch, true, false);
}

struct event_feed *event_feed_new(struct loop *loop, struct queue *q)
{
	struct event_feed *f = mem_alloc(sizeof *f);

	f->loop = loop;
	f->queue = q;
	f->file = f->socket = -1;
	f->flush = (struct loop_task){ .fn = flush, .arg = f };
	list_init(&f->readers);
	buf_init(&f->log, LOG_MAX);
	return f;
}

void event_feed_free(struct event_feed *f)
{
	queue_set_events(f->queue, NULL, NULL);
	flush(f);
	LIST_EACH(at, &f->readers)
		reader_free(LIST_OF(at, struct reader, link));
	event_feed_listen(f, -1);
	replace(&f->file, -1);
	loop_cancel(f->loop, &f->flush);
	buf_free(&f->log);
	free(f);
}
