#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	SMALL_FILE = 64 * 1024,          /* up to here a file goes through the shared buffer, in one write */
	HEAD_ROOM = 16 * 1024,
	READ_SIZE = 8 * 1024,            /* taken from a peer in one turn */
	FILE_PIECE = 512 * 1024,         /* given to a peer in one turn */
	LAST_READS = 16,                 /* of what a peer said before it went */
	WAITING_MAX = 4 * 1024 * 1024
};

struct stream_shared {
	struct loop *loop;
	char buffer[HEAD_ROOM + SMALL_FILE];
};

struct range {
	int fd;
	off_t at;
	uint64_t left;
};

struct stream {
	struct stream_shared *shared;
	const struct stream_events *events;
	void *arg;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *deadline;
	int64_t limit;                   /* ms; 0: none */
	struct loop_task later;          /* tells of an opening or an end that was known at once */
	struct buf waiting;              /* bytes the kernel has not taken yet */
	struct range file;               /* sent behind them */
	bool connecting, open, over;
	int bind_error;
	enum stream_end how;
	int error;
};

struct stream_shared *stream_shared_new(struct loop *l)
{
	struct stream_shared *s = mem_alloc(sizeof *s);

	s->loop = l;
	return s;
}

void stream_shared_free(struct stream_shared *s)
{
	free(s);
}

static bool is_waiting(const struct stream *s)
{
	return s->waiting.len > 0 || s->file.left > 0;
}

static void watch_update(struct stream *s)
{
	if (s->watch)
		loop_watch_want(s->watch, s->open && !s->over, !s->over && (s->connecting || is_waiting(s)));
}

/* The end is told at the end of this turn, so that no call made here calls back. */
static void end_later(struct stream *s, enum stream_end how, int error)
{
	if (s->over)
		return;
	s->over = true;
	s->how = how;
	s->error = error;
	loop_timer_stop(s->deadline);
	watch_update(s);
	loop_later(s->shared->loop, &s->later);
}

static void deadline_restart(struct stream *s)
{
	if (s->limit > 0 && !s->over)
		loop_timer_set(s->deadline, s->limit);
}

void stream_deadline(struct stream *s, int64_t ms)
{
	s->limit = ms;
	if (ms > 0)
		deadline_restart(s);
	else
		loop_timer_stop(s->deadline);
}

static void deadline_passed(void *arg)
{
	struct stream *s = arg;

	if (!s->open)
		end_later(s, STREAM_REFUSED, ETIMEDOUT);
	else if (!s->over)
		s->events->late(s->arg);
}

/* Writing. */

/* As many bytes as the kernel takes now: 0 if none, and what else went wrong ends the stream. */
static size_t put(struct stream *s, const char *bytes, size_t n)
{
	ssize_t taken;

	do
		taken = send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (taken < 0 && errno == EINTR);
	if (taken >= 0)
		return (size_t)taken;
	if (errno != EAGAIN && errno != ENOBUFS)
		end_later(s, STREAM_BROKEN, errno);
	return 0;
}

/* The same for a range of a file. */
static uint64_t put_file(struct stream *s)
{
	size_t piece = s->file.left < FILE_PIECE ? (size_t)s->file.left : FILE_PIECE;
	ssize_t taken;

	do
		taken = sendfile(s->fd, s->file.fd, &s->file.at, piece);
	while (taken < 0 && errno == EINTR);
	if (taken > 0)
		return (uint64_t)taken;
	if (taken == 0 || errno == EIO)
		end_later(s, STREAM_UNREADABLE, taken == 0 ? 0 : errno);
	else if (errno != EAGAIN && errno != ENOBUFS)
		end_later(s, STREAM_BROKEN, errno);
	return 0;
}

static void push(struct stream *s)
{
	uint64_t taken;

	if (s->waiting.len > 0) {
		taken = put(s, s->waiting.data, s->waiting.len);
		buf_drop(&s->waiting, (size_t)taken);
	} else {
		taken = put_file(s);
		s->file.left -= taken;
	}
	if (taken > 0)
		deadline_restart(s);
	if (s->waiting.len == 0)
		buf_free(&s->waiting);
}

static bool wait_for(struct stream *s, const char *bytes, size_t n)
{
	if (n > 0 && !buf_add(&s->waiting, bytes, n))
		end_later(s, STREAM_BROKEN, ENOBUFS);
	watch_update(s);
	return !s->over && !is_waiting(s);
}

bool stream_write(struct stream *s, const void *bytes, size_t n)
{
	size_t taken = 0;

	assert(s->open);
	if (s->over)
		return false;
	if (!is_waiting(s))
		taken = put(s, bytes, n);
	return wait_for(s, (const char *)bytes + taken, n - taken);
}

