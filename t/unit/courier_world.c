#include "courier_world.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "link/link.h"

struct peer peer;
struct loop *loop;
struct link *queue;
struct courier *courier;
static struct settings *settings;
unsigned credits, closes;
static int stop_after;
char log_text[4000];     /* a line for each answer and finish */

static void count(void)
{
	if (--stop_after == 0)
		loop_stop(loop);
}

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
	size_t n = strlen(log_text);
	va_list args;

	va_start(args, format);
	vsnprintf(log_text + n, sizeof log_text - n, format, args);
	va_end(args);
}

static void on_credit(void *arg, unsigned more)
{
	(void)arg;
	credits += more;
	count();
}

static const char *const outcomes[] = { "none", "sent", "deferred", "bounced", "keep", "again", "alone" };

static void on_answer(void *arg, const struct answer *a)
{
	(void)arg;
	add("%u:%s %s use=%u%s\n", a->rcpt, outcomes[a->verdict.outcome], a->verdict.dsn, a->conn_use,
		a->verdict.maybe_twice ? " twice" : "");
	if (strcmp(a->relay, "none") != 0 && !peer.port)
		ck_assert_ptr_nonnull(strstr(a->relay, "mx.test["));
}

static void on_finish(void *arg, const struct finish *f)
{
	static const char *const sites[] = { "fine", "busy", "dead" };
	static const char *const connections[] = { "closed", "kept", "passed" };

	(void)arg;
	if (f->untried)
		add("untried\n");
	else
		add("%s %s\n", connections[f->connection], sites[f->site]);
	count();
}

static void on_closed(void *arg, uint32_t destination, unsigned n)
{
	(void)arg;
	(void)destination;
	closes += n;
	count();
}

static void on_note(void *arg, uint32_t request, const char *text)
{
	(void)arg, (void)request;
	(void)text;
}

static void on_broken(void *arg, const char *why)
{
	(void)arg;
	if (strcmp(why, "the other end has gone") != 0)
		ck_abort_msg("link: %s", why);
	loop_stop(loop);
}

static const struct link_events at_queue = {
	.credit = on_credit, .answer = on_answer, .finish = on_finish, .closed = on_closed, .note = on_note,
	.broken = on_broken,
};

static void too_late(void *arg)
{
	(void)arg;
	ck_abort_msg("nothing came; so far:\n%s", log_text);
}

void run_until(int n)
{
	struct loop_timer *limit = loop_timer_new(loop, too_late, NULL);

	stop_after = n;
	loop_timer_set(limit, UNIT_PATIENCE_MS);
	loop_run(loop);
	loop_timer_free(limit);
}

void set(const char *path, const char *value)
{
	const char *why;

	settings = settings ? settings : settings_new();
	if (!settings_set(settings, path, value, &why))
		ck_abort_msg("%s: %s", path, why);
}

void start_with(const char *const *script, bool inet)
{
	int fds[2];
	char *why = NULL;

	if (script)
		peer_start(&peer, script, inet);
	loop = loop_new();
	set("myhostname", "mx.test");
	set("resolver.trust_anchor_file", "");
	set("smtp.fallback_relay", "");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	queue = link_new(loop, fds[0], &at_queue, NULL);
	courier = courier_new(loop, settings, fds[1], &why);
	ck_assert_msg(courier != NULL, "%s", why);
	courier_start(courier);
	run_until(1);
	ck_assert_uint_gt(credits, 0);
}

void start(const char *const *script)
{
	start_with(script, false);
}

void finish(void)
{
	courier_free(courier);
	link_free(queue);
	loop_free(loop);
	settings_free(settings);
	peer_stop(&peer);
}

int file_of(size_t body)
{
	static const char line[] = "0123456789 a line of the body, which is not long ...............\r\n";
	int fd = memfd_create("message", MFD_CLOEXEC);

	dprintf(fd, "MAIL FROM:<>\r\nSubject: x\r\n\r\n..stuffed\r\n");
	for (size_t n = 0; n < body; n += sizeof line - 1)
		ck_assert_int_eq(write(fd, line, sizeof line - 1), sizeof line - 1);
	ck_assert_int_eq(write(fd, ".\r\n", 3), 3);
	return fd;
}

const char *nexthop_of_peer(void)
{
	static char nexthop[100];

	snprintf(nexthop, sizeof nexthop, "unix:%s", peer.path);
	return nexthop;
}

static uint32_t send_request(const char *transport, const char *nexthop, size_t rcpts, size_t body,
	bool ahead)
{
	static uint32_t number = 100;
	struct request *r = request_new();
	struct stat st;
	int fd = file_of(body);

	fstat(fd, &st);
	r->number = ++number;
	r->ahead = ahead;
	r->destination = 3;
	r->queue_id = mem_str("3kQ9Xb2mT1");
	r->transport = mem_str(transport);
	r->nexthop = mem_str(nexthop);
	r->trace = mem_str("Received: by mx.test\r\n");
	r->trace_size = strlen(r->trace);
	r->content_at = strlen("MAIL FROM:<>\r\n");
	r->content_size = (uint64_t)st.st_size - r->content_at;
	r->envelope = envelope_new();
	for (size_t i = 0; i < rcpts; i++)
		envelope_add(r->envelope, i == 0 ? "one@x" : i == 1 ? "two@x" : "three@x", NULL, 0);
	link_send_request(queue, r, fd);
	request_free(r);
	close(fd);
	return number;
}

void send_sized(const char *transport, const char *nexthop, size_t rcpts, size_t body)
{
	send_request(transport, nexthop, rcpts, body, false);
}

uint32_t send_ahead(const char *nexthop)
{
	return send_request("lmtp", nexthop, 1, 1000, true);
}

void send_one(const char *nexthop, size_t rcpts)
{
	send_sized("lmtp", nexthop, rcpts, 1000);
}
