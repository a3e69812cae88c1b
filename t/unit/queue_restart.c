/* What a queue knows after a restart, and how it stops. */
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

START_TEST(test_restart_keeps_what_was_committed)
{
	static const char *const rcpts[] = { "ok@a.test", "later@a.test", "never@a.test" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 3, "x\r\n");
	world_run(&w, MINUTE);
	world_crash(&w);
	world_open(&w);
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_eq(w.sent, 2);
	ck_assert_uint_eq(w.bounced, 1);
	ck_assert_uint_ge(w.deferred, 2);
	ck_assert_uint_eq(world_journal("report "), 1);
	world_end(&w);
}
END_TEST

START_TEST(test_crash_before_the_commit)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_hold = true;
	world_drop(&w, "s@sender.test", "never@a.test");
	world_run(&w, 1000);
	world_crash(&w);
	fake_spool_hold = false;
	world_open(&w);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.bounced, 2);
	ck_assert_uint_eq(world_host(&w, "inet:sender")->requests, 1);
	world_end(&w);
}
END_TEST

static void note_suspended(void *arg, json_t *destination, const char *why)
{
	(void)why;
	*(bool *)arg = destination;
}

static void suspend(struct world *w, const char *name, bool suspended)
{
	bool done = false;

	queue_suspend(w->queue, name, suspended, note_suspended, &done);
	ck_assert(world_until_set(w, &done, 1000));
}

/* What is suspended stays so until it is resumed, whether it has mail or not. */
START_TEST(test_suspended_over_a_restart)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_run(&w, 10);
	suspend(&w, "lmtp:inet:a", true);
	suspend(&w, "lmtp:inet:b", true);
	suspend(&w, "lmtp:inet:b", false);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_drop(&w, "s@sender.test", "ok@b.test");
	for (int i = 0; i < 2; i++) {
		world_run(&w, MINUTE);
		ck_assert_uint_eq(fake_spool_count(), 1);
		world_crash(&w);
		world_open(&w);
	}
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 1);
	suspend(&w, "lmtp:inet:a", false);
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_end(&w);
}
END_TEST

/* Its transport is not configured any more: nobody could resume it. */
START_TEST(test_suspended_and_gone)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_run(&w, 10);
	spool_suspend(w.queue->spool, "gone:inet:a", true);
	suspend(&w, "lmtp:inet:a", true);
	world_crash(&w);
	world_open(&w);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_journal("resume - gone:inet:a"), 1);
	ck_assert_uint_eq(world_journal("resume - lmtp:inet:a"), 0);
	world_end(&w);
}
END_TEST

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

static const struct { bool hold; int64_t within; unsigned left; } stops[] = {
	{ false, 100, 15 }, { true, 4000, 20 },
};

START_TEST(test_stop)
{
	bool stopped = false;
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = stops[_i].hold;
	for (int i = 0; i < 20; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 3);
	queue_stop(w.queue, 3000, note_stop, &stopped);
	ck_assert(world_until_set(&w, &stopped, stops[_i].within));
	ck_assert_uint_eq(fake_spool_count(), stops[_i].left);
	world_crash(&w);
	w.hold_answers = false;
	world_open(&w);
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_end(&w);
}
END_TEST

/* One line in the log, and it costs nobody else anything. */
START_TEST(test_R_3_lost_file)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	fake_spool_lose(id);
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "restart keeps what was committed", test_restart_keeps_what_was_committed, 1, 0 },
		{ "crash before the commit", test_crash_before_the_commit, 1, 0 },
		{ "suspended over a restart", test_suspended_over_a_restart, 1, 0 },
		{ "suspended, and its transport is gone", test_suspended_and_gone, 1, 0 },
		{ "stop", test_stop, UNIT_ROWS(stops), 0 },
		{ "lost file", test_R_3_lost_file, 1, 0 },
	};

	return unit_main("queue/restart", cases, UNIT_ROWS(cases));
}
