/* What becomes of a request: results, hosts one after the other, content, time limits, a stop. */
#include "courier_world.h"

#include <string.h>
#include <unistd.h>

#include "link/link.h"

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
		"unix:/tmp/012345678945678901234567890123456789012345678901234567890123"
		"4567890123456789012345678901234567890123456789",
		"0:deferred 4.3.5 use=1\nclosed fine\n" },
	{ "smtp", "[127.0.0.1]:1", "0:deferred 4.4.1 use=1\nclosed dead\n" },
	{ "smtp", "unix:/nonexistent/socket", "0:deferred 4.3.5 use=1\nclosed fine\n" },
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
		{ "content", test_content, UNIT_ROWS(bodies), 0 },
		{ "roads", test_roads, UNIT_ROWS(roads), 0 },
		{ "silence", test_silence, 1, 0 },
		{ "stop", test_stop, 1, 0 },
		{ "nobody", test_nobody, UNIT_ROWS(nobody), 0 },
	};

	return unit_main("courier/courier", cases, UNIT_ROWS(cases));
}
