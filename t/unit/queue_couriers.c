/* Couriers that come, go and die, and leases of connections. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "format/journal/queue_id.h"
#include "link/keys.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

enum { KILLED = SIGKILL, CRASHED = SIGSEGV };

static bool some_held(void *arg)
{
	return world_held(arg) > 0;
}

/* The phase at which a courier dies, and what must have come of it. */
static const struct {
	bool dot, answered;
	int status;
	unsigned requests, suspects;
} deaths[] = {
	{ false, false, KILLED, 2, 0 },
	{ true, false, KILLED, 2, 0 },
	{ false, false, CRASHED, 2, 2 },
	{ true, false, CRASHED, 2, 2 },
	{ false, true, KILLED, 1, 0 },
	{ true, true, CRASHED, 1, 0 },
};

START_TEST(test_death)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = !deaths[_i].answered;
	w.mark_dots = deaths[_i].dot;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(fake_loop_until(w.loop, some_held, &w, 1000));
	/* An answer may be on its way when the courier dies: it counts. */
	if (deaths[_i].answered)
		world_run(&w, w.duration);
	world_kill(&w, w.last_pid, deaths[_i].status);
	ck_assert_uint_eq(world_held(&w), 0);
	w.hold_answers = false;
	world_courier(&w, 0);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, deaths[_i].requests);
	ck_assert_uint_eq(world_journal("suspect "), deaths[_i].suspects);
	ck_assert_uint_eq(world_journal("next "), 0);
	world_end(&w);
}
END_TEST

static void note_verified(void *arg, json_t *result, const char *why)
{
	ck_assert_ptr_null(why);
	snprintf(arg, 100, "%s %s", json_string_value(json_object_get(result, "dsn")),
		json_string_value(json_object_get(result, "text")));
}

/* A question at which couriers crash is asked once: it costs the mail that they have, and nobody can hold
 * it. */
START_TEST(test_death_of_a_question)
{
	char result[100] = "";
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	queue_verify(w.queue, "crash@a.test", MINUTE, note_verified, result);
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(w.crashes, 1);
	ck_assert_str_eq(result, "4.3.0 the courier crashed while it asked");
	world_end(&w);
}
END_TEST

START_TEST(test_death_of_a_probe)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 500);
	w.hold_answers = true;
	ck_assert(fake_loop_until(w.loop, some_held, &w, 2000));
	world_kill(&w, w.last_pid, KILLED);
	world_courier(&w, 0);
	w.hold_answers = false;
	world_host(&w, "inet:a")->dead = false;
	ck_assert(world_until_left(&w, 0, 4000));
	world_end(&w);
}
END_TEST

/* What one courier finds out for all the others hear at once, and those that come later what is still
 * good. */
START_TEST(test_told_to_all)
{
	struct world w;
	pid_t one, two, later;
	int64_t now;

	world_begin(&w, NULL);
	world_open(&w);
	one = w.last_pid;
	two = world_courier(&w, 1);
	now = loop_wall(w.loop);
	world_keep(&w, one, "session of one", now + MINUTE, "s");
	world_keep(&w, one, LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", now + MINUTE, "1");
	world_keep(&w, two, LINK_KEY_DEAD_ADDRESS "192.0.2.2 25", now + MINUTE, "2");
	world_keep(&w, two, LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", 0, "");
	world_keep(&w, one, LINK_KEY_REFUSED_LOGIN "host user", now + 9 * MINUTE, "3");
	ck_assert_str_eq(world_told(&w, one), LINK_KEY_DEAD_ADDRESS "192.0.2.2 25=2\n"
		LINK_KEY_DEAD_ADDRESS "192.0.2.1 25=\n");
	ck_assert_str_eq(world_told(&w, two), LINK_KEY_DEAD_ADDRESS "192.0.2.1 25=1\n"
		LINK_KEY_REFUSED_LOGIN "host user=3\n");
	later = world_courier(&w, 2);
	world_run(&w, 1);
	ck_assert_str_eq(world_told(&w, later), LINK_KEY_DEAD_ADDRESS "192.0.2.2 25=2\n"
		LINK_KEY_REFUSED_LOGIN "host user=3\n");
	world_run(&w, 2 * MINUTE);
	later = world_courier(&w, 3);
	world_run(&w, 1);
	ck_assert_str_eq(world_told(&w, later), LINK_KEY_REFUSED_LOGIN "host user=3\n");
	world_end(&w);
}
END_TEST

static void note_kill(void *arg, unsigned slot, pid_t pid)
{
	ck_assert_uint_eq(slot, 0);
	*(pid_t *)arg = pid;
}

/* One that stands still is killed in the end; so is one that has let go of its link. */
START_TEST(test_silent_courier_is_killed)
{
	pid_t killed = 0;
	struct world w;

	world_begin(&w, "daemon_timeout", "30m", NULL);
	world_open(&w);
	queue_set_supervisor(w.queue, &(struct queue_supervisor){ .kill = note_kill, .arg = &killed });
	w.hold_answers = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 29 * MINUTE);
	ck_assert_int_eq(killed, 0);
	world_run(&w, 3 * MINUTE);
	ck_assert_int_eq(killed, w.last_pid);
	killed = 0;
	world_break(&w, w.last_pid);
	world_run(&w, 6000);
	ck_assert_int_eq(killed, w.last_pid);
	world_end(&w);
}
END_TEST

/* Nobody waits for ever for the word that a courier has ended, when its link has. */
START_TEST(test_end_that_nobody_reports)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(fake_loop_until(w.loop, some_held, &w, 1000));
	world_break(&w, w.last_pid);
	w.hold_answers = false;
	world_courier(&w, 0);
	world_run(&w, 25 * 1000);
	ck_assert_uint_eq(w.sent, 0);
	ck_assert(world_until_left(&w, 0, 20 * 1000));
	queue_courier_gone(w.queue, 0, w.last_pid - 1, 0);
	world_run(&w, 1000);
	world_end(&w);
}
END_TEST

