#include "daemon/event_feed.h"

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
	BACKLOG_MAX = 4 * 1024 * 1024,   /* bytes that a reader has not taken */
	LINES_MAX = 64 * 1024 * 1024     /* bytes of one turn */
};

struct reader {
	struct list link;
	struct event_feed *feed;
	int fd;
	struct loop_watch *watch;
	struct buf backlog;
};

struct event_feed {
	struct loop *loop;
	struct queue *queue;
	int file, socket;
	struct loop_watch *watch;
	struct list readers;
	size_t count;
	struct buf lines;                /* of this turn */
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
	buf_free(&r->backlog);
	free(r);
}

/* --- telling --- */

/* A line that got lost in part, on a full disk, takes none of the next ones with it. */
static void end_half_line(struct event_feed *f)
{
	if (f->half_line && write(f->file, "\n", 1) == 1)
		f->half_line = false;
}

static void write_file(struct event_feed *f)
{
	ssize_t n;
	bool failed;

	end_half_line(f);
	n = f->half_line ? 0 : write(f->file, f->lines.data, f->lines.len);
	failed = n != (ssize_t)f->lines.len;
	f->half_line = f->half_line || (n > 0 && f->lines.data[n - 1] != '\n');

	if (failed && !f->failed)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "events.file: %s: events are missing from it",
		         n < 0 ? strerror(errno) : "written in part");
	f->failed = failed;
}

/* False if he has gone. */
static bool send_backlog(struct reader *r)
{
	size_t sent = 0;

	while (sent < r->backlog.len) {
		ssize_t n = send(r->fd, r->backlog.data + sent, r->backlog.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	if (sent)
		memmove(r->backlog.data, r->backlog.data + sent, r->backlog.len - sent);
	r->backlog.len -= sent;
	loop_watch_want(r->watch, true, r->backlog.len > 0);
	return true;
}

static void give(struct reader *r, const struct buf *lines)
{
	if (!buf_add(&r->backlog, lines->data, lines->len)) {
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "events.socket: a program reads too slowly, and is cut off");
		reader_free(r);
	} else if (!send_backlog(r)) {
		reader_free(r);
	}
}

static void flush(void *arg)
{
	struct event_feed *f = arg;

	if (f->file >= 0 && f->lines.len)
		write_file(f);
	LIST_EACH(at, &f->readers)
		if (f->lines.len)
			give(LIST_OF(at, struct reader, link), &f->lines);
	buf_free(&f->lines);
}

static void heard_event(void *arg, const char *line, size_t n)
{
	struct event_feed *f = arg;

	if (!buf_add(&f->lines, line, n)) {
		flush(f);
		buf_add(&f->lines, line, n);
	}
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

	if (gone || (writable && !send_backlog(r)))
		reader_free(r);
	listen_if_needed(f);
}

static void reader_new(struct event_feed *f, int fd)
{
	struct reader *r = mem_alloc(sizeof *r);

	r->feed = f;
	r->fd = fd;
	buf_init(&r->backlog, BACKLOG_MAX);
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
	buf_init(&f->lines, LINES_MAX);
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
	buf_free(&f->lines);
	free(f);
}
