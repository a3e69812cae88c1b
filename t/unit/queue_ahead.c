/* Requests that are sent ahead of a connection: how many, who gets it, and what calls them back. */
#include <signal.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

/* Two connections at work and kept, the requests of eight messages beyond them: four of these go ahead. */
static void four_ahead(struct world *w)
{
	world_begin(w, "lmtp.destination_concurrency_limit", "2",
	            "lmtp.initial_destination_concurrency", "2", NULL);
	world_open(w);
	for (int i = 0; i < 2; i++)
		world_drop(w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(w, 0, MINUTE));
	w->hold_answers = true;
	for (int i = 0; i < 8; i++)
		world_drop(w, "s@sender.test", "ok@a.test");
	world_run(w, 1000);
	ck_assert_uint_eq(world_held(w), 6);
	ck_assert_uint_eq(w->ahead, 4);
	ck_assert_uint_eq(world_host(w, "inet:a")->requests, 2 + 2);
}

static void all_served(struct world *w, unsigned requests)
{
	w->hold_answers = false;
	ck_assert(world_until_left(w, 0, MINUTE));
	ck_assert_uint_eq(world_host(w, "inet:a")->requests, requests);
	ck_assert_uint_le(world_host(w, "inet:a")->open_max, 2);
	world_end(w);
}

START_TEST(test_ahead)
{
	struct world w;

	four_ahead(&w);
	all_served(&w, 10);
}
END_TEST

/* A window that has shrunk is kept, although connections could be passed on for ever. */
START_TEST(test_ahead_of_a_smaller_window)
{
	struct destination *d;
	struct world w;

	four_ahead(&w);
	d = destinations_get(w.queue->destinations, "lmtp", "inet:a");
	d->rules.limit = d->window.size = 1;
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 2, MINUTE));
	ck_assert_uint_le(d->busy, 1);
	all_served(&w, 10);
}
END_TEST

/* Only what waited for a connection can come back untried; all else would be sent again for ever. */
START_TEST(test_untried_with_a_connection)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	w.gives_back = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10000);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	ck_assert_uint_eq(world_journal("next "), 1);
	w.gives_back = false;
	ck_assert(world_until_left(&w, 0, 60 * MINUTE));
	world_end(&w);
}
END_TEST

/* Nothing goes ahead of a connection that is closed after each request. */
START_TEST(test_nothing_ahead_of_closed_connections)
{
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "2", NULL);
	world_open(&w);
	w.never_keeps = true;
	for (int i = 0; i < 8; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.ahead, 0);
	world_end(&w);
}
END_TEST

/* The connections that they wait for are closed: they come back, and get new ones. */
START_TEST(test_ahead_of_connections_that_close)
{
	struct world w;

	four_ahead(&w);
	w.never_keeps = true;
	all_served(&w, 10);
	ck_assert_uint_gt(w.recalled, 0);
}
END_TEST

START_TEST(test_suspended_ahead)
{
	struct world w;

	four_ahead(&w);
	world_suspend(&w, "lmtp:inet:a", true);
	world_run(&w, 1000);
	ck_assert_uint_eq(w.recalled, 4);
	ck_assert_uint_eq(world_held(&w), 2);
	world_suspend(&w, "lmtp:inet:a", false);
	all_served(&w, 10);
}
END_TEST

START_TEST(test_deleted_ahead)
{
	struct world w;

	four_ahead(&w);
	world_order(&w, QUEUE_DELETE, 0, &(struct queue_filter){ .state = "active" }, false);
	world_run(&w, 1000);
	ck_assert_uint_eq(w.recalled, 4);
	all_served(&w, 2 + 2);
}
END_TEST

/* Its courier is to end: what waits there goes to the next one. */
START_TEST(test_retired_ahead)
{
	struct world w;

	four_ahead(&w);
	queue_reconfigure(w.queue, w.settings);
	world_courier(&w, 0);
	world_run(&w, 1000);
	ck_assert_uint_eq(w.recalled, 4);
	all_served(&w, 10);
}
END_TEST

START_TEST(test_death_with_some_ahead)
{
	struct world w;

	four_ahead(&w);
	world_kill(&w, w.last_pid, SIGKILL);
	world_courier(&w, 0);
	all_served(&w, 10 + 2);
}
END_TEST

/* A destination that dies has nothing tried that only waits. */
START_TEST(test_dead_ahead)
{
	struct world w;

	four_ahead(&w);
	world_host(&w, "inet:a")->fails = true;
	w.hold_answers = false;
	world_run(&w, 100);
	world_host(&w, "inet:a")->fails = false;
	ck_assert_uint_eq(w.recalled, 4);
	ck_assert_uint_eq(w.deferred, 2);
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "ahead", test_ahead, 1, 0 },
		{ "ahead of a smaller window", test_ahead_of_a_smaller_window, 1, 0 },
		{ "untried with a connection", test_untried_with_a_connection, 1, 0 },
		{ "nothing ahead of closed connections", test_nothing_ahead_of_closed_connections, 1, 0 },
		{ "ahead of connections that close", test_ahead_of_connections_that_close, 1, 0 },
		{ "suspended ahead", test_suspended_ahead, 1, 0 },
		{ "deleted ahead", test_deleted_ahead, 1, 0 },
		{ "retired ahead", test_retired_ahead, 1, 0 },
		{ "death with some ahead", test_death_with_some_ahead, 1, 0 },
		{ "dead ahead", test_dead_ahead, 1, 0 },
	};

	return unit_main("queue/ahead", cases, UNIT_ROWS(cases));
}