START_TEST(test_silence_is_not_healthy)
{
	const char *why = NULL;
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * MINUTE);
	ck_assert(queue_healthy(w.queue, &why));
	world_run(&w, 6 * MINUTE);
	ck_assert(!queue_healthy(w.queue, &why));
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert(queue_healthy(w.queue, &why));
	world_end(&w);
}
END_TEST

START_TEST(test_no_courier_at_all)
{
	const char *why = NULL;
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_kill(&w, w.last_pid, KILLED);
	for (int i = 0; i < 10; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 2 * MINUTE);
	ck_assert(!queue_healthy(w.queue, &why));
	ck_assert_ptr_nonnull(why);
	world_courier(&w, 0);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert(queue_healthy(w.queue, &why));
	world_end(&w);
}
END_TEST

START_TEST(test_reload_retires_couriers)
{
	struct world w;
	pid_t old;

	world_begin(&w, NULL);
	world_open(&w);
	old = w.last_pid;
	w.hold_answers = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(fake_loop_until(w.loop, some_held, &w, 1000));
	queue_reconfigure(w.queue, w.settings);
	world_courier(&w, 0);
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 1000);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_kill(&w, old, 0);
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 3);
	world_end(&w);
}
END_TEST

/* --- leases --- */

START_TEST(test_one_courier_works_for_a_quiet_destination)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_courier(&w, 1);
	for (int i = 0; i < 50; i++) {
		world_drop(&w, "s@sender.test", "ok@a.test");
		ck_assert(world_until_left(&w, 0, MINUTE));
	}
	ck_assert_uint_eq(world_host(&w, "inet:a")->open_max, 1);
	world_end(&w);
}
END_TEST

/* All of the limit lies idle at a courier that takes nothing now: it is asked to give one back. */
START_TEST(test_idle_connections_are_called_back)
{
	struct world w;
	struct host *a;

	world_begin(&w, "lmtp.destination_concurrency_limit", "2",
	            "lmtp.initial_destination_concurrency", "2", NULL);
	w.credit = 4;
	world_open(&w);
	a = world_host(&w, "inet:a");
	for (int i = 0; i < 10; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	w.hold_answers = true;
	for (int i = 0; i < 4; i++)
		world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 1000);
	ck_assert_uint_eq(world_held(&w), 2);
	for (int i = 0; i < 4; i++)
		world_drop(&w, "s@sender.test", "ok@c.test");
	world_run(&w, 1000);
	ck_assert_uint_eq(world_held(&w), 4);
	world_courier(&w, 1);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 1000);
	ck_assert_uint_eq(world_held(&w), 5);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_le(a->open_max, 2);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "death", test_death, UNIT_ROWS(deaths), 0 },
		{ "death of a probe", test_death_of_a_probe, 1, 0 },
		{ "death of a question", test_death_of_a_question, 1, 0 },
		{ "end that nobody reports", test_end_that_nobody_reports, 1, 0 },
		{ "told to all", test_told_to_all, 1, 0 },
		{ "silent courier is killed", test_silent_courier_is_killed, 1, 0 },
		{ "silence is not healthy", test_silence_is_not_healthy, 1, 0 },
		{ "no courier at all", test_no_courier_at_all, 1, 0 },
		{ "reload", test_reload_retires_couriers, 1, 0 },
		{ "quiet destination", test_one_courier_works_for_a_quiet_destination, 1, 0 },
		{ "idle connections are called back", test_idle_connections_are_called_back, 1, 0 },
	};

	return unit_main("queue/couriers", cases, UNIT_ROWS(cases));
}
