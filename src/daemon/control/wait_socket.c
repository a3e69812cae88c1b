#include "daemon/control/wait_socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/drop/wait_line.h"
#include "queue/caller/waits.h"

enum {
	CALLERS_MAX = 512,
	OWN_SHARE = 2,                   /* one user gets no more than this part of them */
	FILES_SHARE = 8,                 /* nor do all get more than this part of the descriptors */
	ACCEPTS_A_TURN = 64,
	LOOK_AGAIN = 1000,               /* ms */
	PATIENCE = 10000,                /* ms for a caller to say what he has to say */
	PENDING_MAX = 64 * 1024 * 1024   /* bytes told to a caller who does not read them */
};

struct caller {
	struct list link;
	struct wait_socket *socket;
	int fd;
	uid_t uid;
	struct loop_watch *watch;
	struct loop_timer *patience;
	struct loop_task flush;
	struct wait *wait;               /* NULL: he has not named his file */
	struct buf pending;
	size_t sent;                     /* bytes of pending */
	bool over;                       /* ends when all is sent */
};

struct wait_socket {
	struct loop *loop;
	struct queue *queue;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *again;        /* descriptors were used up: to look again */
	struct list callers;
	size_t count, most;
};

static void caller_free(struct caller *c)
{
	list_remove(&c->link);
	c->socket->count--;
	if (c->wait)
		wait_leave(c->wait);
	loop_cancel(c->socket->loop, &c->flush);
	loop_timer_free(c->patience);
	loop_watch_free(c->watch);
	close(c->fd);
	buf_free(&c->pending);
	free(c);
}

/* --- to the caller --- */

/* As many whole lines as one packet takes. */
static size_t packet_of(struct text t)
{
	const char *lf;

	if (t.n <= WAIT_PACKET_MAX)
		return t.n;
	lf = memrchr(t.p, '\n', WAIT_PACKET_MAX);
	return (size_t)(lf + 1 - t.p);
}

/* False if he has gone. */
static bool send_all(struct caller *c)
{
	while (c->sent < c->pending.len) {
		struct text rest = text_make(c->pending.data + c->sent, c->pending.len - c->sent);
		ssize_t n = send(c->fd, rest.p, packet_of(rest), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)n;
	}
	buf_clear(&c->pending);
	c->sent = 0;
	return true;
}

static void flush(void *arg)
{
	struct caller *c = arg;
	bool there = !c->pending.over && send_all(c);

	if (!there || (c->over && c->pending.len == 0))
		caller_free(c);
	else
		loop_watch_want(c->watch, true, c->pending.len > 0);
}

static void say(struct caller *c, const struct wait_line *line)
{
	wait_line_print(line, &c->pending);
	loop_later(c->socket->loop, &c->flush);
}

static void refuse(struct caller *c, const char *text)
{
	say(c, &(struct wait_line){ .word = WAIT_NO, .text = text_of(text) });
	c->over = true;
}

/* What he is told last has to be read in time, as an offer has to be answered. */
static void told(void *arg, const struct wait_line *line)
{
	struct caller *c = arg;

	say(c, line);
	c->over = line->word == WAIT_OVER || line->word == WAIT_REFUSED || line->word == WAIT_QUEUED;
	if (c->over || line->word == WAIT_OFFER)
		loop_timer_set(c->patience, PATIENCE);
}

static void impatient(void *arg)
{
	struct caller *c = arg;

	if (c->wait && !c->over)
		log_line(LOG_LEVEL_INFO, "qmgr", NULL,
			"uid %lu waits for a message, but does not answer: it stays in the queue",
			(unsigned long)c->uid);
	caller_free(c);
}

/* --- from the caller --- */

static size_t count_of(const struct wait_socket *s, uid_t uid)
{
	size_t n = 0;

	LIST_EACH(at, &s->callers)
		n += LIST_OF(at, struct caller, link)->uid == uid;
	return n;
}

static void begin_wait(struct caller *c, struct text name)
{
	char *copy = mem_strn(name.p, name.n);

	if (name.n > NAME_MAX || memchr(name.p, '/', name.n) || name.n == 0)
		refuse(c, "that is no name of a file");
	else if (c->wait)
		refuse(c, "a connection is for one file");
	else
		c->wait = wait_begin(c->socket->queue, copy, c->uid, told, c);
	free(copy);
	if (!c->over && !c->wait)
		refuse(c, "somebody waits for this file already");
	if (c->over)
		return;
	loop_timer_stop(c->patience);
	say(c, &(struct wait_line){ .word = WAIT_READY });
}

