/* Connections that are kept: how long, how often, and when one has died meanwhile. */
#include "courier_world.h"

#include <string.h>

#include "link/link.h"

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

/* What was sent ahead goes on with a connection that its predecessor leaves, in the order of coming. */
START_TEST(test_ahead_gets_the_connection)
{
	const char *const script[] = { "ok rcpt550 ok", NULL };

	start(script);
	send_one(nexthop_of_peer(), 1);
	send_ahead(nexthop_of_peer());
	send_ahead(nexthop_of_peer());
	run_until(3);
	ck_assert_str_eq(log_text, "0:sent 2.0.0 use=1\npassed fine\n0:bounced 5.1.1 use=2\npassed fine\n"
		"0:sent 2.0.0 use=3\nkept fine\n");
	ck_assert_int_eq(peer.connections, 1);
	finish();
}
END_TEST

/* Without one it waits, whatever lies idle, until it is called back. */
START_TEST(test_ahead_waits)
{
	const char *const script[] = { "ok", NULL };
	uint32_t number;

	start(script);
	send_one(nexthop_of_peer(), 1);
	run_until(1);
	number = send_ahead(nexthop_of_peer());
	link_send_recall(queue, 4, number);
	link_send_recall(queue, 3, number);
	run_until(1);
	ck_assert_str_eq(log_text, "0:sent 2.0.0 use=1\nkept fine\nuntried\n");
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
		"0:sent 2.0.0 use=1\nclosed fine\n0:sent 2.0.0 use=1\nclosed fine\n0:sent 2.0.0 use=1\nclosed "
		"fine\n" },
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

int main(void)
{
	const struct unit_case cases[] = {
		{ "idle death", test_idle_death, 1, 0 },
		{ "ahead gets the connection", test_ahead_gets_the_connection, 1, 0 },
		{ "ahead waits", test_ahead_waits, 1, 0 },
		{ "idle time", test_idle_time, 1, 0 },
		{ "reuse limits", test_reuse_limits, UNIT_ROWS(limits), 0 },
	};

	return unit_main("courier/reuse", cases, UNIT_ROWS(cases));
}
