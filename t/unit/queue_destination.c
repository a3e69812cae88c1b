/* Windows, pauses and turns of destinations. */
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

START_TEST(test_rate_delay)
{
	struct world w;

	world_begin(&w, "lmtp.destination_rate_delay", "5s", NULL);
	world_open(&w);
	for (int i = 0; i < 5; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 18 * 1000);
	ck_assert_uint_eq(w.sent, 4);
	ck_assert(world_until_left(&w, 0, 4000));
	ck_assert_uint_eq(world_host(&w, "inet:a")->open_max, 1);
	world_end(&w);
}
END_TEST

START_TEST(test_window_grows)
{
	struct world w;
	struct host *a;

	world_begin(&w, "lmtp.destination_concurrency_limit", "8", NULL);
	w.credit = 100;
	world_open(&w);
	a = world_host(&w, "inet:a");
	w.hold_answers = true;
	for (int i = 0; i < 100; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 1000);
	ck_assert_uint_eq(a->open_max, 5);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(a->open_max, 8);
	world_end(&w);
}
END_TEST

/* --- much mail --- */

/* Slow ones take all room there is: the rest waits as ids, and intake is held back. */
START_TEST(test_active_limit)
{
	char rcpt[40];
	struct world w;

	world_begin(&w, "queue.active_limit", "10", "transport_maps", "inline:{*=lmtp:}", NULL);
	w.hold_answers = true;
	w.credit = 100;
	world_open(&w);
	for (int i = 0; i < 30; i++) {
		snprintf(rcpt, sizeof rcpt, "ok@host%d.test", i);
		world_drop(&w, "s@sender.test", rcpt);
	}
	world_run(&w, 1000);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_ACTIVE), 10);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_INCOMING), 20);
	ck_assert(fake_spool_paused);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert(!fake_spool_paused);
	ck_assert_uint_eq(w.sent, 30);
	world_end(&w);
}
END_TEST

/* However much waits for a slow host, and for several of them: others find room. */
START_TEST(test_slow_hosts_leave_room)
{
	static const char *const slow[] = { "ok@a.test", "ok@b.test", "ok@c.test" };
	struct world w;

	world_begin(&w, "queue.active_limit", "20", NULL);
	w.duration = 20 * 1000;
	w.credit = 100;
	world_open(&w);
	for (int i = 0; i < 60; i++)
		world_drop(&w, "s@sender.test", slow[i % 3]);
	world_run(&w, 5000);
	w.duration = 10;
	for (int i = 0; i < 3; i++)
		world_drop(&w, "s@sender.test", "ok@d.test");
	world_run(&w, 2000);
	ck_assert_uint_eq(w.sent, 3);
	ck_assert(world_until_left(&w, 0, 2 * MINUTE));
	ck_assert_uint_eq(w.sent, 63);
	world_end(&w);
}
END_TEST

START_TEST(test_large_message_does_not_hold_up_small_ones)
{
	struct world w;

	world_begin(&w, "lmtp.destination_recipient_limit", "1", NULL);
	world_open(&w);
	world_drop_many(&w, "s@sender.test", "ok", "a.test", 3000);
	world_run(&w, 100);
	for (int i = 0; i < 5; i++)
		world_drop(&w, "s@sender.test", "small@a.test");
	ck_assert(world_until_left(&w, 1, 500));
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "rate delay", test_rate_delay, 1, 0 },
		{ "window grows", test_window_grows, 1, 0 },
		{ "active limit", test_active_limit, 1, 0 },
		{ "slow hosts leave room", test_slow_hosts_leave_room, 1, 0 },
		{ "large message and small ones", test_large_message_does_not_hold_up_small_ones, 1, 0 },
	};

	return unit_main("queue/destination", cases, UNIT_ROWS(cases));
}
