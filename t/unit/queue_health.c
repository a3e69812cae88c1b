/* Dead and busy hosts. */
#include <unistd.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

START_TEST(test_dead_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 500);
	for (int i = 0; i < 30; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 15 * 1000);
	/* Probes at 1, 3 and 7 s; one of them by a message that had only waited. */
	ck_assert_uint_eq(a->requests, 5);
	ck_assert_uint_eq(a->probes, 4);
	ck_assert_uint_le(world_journal("\nd "), 5);
	ck_assert_uint_eq(world_journal("next "), world_journal("\nd "));
	a->dead = false;
	world_run(&w, 17 * 1000);
	ck_assert_uint_eq(fake_spool_count(), 0);
	ck_assert_uint_eq(w.sent, 31);
	world_end(&w);
}
END_TEST

/* All that were out when it died come back with the first success. */
START_TEST(test_window_full_of_failures)
{
	struct world w;
	struct host *a;

	world_begin(&w, "queue.minimal_backoff_time", "1h", "queue.maximal_backoff_time", "1h", NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	for (int i = 0; i < 30; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 500);
	ck_assert_uint_eq(a->requests, 5);
	ck_assert_uint_eq(w.deferred, 5);
	a->dead = false;
	ck_assert(world_until_left(&w, 0, 10 * 1000));
	ck_assert_uint_eq(w.sent, 30);
	world_end(&w);
}
END_TEST

/* Another way after a reload: what was parked takes it at once. */
static const struct { const char *setting, *value; bool moves; } reloads[] = {
	{ "transport_maps", "inline:{a.test=lmtp:inet:b}", true },
	{ "mailbox_transport", "lmtp:inet:b", true },
	{ "soft_bounce", "yes", false },
};

START_TEST(test_reload_to_another_way)
{
	const char *why = NULL;
	struct world w;

	world_begin(&w, "queue.minimal_backoff_time", "1h", "queue.maximal_backoff_time", "4h", NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 5 * MINUTE);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_ACTIVE), 0);
	ck_assert(settings_set(w.settings, reloads[_i].setting, reloads[_i].value, &why));
	queue_reconfigure(w.queue, w.settings);
	world_courier(&w, 0);
	world_run(&w, 10 * 1000);
	ck_assert_uint_eq(w.sent, reloads[_i].moves ? 50 : 0);
	world_end(&w);
}
END_TEST

/* With failed_cohort_limit 0 each message waits for its own time. */
START_TEST(test_never_dead)
{
	struct world w;
	struct host *a;

	world_begin(&w, "lmtp.destination_concurrency_failed_cohort_limit", "0", NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	for (int i = 0; i < 30; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 200 * 1000);
	ck_assert_uint_eq(a->requests, 30);
	ck_assert_uint_eq(a->probes, 0);
	a->dead = false;
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

/* Long dead: what waits leaves memory, and all of it moves with the first success. */
START_TEST(test_long_dead_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	for (int i = 0; i < 300; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 5 * MINUTE);
	for (int i = 0; i < 300; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_ACTIVE), 0);
	ck_assert_uint_eq(fake_spool_paused, false);
	ck_assert_uint_le(a->requests, 25);
	a->dead = false;
	ck_assert(world_until_left(&w, 0, 6 * MINUTE));
	ck_assert_uint_eq(w.sent, 600);
	ck_assert_uint_le(w.deferred, 25);
	world_end(&w);
}
END_TEST

/* Those who only waited for a host that never came back expire too. */
START_TEST(test_expiry_at_a_dead_host)
{
	struct world w;

	world_begin(&w, "queue.maximal_queue_lifetime", "1d", NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 23 * HOUR);
	ck_assert_uint_eq(fake_spool_count(), 50);
	ck_assert(world_until_left(&w, 0, 4 * HOUR));
	ck_assert_uint_eq(world_journal("report "), 50);
	ck_assert_uint_eq(world_host(&w, "inet:sender")->requests, 50);
	world_end(&w);
}
END_TEST

/* A report about one host's refusal does not wait for another host's life. */
START_TEST(test_report_does_not_wait_for_a_dead_host)
{
	static const char *const rcpts[] = { "never@a.test", "ok@b.test" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:b")->dead = true;
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 500);
	fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "x\r\n");
	world_run(&w, 400);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_assert_uint_eq(world_journal("1 4.4.1"), 0);
	world_host(&w, "inet:b")->dead = false;
	ck_assert(world_until_left(&w, 0, 3000));
	ck_assert_uint_eq(w.sent, 3);
	world_end(&w);
}
END_TEST