/* False: he does not keep to the rules. */
static bool obey(struct caller *c, const struct wait_line *line)
{
	switch (line->word) {
	case WAIT_FOR:
		begin_wait(c, line->text);
		return true;
	case WAIT_ENOUGH:
		if (c->wait)
			wait_enough(c->wait);
		return c->wait;
	case WAIT_TAKE:
		loop_timer_stop(c->patience);
		return c->wait && wait_take(c->wait);
	default:
		return false;
	}
}

/* False: he has gone, or should. */
static bool hear(struct caller *c)
{
	char packet[WAIT_LINE_MAX];
	ssize_t n = recv(c->fd, packet, sizeof packet, MSG_DONTWAIT);
	struct text rest = text_make(packet, n > 0 ? (size_t)n : 0);
	struct wait_line line;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (c->over)
		return n > 0;
	return n > 0 && wait_line_read(&rest, &line) && rest.n == 0 && obey(c, &line);
}

static void ready(void *arg, bool readable, bool writable)
{
	struct caller *c = arg;

	if (readable && !hear(c))
		caller_free(c);
	else if (writable)
		flush(c);
}

/* --- coming in --- */

static void take_caller(struct wait_socket *s, int fd, uid_t uid)
{
	struct caller *c = mem_alloc(sizeof *c);
	size_t own = count_of(s, uid);

	c->socket = s;
	c->fd = fd;
	c->uid = uid;
	c->watch = loop_watch_new(s->loop, fd, ready, c);
	c->patience = loop_timer_new(s->loop, impatient, c);
	c->flush = (struct loop_task){ .fn = flush, .arg = c };
	buf_init(&c->pending, PENDING_MAX);
	list_append(&s->callers, &c->link);
	s->count++;
	loop_watch_want(c->watch, true, false);
	loop_timer_set(c->patience, PATIENCE);
	if (own >= s->most / OWN_SHARE || s->count > s->most)
		refuse(c, "too many callers wait already");
}

static void look_again(void *arg)
{
	struct wait_socket *s = arg;

	loop_watch_want(s->watch, true, false);
}

/* Whoever stands at the door would be seen again at once, and for nothing. */
static void look_later(struct wait_socket *s)
{
	loop_watch_want(s->watch, false, false);
	loop_timer_set(s->again, LOOK_AGAIN);
}

static void incoming(void *arg, bool readable, bool writable)
{
	struct wait_socket *s = arg;
	struct ucred peer;
	int fd;

	(void)readable, (void)writable;
	for (unsigned n = 0; n < ACCEPTS_A_TURN; n++) {
		socklen_t size = sizeof peer;

		fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			look_later(s);
		if (fd < 0)
			return;
		if (s->count > s->most || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
			close(fd);
		else
			take_caller(s, fd, peer.uid);
	}
}

/* --- life --- */

static size_t most_callers(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / FILES_SHARE > CALLERS_MAX)
		return CALLERS_MAX;
	return (size_t)files.rlim_cur / FILES_SHARE;
}

struct wait_socket *wait_socket_new(struct loop *loop, struct queue *queue)
{
	struct wait_socket *s = mem_alloc(sizeof *s);

	s->loop = loop;
	s->queue = queue;
	s->fd = -1;
	s->most = most_callers();
	s->again = loop_timer_new(loop, look_again, s);
	list_init(&s->callers);
	return s;
}

static void stop_listening(struct wait_socket *s)
{
	if (s->fd < 0)
		return;
	loop_timer_stop(s->again);
	loop_watch_free(s->watch);
	close(s->fd);
}

void wait_socket_free(struct wait_socket *s)
{
	if (!s)
		return;
	LIST_EACH(at, &s->callers)
		caller_free(LIST_OF(at, struct caller, link));
	stop_listening(s);
	loop_timer_free(s->again);
	free(s);
}

void wait_socket_listen(struct wait_socket *s, int fd)
{
	stop_listening(s);
	s->fd = fd;
	s->watch = loop_watch_new(s->loop, fd, incoming, s);
	loop_watch_want(s->watch, true, false);
}
