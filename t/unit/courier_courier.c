/*
 * A courier inside the test, the queue's end of its link beside it on the same loop, and an LMTP peer in
 * a thread that follows a script: one line for each connection, a word for each message on it.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/courier.h"
#include "link/link.h"
#include "net/endpoint.h"

/*
 * The peer. What a message's word makes it do:
 *   ok        accepts all
 *   rcpt450, rcpt550, dot451   answers so for everybody
 *   mixed     the second recipient is refused at RCPT, the third after the dot
 *   partial   one final reply, then closes
 *   mute      closes after the dot without a reply
 *   die       closes before it answers anything of the message
 *   bye       when told, sends 421 and closes while idle
 * and for a connection: "nogreeting" closes before the greeting, "wait" when told; "refuse" greets with
 * 421.
 */
struct peer {
	const char *const *script;    /* by connection; NULL at the end */
	char path[80];
	uint16_t port;                /* the script is served at 127.0.0.x, not at path */
	int listener;
	pthread_t thread;
	atomic_int connections, messages;
	sem_t bye;
	char last_content[200000];
	atomic_size_t last_size;
};

static void say(FILE *f, const char *line)
{
	fprintf(f, "%s\r\n", line);
	fflush(f);
}

static bool command(FILE *in, char *line, size_t size)
{
	return fgets(line, (int)size, in);
}

static void keep_content(struct peer *p, FILE *in)
{
	char line[4096];
	size_t n, total = 0;

	while (fgets(line, sizeof line, in)) {
		n = strlen(line);
		if (strcmp(line, ".\r\n") == 0)
			break;
		if (total + n < sizeof p->last_content) {
			memcpy(p->last_content + total, line, n);
			total += n;
		}
	}
	p->last_content[total] = '\0';
	p->last_size = total;
}

static const char *rcpt_reply(const char *word, int number)
{
	if (strcmp(word, "rcpt450") == 0)
		return "450 4.2.1 not now";
	if (strcmp(word, "rcpt550") == 0 || (strcmp(word, "mixed") == 0 && number == 2))
		return "550 5.1.1 no such user";
	return "250 2.1.5 ok";
}

static const char *final_reply(const char *word, int number)
{
	if (strcmp(word, "dot451") == 0)
		return "451 4.3.0 try later";
	if (strcmp(word, "mixed") == 0 && number == 2)
		return "452 4.2.2 mailbox full";
	return "250 2.0.0 saved";
}

/* One message; false: the connection is over. */
static bool serve(struct peer *p, FILE *in, FILE *out, const char *word)
{
	char line[4096];
	int rcpts = 0, accepted = 0;

	for (;;) {
		if (!command(in, line, sizeof line) || strcmp(word, "die") == 0)
			return false;
		if (strncmp(line, "QUIT", 4) == 0) {
			say(out, "221 2.0.0 bye");
			return false;
		}
		if (strncmp(line, "RCPT", 4) == 0) {
			say(out, rcpt_reply(word, ++rcpts));
			accepted += rcpt_reply(word, rcpts)[0] == '2';
		} else if (strncmp(line, "DATA", 4) == 0 && accepted == 0) {
			say(out, "503 5.5.1 nobody");
			return true;
		} else if (strncmp(line, "DATA", 4) == 0) {
			say(out, "354 go");
			break;
		} else {
			say(out, line[0] == 'L' ? "250-peer\r\n250 PIPELINING" : "250 2.0.0 ok");
		}
	}
	keep_content(p, in);
	p->messages++;
	if (strcmp(word, "mute") == 0)
		return false;
	for (int i = 1; i <= accepted; i++) {
		say(out, final_reply(word, i));
		if (strcmp(word, "partial") == 0)
			return false;
	}
	return true;
}