START_TEST(test_dead_host_does_not_hold_up_others)
{
	struct world w;

	world_begin(&w, "queue.active_limit", "20", NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 200; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	for (int i = 0; i < 100; i++)
		world_drop(&w, "s@sender.test", "ok@b.test");
	ck_assert(world_until_left(&w, 200, 5000));
	ck_assert_uint_eq(w.sent, 100);
	world_end(&w);
}
END_TEST

START_TEST(test_socket_that_appears_again)
{
	struct world w;
	char path[80], nexthop[90], table[120];
	FILE *file;

	snprintf(path, sizeof path, "/tmp/causeway-queue-socket-%d", (int)getpid());
	snprintf(nexthop, sizeof nexthop, "unix:%s", path);
	snprintf(table, sizeof table, "inline:{a.test=lmtp:%s}", nexthop);
	unlink(path);
	world_begin(&w, "transport_maps", table, NULL);
	world_open(&w);
	world_host(&w, nexthop)->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 100 * 1000);
	world_host(&w, nexthop)->dead = false;
	file = fopen(path, "w");
	ck_assert(file);
	fclose(file);
	ck_assert(world_until_left(&w, 0, 400));
	unlink(path);
	world_end(&w);
}
END_TEST

/* Its content may have been taken: it keeps its own time, and is neither the probe nor called when the host
 * lives again. */
START_TEST(test_unanswered_dot_is_no_probe)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	world_drop(&w, "s@sender.test", "lost@a.test");
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(a->requests, 1);
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 1, 1000));
	ck_assert_uint_eq(a->requests, 2);
	world_run(&w, 4 * MINUTE);
	ck_assert_uint_eq(a->requests, 3);
	world_end(&w);
}
END_TEST

START_TEST(test_busy_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->busy_above = 2;
	for (int i = 0; i < 200; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 200);
	ck_assert_uint_eq(w.deferred, 0);
	world_end(&w);
}
END_TEST

/* One that turns everybody away is as good as dead after a while. */
START_TEST(test_host_that_is_always_busy)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->busy_above = 1;
	a->open = 1;
	for (int i = 0; i < 20; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_le(a->requests, 60);
	ck_assert_uint_ge(world_journal("\nd "), 1);
	a->open = 0;
	a->busy_above = 0;
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "dead host", test_dead_host, 1, 0 },
		{ "window full of failures", test_window_full_of_failures, 1, 0 },
		{ "reload to another way", test_reload_to_another_way, UNIT_ROWS(reloads), 0 },
		{ "never dead", test_never_dead, 1, 0 },
		{ "long dead host", test_long_dead_host, 1, 0 },
		{ "expiry at a dead host", test_expiry_at_a_dead_host, 1, 0 },
		{ "report does not wait for a dead host", test_report_does_not_wait_for_a_dead_host, 1, 0 },
		{ "dead host does not hold up others", test_dead_host_does_not_hold_up_others, 1, 0 },
		{ "socket that appears again", test_socket_that_appears_again, 1, 0 },
		{ "unanswered dot is no probe", test_unanswered_dot_is_no_probe, 1, 0 },
		{ "busy host", test_busy_host, 1, 0 },
		{ "host that is always busy", test_host_that_is_always_busy, 1, 0 },
	};

	return unit_main("queue/health", cases, UNIT_ROWS(cases));
}
