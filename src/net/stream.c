#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream_private.h"

enum {
	READ_SIZE = 8 * 1024,            /* taken from a peer in one turn */
	LAST_READS = 16,                 /* of what a peer said before it went */
	SECURE_READS = 4,                /* of what TLS holds in one turn */
	WAITING_MAX = 4 * 1024 * 1024
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

void stream_shared_set_window(struct stream_shared *s, int bytes)
{
	s->window = bytes;
}

void stream_watch(struct stream *s)
{
	bool stuck = s->tls && tls_wants_write(s->tls);

	if (s->watch)
		loop_watch_want(s->watch, s->open && !s->over,
			!s->over && (s->connecting || stuck || stream_is_waiting(s)));
}

void stream_end_later(struct stream *s, enum stream_end how, int error)
{
	if (s->over)
		return;
	s->over = true;
	s->how = how;
	s->error = error;
	loop_timer_stop(s->deadline);
	stream_watch(s);
	loop_later(s->shared->loop, &s->later);
}

static void deadline_set(struct stream *s, int64_t due)
{
	int64_t now = loop_now(s->shared->loop);

	if (s->limit <= 0 || s->over)
		return;
	s->due = due < now + s->limit ? due : now + s->limit;
	loop_timer_set(s->deadline, s->due > now ? s->due - now : 0);
}

static void deadline_restart(struct stream *s)
{
	deadline_set(s, INT64_MAX);
}

void stream_taken(struct stream *s, uint64_t taken)
{
	if (s->rate == 0)
		deadline_restart(s);
	else
		deadline_set(s, s->due + (int64_t)taken * 1000 / s->rate);
}

void stream_deadline(struct stream *s, int64_t ms, int64_t rate)
{
	s->limit = ms;
	s->rate = rate;
	if (ms > 0)
		deadline_restart(s);
	else
		loop_timer_stop(s->deadline);
}

static void deadline_passed(void *arg)
{
	struct stream *s = arg;

	if (!s->open)
		stream_end_later(s, STREAM_REFUSED, ETIMEDOUT);
	else if (!s->over)
		s->events->late(s->arg);
}

/* Events. */

static ssize_t take(struct stream *s, char *bytes, size_t room)
{
	return s->tls ? stream_secure_take(s, bytes, room) : recv(s->fd, bytes, room, MSG_DONTWAIT);
}

/* False if there was nothing. */
static bool hear_once(struct stream *s)
{
	char bytes[READ_SIZE];
	ssize_t n = take(s, bytes, sizeof bytes);

	if (n > 0)
		s->events->heard(s->arg, bytes, (size_t)n);
	else if (n == 0)
		stream_end_later(s, STREAM_CLOSED, 0);
	else if (errno != EAGAIN && errno != EINTR)
		stream_end_later(s, STREAM_BROKEN, errno);
	return n > 0;
}

static bool has_more(const struct stream *s)
{
	return s->tls && !s->securing && !s->over && tls_pending(s->tls);
}

/* What TLS has taken from the socket and not given yet would cause no event: it is read now, a piece of it;
 * the rest at the end of the turn. A record of which only a part is there has to wait for the socket. */
static void hear(struct stream *s)
{
	bool some = hear_once(s);

	for (int i = 1; some && i < SECURE_READS && has_more(s); i++)
		some = hear_once(s);
	if (some && has_more(s))
		loop_later(s->shared->loop, &s->more);
	if (s->tls)
		stream_watch(s);
}

static void hear_more(void *arg)
{
	struct stream *s = arg;

	if (!s->over && !s->securing)
		hear(s);
}

/* Something of TLS itself may be there without anything being said. */
bool stream_listen(struct stream *s)
{
	char byte;
	bool some = s->tls ? tls_peek(s->tls) : recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;

	if (some)
		loop_later(s->shared->loop, &s->more);
	return some;
}

static void shake_hands(struct stream *s)
{
	bool done = stream_shake_hands(s);

	stream_watch(s);
	if (!done)
		return;
	s->events->secured(s->arg);
	if (has_more(s))
		loop_later(s->shared->loop, &s->more);
}

static void connection_settled(struct stream *s)
{
	socklen_t size = sizeof s->error;
	int error = 0;

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	s->connecting = false;
	if (error)
		stream_end_later(s, STREAM_REFUSED, error);
	else
		s->open = true;
	stream_watch(s);
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
	if (s->securing) {
		shake_hands(s);
		return;
	}
	if (readable || (s->tls && tls_wants_write(s->tls)))
		hear(s);
	if (!writable || s->over || !stream_is_waiting(s))
		return;
	stream_push(s);
	stream_watch(s);
	if (!s->over && !stream_is_waiting(s))
		s->events->drained(s->arg);
}

/* A peer that hangs up on what we write has often said why: what it said is heard before the end is told. */
static void hear_last(struct stream *s)
{
	char bytes[READ_SIZE];
	ssize_t n;

	for (int i = 0; i < LAST_READS && !s->securing; i++) {
		n = take(s, bytes, sizeof bytes);
		if (n <= 0)
			return;
		s->events->heard(s->arg, bytes, (size_t)n);
	}
}

static void tell_later(void *arg)
{
	struct stream *s = arg;

	if (!s->over && s->securing) {
		shake_hands(s);
		return;
	}
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
	s->more = (struct loop_task){ .fn = hear_more, .arg = s };
	s->deadline = loop_timer_new(shared->loop, deadline_passed, s);
	buf_init(&s->waiting, WAITING_MAX);
	if (fd >= 0)
		s->watch = loop_watch_new(shared->loop, fd, ready, s);
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
	int one = 1, window = s->shared->window;

	if (!endpoint_is_unix(to))
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (!endpoint_is_unix(to) && window > 0) {
		setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &window, sizeof window);
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
	}
	if (connect(s->fd, &to->at.any, to->size) == 0) {
		s->open = true;
		loop_later(s->shared->loop, &s->later);
	} else if (errno == EINPROGRESS) {
		s->connecting = true;
	} else {
		stream_end_later(s, STREAM_REFUSED, errno);
	}
	stream_watch(s);
}

struct stream *stream_connect(struct stream_shared *shared, const struct endpoint *to,
	const struct endpoint *from, bool must_bind, const struct stream_events *events, void *arg)
{
	int fd = socket(to->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = errno;
	struct stream *s = stream_new(shared, fd, events, arg);

	if (fd < 0)
		stream_end_later(s, STREAM_REFUSED, error);
	else if (!bound(s, from, must_bind))
		stream_end_later(s, STREAM_UNBOUND, s->bind_error);
	else
		begin_connect(s, to);
	return s;
}

int stream_bind_error(const struct stream *s)
{
	return s->bind_error;
}

void stream_goodbye(struct stream *s)
{
	if (s->tls && !s->over && !s->parted)
		tls_goodbye(s->tls);
	s->parted = true;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	loop_cancel(s->shared->loop, &s->later);
	loop_cancel(s->shared->loop, &s->more);
	stream_goodbye(s);
	tls_free(s->tls);
	loop_timer_free(s->deadline);
	loop_watch_free(s->watch);
	buf_free(&s->waiting);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
