#include "tool/inject_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/drop/wait_line.h"

enum { ANSWER_MS = 15000 };   /* for the daemon to answer what needs no delivery */

struct inject_wait {
	int fd;
	pid_t caller;
	const struct envelope *envelope;
	bool *told;               /* recipients whose line is printed */
	bool deferred, refused;   /* some recipient was */
	bool pressed;             /* the daemon knows that the time is over */
	bool took;                /* what has no result shall be ours */
	bool over;
	char **why;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the connection --- */

static bool say(struct inject_wait *w, enum wait_word word, const char *text)
{
	struct buf packet;
	bool good;

	buf_init(&packet, WAIT_LINE_MAX);
	wait_line_print(&(struct wait_line){ .word = word, .text = text_of(text) }, &packet);
	good = send(w->fd, packet.data, packet.len, MSG_NOSIGNAL) == (ssize_t)packet.len;
	buf_free(&packet);
	return good;
}

static bool dial(struct inject_wait *w, const char *path, char **why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
		if (connect(w->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return true;
	} else {
		errno = ENAMETOOLONG;
	}
	*why = mem_fmt("%s: nobody answers there (%s): is the daemon running? Nothing was handed over", path,
		strerror(errno));
	return false;
}

/* The daemon's first word. */
static bool is_welcome(struct inject_wait *w, const char *path, char **why)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	char packet[WAIT_LINE_MAX];
	ssize_t n = poll(&p, 1, ANSWER_MS) > 0 ? recv(w->fd, packet, sizeof(packet), 0) : 0;
	struct text rest;
	struct wait_line line;

	/* told once, if what we said was not read; the answer is behind it */
	if (n < 0 && errno == ECONNRESET)
		n = recv(w->fd, packet, sizeof(packet), 0);
	rest = text_make(packet, n > 0 ? (size_t)n : 0);
	if (!wait_line_read(&rest, &line))
		line = (struct wait_line){ .word = WAIT_NO, .text = text_of("the daemon does not answer") };
	if (line.word == WAIT_READY)
		return true;
	*why = mem_fmt("%s: %.*s; nothing was handed over", path, (int)line.text.n, line.text.p);
	return false;
}

struct inject_wait *inject_wait_new(const char *spool, const struct inject_drop *drop, char **why)
{
	struct inject_wait *w = mem_alloc(sizeof(*w));
	char *path = mem_fmt("%s/drop/socket", spool);
	bool good;

	w->caller = getppid();
	w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	good = dial(w, path, why);
	/* whoever is turned away at once cannot say it any more, but reads why */
	if (good)
		say(w, WAIT_FOR, inject_drop_name(drop));
	good = good && is_welcome(w, path, why);
	free(path);
	if (good)
		return w;
	inject_wait_free(w);
	return NULL;
}

void inject_wait_free(struct inject_wait *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->told);
	free(w);
}

/* --- what is printed --- */

static bool is_sent(struct text status)
{
	return text_is(status, "sent");
}

static void print(struct inject_wait *w, size_t rcpt, const struct wait_line *l)
{
	if (rcpt >= w->envelope->count || w->told[rcpt])
		return;
	w->told[rcpt] = true;
	w->deferred = w->deferred || text_is(l->status, "deferred");
	w->refused = w->refused || !(text_is(l->status, "deferred") || is_sent(l->status));
	printf("%s\t%.*s\t%.*s\t%.*s\n", w->envelope->rcpts[rcpt].address, (int)l->status.n, l->status.p,
		(int)l->dsn.n, l->dsn.p, (int)l->text.n, l->text.p);
}

static void print_rest(struct inject_wait *w, const char *status, struct text dsn, struct text text)
{
	const struct wait_line line = { .status = text_of(status), .dsn = dsn, .text = text };

	for (size_t i = 0; i < w->envelope->count; i++)
		print(w, i, &line);
	w->over = true;
}

static void keep(struct inject_wait *w, struct text reason)
{
	free(*w->why);
	*w->why = mem_fmt("%.*s; the message is queued, and is delivered or reported on as if nobody had waited",
		(int)reason.n, reason.p);
	w->over = true;
}

/* --- the conversation --- */

/* Whether there is still somebody whose the message could be again. */
static bool has_caller(const struct inject_wait *w)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return getppid() == w->caller && !(poll(&out, 1, 0) > 0 && (out.revents & POLLERR));
}

static void answer_offer(struct inject_wait *w)
{
	if (!has_caller(w))
		keep(w, text_of("the caller has gone"));
	else if (say(w, WAIT_TAKE, ""))
		w->took = true;
}

static void obey(struct inject_wait *w, const struct wait_line *l)
{
	switch (l->word) {
	case WAIT_RESULT: print(w, l->rcpt, l); break;
	case WAIT_OFFER: answer_offer(w); break;
	case WAIT_REST: print_rest(w, "deferred", l->dsn, l->text); break;
	case WAIT_REFUSED: print_rest(w, "bounced", text_of("5.6.0"), l->text); break;
	case WAIT_QUEUED: keep(w, l->text); break;
	case WAIT_OVER: w->over = true; break;
	default: break;
	}
}

/* After "take" nobody knows whether the daemon has let go of the message: once too often is better than
 * never. */
static void connection_ended(struct inject_wait *w)
{
	static const char text[] = "the daemon ended before it told the outcome";

	if (w->took)
		print_rest(w, "deferred", text_of("4.3.0"), text_of(text));
	else
		keep(w, text_of(text));
}

static void hear(struct inject_wait *w)
{
	char packet[WAIT_PACKET_MAX];
	ssize_t n = recv(w->fd, packet, sizeof(packet), MSG_DONTWAIT);
	struct text rest = text_make(packet, n > 0 ? (size_t)n : 0);
	struct wait_line line;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	while (!w->over && wait_line_read(&rest, &line))
		obey(w, &line);
	if (fflush(stdout) != 0 && !w->over)
		keep(w, text_of("the results cannot be written to standard output"));
	if (n <= 0)
		connection_ended(w);
}

/* What the daemon has not taken yet can be taken back without asking. */
static void time_over(struct inject_wait *w, struct inject_drop *drop)
{
	if (w->pressed)
		keep(w, text_of("the daemon does not answer"));
	else if (inject_drop_withdraw(drop))
		print_rest(w, "deferred", text_of("4.4.7"), text_of("the daemon did not take the message in time"));
	else if (!say(w, WAIT_ENOUGH, ""))
		connection_ended(w);
	w->pressed = true;
}

static void converse(struct inject_wait *w, struct inject_drop *drop, int64_t ms)
{
	int64_t until = now_ms() + ms;

	while (!w->over) {
		struct pollfd p[] = { { .fd = w->fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
		int64_t left = until - now_ms();
		int n = poll(p, 2, left < 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX);

		if (n > 0 && p[0].revents)
			hear(w);
		else if (n > 0 && (p[1].revents & POLLERR))
			keep(w, text_of("nobody reads the results"));
		else if (n == 0 && now_ms() >= until) {
			time_over(w, drop);
			until = now_ms() + ANSWER_MS;
		}
	}
}

int inject_wait_outcome(struct inject_wait *w, struct inject_drop *drop, const struct envelope *envelope,
	int64_t ms, char **why)
{
	w->envelope = envelope;
	w->told = mem_alloc(envelope->count * sizeof(*w->told));
	w->why = why;
	converse(w, drop, ms);
	if (fflush(stdout) != 0 && !*why)
		*why = mem_fmt("standard output: %s", strerror(errno));
	return w->deferred ? EX_TEMPFAIL : w->refused ? EX_UNAVAILABLE : EX_OK;
}