static void converse(struct peer *p, int fd, const char *words)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char copy[200], *at = copy, *word;
	bool on = true;

	snprintf(copy, sizeof copy, "%s", words);
	if (strcmp(words, "refuse") == 0)
		say(out, "421 4.3.2 too many");
	else if (strcmp(words, "nogreeting") != 0 && strcmp(words, "wait") != 0)
		say(out, "220 peer LMTP");
	while (on && (word = strsep(&at, " "))) {
		if (strcmp(word, "bye") == 0) {
			sem_wait(&p->bye);
			say(out, "421 4.4.2 idle too long");
			on = false;
		} else if (strcmp(word, "wait") == 0) {
			sem_wait(&p->bye);
			on = false;
		} else if (strcmp(word, "nogreeting") == 0 || strcmp(word, "refuse") == 0) {
			on = false;
		} else {
			on = serve(p, in, out, word);
		}
	}
	while (on && serve(p, in, out, "ok"))
		;
	fclose(in);
	fclose(out);
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;

	for (int i = 0; p->script[i]; i++) {
		int fd = accept(p->listener, NULL, NULL);

		if (fd < 0)
			break;
		p->connections++;
		converse(p, fd, p->script[i]);
	}
	close(p->listener);
	return NULL;
}

static void peer_start(struct peer *p, const char *const *script, bool inet)
{
	struct endpoint at;

	p->script = script;
	sem_init(&p->bye, 0, 0);
	snprintf(p->path, sizeof p->path, "/tmp/causeway-courier.%ld", (long)getpid());
	unlink(p->path);
	ck_assert(inet ? endpoint_inet(&at, "0.0.0.0", 0) : endpoint_unix(&at, p->path));
	p->listener = socket(at.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(p->listener, &at.at.any, at.size), 0);
	ck_assert_int_eq(listen(p->listener, 10), 0);
	if (inet)
		ck_assert_int_eq(getsockname(p->listener, &at.at.any, &at.size), 0);
	p->port = endpoint_port(&at);
	ck_assert_int_eq(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

/* The queue's side. */
static struct peer peer;
static struct loop *loop;
static struct link *queue;
static struct courier *courier;
static struct settings *settings;
static unsigned credits, finishes, closes;
static int stop_after;
static char log_text[4000];     /* a line for each answer and finish */

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

	(void)arg;
	add("%s %s\n", f->connection_kept ? "kept" : "closed", sites[f->site]);
	finishes++;
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

static void run_until(int n)
{
	struct loop_timer *limit = loop_timer_new(loop, too_late, NULL);

	stop_after = n;
	loop_timer_set(limit, 3000);
	loop_run(loop);
	loop_timer_free(limit);
}

static void set(const char *path, const char *value)
{
	const char *why;

	settings = settings ? settings : settings_new();
	if (!settings_set(settings, path, value, &why))
		ck_abort_msg("%s: %s", path, why);
}

static void start_with(const char *const *script, bool inet)
{
	int fds[2];
	char *why = NULL;

	if (script)
		peer_start(&peer, script, inet);
	loop = loop_new();
	set("myhostname", "mx.test");
	set("resolver.trust_anchor_file", "");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	queue = link_new(loop, fds[0], &at_queue, NULL);
	courier = courier_new(loop, settings, fds[1], &why);
	ck_assert_msg(courier != NULL, "%s", why);
	courier_start(courier);
	run_until(1);
	ck_assert_uint_gt(credits, 0);
}

static void start(const char *const *script)
{
	start_with(script, false);
}

static void finish(void)
{
	courier_free(courier);
	link_free(queue);
	loop_free(loop);
	settings_free(settings);
	if (peer.thread) {
		shutdown(peer.listener, SHUT_RDWR);
		pthread_join(peer.thread, NULL);
		unlink(peer.path);
	}
}

static int file_of(size_t body)
{
	static const char line[] = "0123456789 a line of the body, which is not long ...............\r\n";
	int fd = memfd_create("message", MFD_CLOEXEC);

	dprintf(fd, "MAIL FROM:<>\r\nSubject: x\r\n\r\n..stuffed\r\n");
	for (size_t n = 0; n < body; n += sizeof line - 1)
		ck_assert_int_eq(write(fd, line, sizeof line - 1), sizeof line - 1);
	ck_assert_int_eq(write(fd, ".\r\n", 3), 3);
	return fd;
}

static const char *nexthop_of_peer(void)
{
	static char nexthop[100];

	snprintf(nexthop, sizeof nexthop, "unix:%s", peer.path);
	return nexthop;
}

static void send_sized(const char *transport, const char *nexthop, size_t rcpts, size_t body)
{
	static uint32_t number = 100;
	struct request *r = request_new();
	struct stat st;
	int fd = file_of(body);

	fstat(fd, &st);
	r->number = number++;
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
}

static void send_one(const char *nexthop, size_t rcpts)
{
	send_sized("lmtp", nexthop, rcpts, 1000);
}

static const char *const ok_script[] = { "ok", NULL };

/* One message after the other, each with so many recipients; what the queue hears. */
static const struct {
	const char *script[4];
	size_t rcpts, messages;
	const char *heard;
} talks[] = {
	{ { "ok" }, 1, 1, "0:sent 2.0.0 use=1\nkept fine\n" },
	{ { "ok ok" }, 1, 2, "0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=2\nkept fine\n" },
	{ { "rcpt450" }, 2, 1, "0:deferred 4.2.1 use=1\n1:deferred 4.2.1 use=1\nkept fine\n" },
	{ { "rcpt550" }, 1, 1, "0:bounced 5.1.1 use=1\nkept fine\n" },
	{ { "mixed" }, 3, 1,
		"1:bounced 5.1.1 use=1\n0:sent 2.0.0 use=1\n2:deferred 4.2.2 use=1\nkept fine\n" },
	{ { "dot451 ok" }, 1, 2, "0:deferred 4.3.0 use=1\nkept fine\n0:sent 2.0.0 use=2\nkept fine\n" },
	{ { "partial" }, 2, 1, "0:sent 2.0.0 use=1\n1:deferred 4.4.2 use=1 twice\nclosed dead\n" },
	{ { "mute" }, 1, 1, "0:deferred 4.4.2 use=1 twice\nclosed dead\n" },
	{ { "die" }, 1, 1, "0:deferred 4.4.2 use=1\nclosed dead\n" },
	{ { "nogreeting" }, 1, 1, "0:deferred 4.4.2 use=1\nclosed busy\n" },
	{ { "refuse" }, 1, 1, "0:deferred 4.3.2 use=1\nclosed dead\n" },
	{ { "ok die", "ok" }, 1, 2, "0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=1\nkept fine\n" },
};

START_TEST(test_talk)
{
	start(talks[_i].script);
	for (size_t i = 0; i < talks[_i].messages; i++) {
		send_one(nexthop_of_peer(), talks[_i].rcpts);
		run_until(1);
	}
	ck_assert_str_eq(log_text, talks[_i].heard);
	finish();
}
END_TEST

/* The peer says 421 and hangs up while the connection is idle: the queue hears that it has ended, the
 * next message goes over a new one. */
START_TEST(test_idle_death)
{
	const char *const script[] = { "ok bye", "ok", NULL };

	start(script);
	send_one(nexthop_of_peer(), 1);
	run_until(1);
	sem_post(&peer.bye);
	run_until(1);
	ck_assert_uint_eq(closes, 1);
	send_one(nexthop_of_peer(), 1);
	run_until(1);
	ck_assert_str_eq(log_text, "0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=1\nkept fine\n");
	ck_assert_int_eq(peer.connections, 2);
	finish();
}
END_TEST

/* Several hosts: "A" and "B" in the nexthop are two addresses of the peer, "X" is one where nobody
 * listens. */
static const struct {
	const char *nexthop, *script[4];
	size_t rcpts, messages;
	const char *heard;
} roads[] = {
	{ "XA", { "ok" }, 1, 1, "0:sent 2.0.0 use=1\nkept fine\n" },
	{ "XX", { "ok" }, 1, 1, "0:deferred 4.4.1 use=1\nclosed dead\n" },
	{ "AX", { "rcpt450" }, 1, 1, "0:deferred 4.4.1 use=1\nclosed fine\n" },
	{ "AB", { "rcpt450", "ok" }, 1, 1, "0:sent 2.0.0 use=1\nkept fine\n" },
	{ "AB", { "mixed", "ok" }, 3, 1,
		"1:bounced 5.1.1 use=1\n0:sent 2.0.0 use=1\n2:sent 2.0.0 use=1\nkept fine\n" },
	{ "AB", { "nogreeting", "ok" }, 1, 1, "0:sent 2.0.0 use=1\nkept fine\n" },
	{ "AB", { "refuse", "ok" }, 1, 1, "0:sent 2.0.0 use=1\nkept fine\n" },
	{ "AB", { "rcpt550", "ok" }, 1, 1, "0:bounced 5.1.1 use=1\nkept fine\n" },
	{ "AB", { "mute", "ok" }, 1, 1, "0:deferred 4.4.2 use=1 twice\nclosed dead\n" },
	{ "AB", { "rcpt450", "rcpt450" }, 1, 1, "0:deferred 4.2.1 use=1\nkept fine\n" },
	{ "AB", { "ok rcpt450", "ok" }, 1, 2,
		"0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=1\nkept fine\n" },
	{ "A", { "ok rcpt450" }, 1, 2,
		"0:sent 2.0.0 use=1\nkept fine\n0:deferred 4.2.1 use=2\nkept fine\n" },
};

static const char *nexthop_of(const char *road)
{
	static char nexthop[200];
	size_t n = 0;

	for (; *road; road++)
		n += (size_t)sprintf(nexthop + n, "[127.0.0.%d]:%u ", *road == 'B' ? 2 : 1,
			*road == 'X' ? 1 : peer.port);
	return nexthop;
}

START_TEST(test_roads)
{
	start_with(roads[_i].script, true);
	for (size_t i = 0; i < roads[_i].messages; i++) {
		send_one(nexthop_of(roads[_i].nexthop), roads[_i].rcpts);
		run_until(1);
	}
	ck_assert_str_eq(log_text, roads[_i].heard);
	finish();
}
END_TEST

/* An idle connection is closed when its time is over, and when the queue wants it back. */
START_TEST(test_idle_time)
{
	const char *const script[] = { "ok", "ok", NULL };

	set("lmtp.connection_cache_time_limit", "1s");
	start(script);
	send_one(nexthop_of_peer(), 1);
	run_until(2);
	ck_assert_uint_eq(closes, 1);
	send_one(nexthop_of_peer(), 1);
	run_until(1);
	link_send_close_idle(queue, 3, 0);
	run_until(1);
	ck_assert_uint_eq(closes, 2);
	ck_assert_int_eq(peer.connections, 2);
	finish();
}
END_TEST

/* Reuse ends by count, and is not begun where it is not wanted; then QUIT is over before the request is. */
static const struct {
	const char *name, *value, *heard;
} limits[] = {
	{ "lmtp.connection_reuse_count_limit", "1",
		"0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=2\nclosed fine\n0:sent 2.0.0 use=1\nkept fine\n" },
	{ "lmtp.connection_cache_on_demand", "no",
		"0:sent 2.0.0 use=1\nclosed fine\n0:sent 2.0.0 use=1\nclosed fine\n0:sent 2.0.0 use=1\nclosed fine\n" },
	{ "lmtp.skip_quit_response", "yes",
		"0:sent 2.0.0 use=1\nkept fine\n0:sent 2.0.0 use=2\nkept fine\n0:sent 2.0.0 use=3\nkept fine\n" },
};

START_TEST(test_reuse_limits)
{
	const char *const script[] = { "ok", "ok", "ok", NULL };

	set(limits[_i].name, limits[_i].value);
	start(script);
	for (int i = 0; i < 3; i++) {
		send_one(nexthop_of_peer(), 1);
		run_until(1);
	}
	ck_assert_str_eq(log_text, limits[_i].heard);
	finish();
}
END_TEST

/* Time limits of the dialogue run. */
START_TEST(test_silence)
{
	const char *const script[] = { "wait", NULL };

	set("lmtp.lhlo_timeout", "1s");
	start(script);
	send_one(nexthop_of_peer(), 1);
	run_until(1);
	ck_assert_str_eq(log_text, "0:deferred 4.4.2 use=1\nclosed dead\n");
	sem_post(&peer.bye);
	finish();
}
END_TEST

static void take_off(void *arg)
{
	(void)arg;
	send_one(nexthop_of_peer(), 1);
	link_send_stop(queue);
}

/* After a stop what runs is finished, then the loop ends. */
START_TEST(test_stop)
{
	struct loop_task task = { .fn = take_off };

	start(ok_script);
	loop_later(loop, &task);
	run_until(-1);
	courier_free(courier);
	courier = NULL;
	run_until(-1);
	ck_assert_str_eq(log_text, "0:sent 2.0.0 use=1\nkept fine\n");
	finish();
}
END_TEST

static const size_t bodies[] = { 0, 1000, 60 * 1024, 64 * 1024, 70 * 1024, 150 * 1024 };

/* The content arrives byte for byte, whichever way it is sent. */
START_TEST(test_content)
{
	static char wanted[200000];
	int fd;
	ssize_t n;
	size_t head;

	start(ok_script);
	send_sized("lmtp", nexthop_of_peer(), 1, bodies[_i]);
	run_until(1);
	ck_assert_str_eq(log_text, "0:sent 2.0.0 use=1\nkept fine\n");
	head = (size_t)sprintf(wanted, "Received: by mx.test\r\n");
	fd = file_of(bodies[_i]);
	n = pread(fd, wanted + head, sizeof wanted - head, (off_t)strlen("MAIL FROM:<>\r\n"));
	close(fd);
	ck_assert_uint_eq(peer.last_size, head + (size_t)n - 3);
	ck_assert_mem_eq(peer.last_content, wanted, peer.last_size);
	finish();
}
END_TEST

/* Without a peer. */
static const struct {
	const char *transport, *nexthop, *heard;
} nobody[] = {
	{ "lmtp", "unix:/nonexistent/socket", "0:deferred 4.4.1 use=1\nclosed dead\n" },
	{ "lmtp", "inet:127.0.0.1:1", "0:deferred 4.4.1 use=1\nclosed dead\n" },
	{ "lmtp", "[127.0.0.1]:1, [127.0.0.1]:2", "0:deferred 4.4.1 use=1\nclosed dead\n" },
	{ "lmtp", "inet:[127.0.0.1", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "lmtp", "inet:127.0.0.1:nosuchservice", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "lmtp", "inet:-bad-", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "lmtp", "unix:", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "lmtp", " , ", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "lmtp",
		"unix:/tmp/0123456789456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
		"0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "smtp", "example.org", "0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "nosuch", "example.org", "0:deferred 4.3.5 use=1\nclosed fine\n" },
};

START_TEST(test_nobody)
{
	start(NULL);
	send_sized(nobody[_i].transport, nobody[_i].nexthop, 1, 0);
	run_until(1);
	ck_assert_str_eq(log_text, nobody[_i].heard);
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "talk", test_talk, UNIT_ROWS(talks), 0 },
		{ "idle death", test_idle_death, 1, 0 },
		{ "content", test_content, UNIT_ROWS(bodies), 0 },
		{ "roads", test_roads, UNIT_ROWS(roads), 0 },
		{ "idle time", test_idle_time, 1, 0 },
		{ "reuse limits", test_reuse_limits, UNIT_ROWS(limits), 0 },
		{ "silence", test_silence, 1, 0 },
		{ "stop", test_stop, 1, 0 },
		{ "nobody", test_nobody, UNIT_ROWS(nobody), 0 },
	};

	return unit_main("courier/courier", cases, UNIT_ROWS(cases));
}