/* True if size bytes at the offset are in the buffer. */
static bool read_all(struct stream *s, int fd, uint64_t at, char *to, size_t size)
{
	while (size > 0) {
		ssize_t n = pread(fd, to, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			end_later(s, STREAM_UNREADABLE, n < 0 ? errno : 0);
			return false;
		}
		to += n;
		at += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

bool stream_write_file(struct stream *s, const void *head, size_t n, int fd, uint64_t at, uint64_t size)
{
	char *buffer = s->shared->buffer;

	assert(s->open && s->file.left == 0);
	if (s->over)
		return false;
	if (n > HEAD_ROOM || size > SMALL_FILE) {
		stream_write(s, head, n);
		s->file = (struct range){ fd, (off_t)at, size };
		if (s->waiting.len == 0 && !s->over)
			push(s);
		return wait_for(s, NULL, 0);
	}
	memcpy(buffer, head, n);
	return read_all(s, fd, at, buffer + n, (size_t)size) && stream_write(s, buffer, n + (size_t)size);
}

/* Events. */

static void hear(struct stream *s)
{
	char bytes[READ_SIZE];
	ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n > 0)
		s->events->heard(s->arg, bytes, (size_t)n);
	else if (n == 0)
		end_later(s, STREAM_CLOSED, 0);
	else if (errno != EAGAIN && errno != EINTR)
		end_later(s, STREAM_BROKEN, errno);
}

static void connection_settled(struct stream *s)
{
	socklen_t size = sizeof s->error;
	int error = 0;

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	s->connecting = false;
	if (error)
		end_later(s, STREAM_REFUSED, error);
	else
		s->open = true;
	watch_update(s);
	if (s->open)
		s->events->opened(s->arg);
}

static void ready(void *arg, bool readable, bool writable)
{
	struct stream *s = arg;

	if (s->over)
		return;
	if (s->connecting) {
		connection_settled(s);
		return;
	}
	if (readable)
		hear(s);
	if (!writable || s->over || !is_waiting(s))
		return;
	push(s);
	watch_update(s);
	if (!s->over && !is_waiting(s))
		s->events->drained(s->arg);
}

/* A peer that hangs up on what we write has often said why: what it said is heard before the end is told. */
static void hear_last(struct stream *s)
{
	char bytes[READ_SIZE];
	ssize_t n;

	for (int i = 0; i < LAST_READS; i++) {
		n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n <= 0)
			return;
		s->events->heard(s->arg, bytes, (size_t)n);
	}
}

static void tell_later(void *arg)
{
	struct stream *s = arg;

	if (!s->over) {
		s->events->opened(s->arg);
		return;
	}
	if (s->how == STREAM_BROKEN)
		hear_last(s);
	s->events->ended(s->arg, s->how, s->error);
}

/* Beginning and end. */

static struct stream *stream_new(struct stream_shared *shared, int fd, const struct stream_events *events,
	void *arg)
{
	struct stream *s = mem_alloc(sizeof *s);

	s->shared = shared;
	s->fd = fd;
	s->events = events;
	s->arg = arg;
	s->later = (struct loop_task){ .fn = tell_later, .arg = s };
	s->deadline = loop_timer_new(shared->loop, deadline_passed, s);
	buf_init(&s->waiting, WAITING_MAX);
	if (fd >= 0)
		s->watch = loop_watch_new(shared->loop, fd, ready, s);
	return s;
}

struct stream *stream_adopt(struct stream_shared *shared, int fd, const struct stream_events *events,
	void *arg)
{
	struct stream *s = stream_new(shared, fd, events, arg);

	s->open = true;
	watch_update(s);
	return s;
}

static bool bound(struct stream *s, const struct endpoint *from, bool must)
{
	if (!from || bind(s->fd, &from->at.any, from->size) == 0)
		return true;
	s->bind_error = errno;
	return !must;
}

static void begin_connect(struct stream *s, const struct endpoint *to)
{
	int one = 1;

	if (!endpoint_is_unix(to))
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(s->fd, &to->at.any, to->size) == 0) {
		s->open = true;
		loop_later(s->shared->loop, &s->later);
	} else if (errno == EINPROGRESS) {
		s->connecting = true;
	} else {
		end_later(s, STREAM_REFUSED, errno);
	}
	watch_update(s);
}

struct stream *stream_connect(struct stream_shared *shared, const struct endpoint *to,
	const struct endpoint *from, bool must_bind, const struct stream_events *events, void *arg)
{
	int fd = socket(to->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = errno;
	struct stream *s = stream_new(shared, fd, events, arg);

	if (fd < 0)
		end_later(s, STREAM_REFUSED, error);
	else if (!bound(s, from, must_bind))
		end_later(s, STREAM_UNBOUND, s->bind_error);
	else
		begin_connect(s, to);
	return s;
}

int stream_bind_error(const struct stream *s)
{
	return s->bind_error;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	loop_cancel(s->shared->loop, &s->later);
	loop_timer_free(s->deadline);
	loop_watch_free(s->watch);
	buf_free(&s->waiting);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
