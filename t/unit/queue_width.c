/* How much of a destination's window is used: the judgement alone, and hosts that make use of it or not. */
#include "queue/destination/width.h"

#include "queue/destination/destination.h"
#include "queue_world.h"
#include "unit.h"

/* Each epoch's rate, and the width that follows it, from a window of 20 of which 5 are the least; 0: all. A
 * trial is made ready in the epoch before it, whose rate does not count. */
static const struct { const char *what; double rates[16]; unsigned widths[16]; } runs[] = {
	{ "a third less for a third fewer", { 9, 9, 6, 9 }, { 13, 13, 0, 0 } },
	{ "as much with fewer", { 9, 9, 9, 9, 9, 9, 9, 9 }, { 13, 13, 8, 8, 5, 5, 5, 5 } },
	{ "a little less is within the error", { 100, 9, 96, 9, 92 }, { 13, 13, 8, 8, 5 } },
	{ "a tenth less is not", { 100, 9, 90, 9, 100 }, { 13, 13, 0, 0, 0 } },
	{ "the rate of a turn says nothing", { 9, 1, 9, 1, 9 }, { 13, 13, 8, 8, 5 } },
	{ "the second step is too much", { 9, 9, 9, 9, 6, 9, 9 }, { 13, 13, 8, 8, 13, 13, 13 } },
	{ "after a failure it takes two epochs more, and goes the other way",
	  { 9, 9, 9, 9, 6, 9, 9, 9, 9, 9 }, { 13, 13, 8, 8, 13, 13, 13, 13, 20, 20 } },
	{ "wider again where it is better",
	  { 9, 9, 9, 9, 6, 9, 9, 9, 9, 9, 10, 9 }, { 13, 13, 8, 8, 13, 13, 13, 13, 20, 20, 0, 0 } },
	{ "not where it is the same",
	  { 9, 9, 9, 9, 6, 9, 9, 9, 9, 9, 9, 9 }, { 13, 13, 8, 8, 13, 13, 13, 13, 20, 20, 13, 13 } },
	{ "an epoch in which the machine slept is soon made up for",
	  { 1, 9, 6, 6, 4, 6, 6, 6, 6, 9, 9 }, { 13, 13, 8, 8, 13, 13, 13, 13, 20, 20, 0 } },
	{ "trouble: all of the window", { 9, 9, 9, 9, 9, 9, 9, 9, 6 }, { 13, 13, 8, 8, 5, 5, 5, 5, 0 } },
	{ "trouble at full width is none of its business", { 9, 9, 6, 9, 1, 1 }, { 13, 13, 0, 0, 0, 0 } },
};

START_TEST(test_judges)
{
	struct width w = { .patience = 1 };

	for (size_t i = 0; i < 16 && runs[_i].rates[i] > 0; i++) {
		width_judge(&w, 5, 20, runs[_i].rates[i]);
		ck_assert_msg(w.now == runs[_i].widths[i], "%s: epoch %zu: %u", runs[_i].what, i, w.now);
	}
}
END_TEST

static const struct { unsigned least, most; } bounds[] = {
	{ 1, 1 }, { 5, 5 }, { 1, 2 }, { 2, 3 }, { 5, 6 }, { 1, 20 }, { 20, 20 }, { 1, 10000 },
};

/* However the rates go. */
START_TEST(test_stays_within)
{
	struct width w = { .patience = 1 };
	uint64_t random = 7;

	for (int i = 0; i < 20000; i++) {
		width_judge(&w, bounds[_i].least, bounds[_i].most, 1 + schedule_random(&random) % 10);
		ck_assert(!w.now || (w.now >= bounds[_i].least && w.now <= bounds[_i].most));
		ck_assert(!w.kept || (w.kept >= bounds[_i].least && w.kept <= bounds[_i].most));
	}
}
END_TEST

/* From each width that may have been kept, with windows that were larger once too. */
static const struct { unsigned least, most, kept; } starts[] = {
	{ 1, 1, 1 }, { 5, 5, 5 }, { 1, 2, 1 }, { 2, 3, 2 }, { 5, 6, 5 }, { 1, 20, 1 }, { 20, 20, 20 }, { 5, 20, 5 },
	{ 5, 20, 13 }, { 5, 20, 19 }, { 5, 100, 66 }, { 5, 101, 96 }, { 5, 165, 106 }, { 3, 3, 13 },
	{ 5, 10, 13 }, { 10, 20, 5 }, { 1, 10000, 1 }, { 5, 10000, 9998 },
};

/* Each connection delivers as much as the others: in the end the window may be used up, and so may grow. */
START_TEST(test_finds_the_whole_window)
{
	unsigned least = starts[_i].least, most = starts[_i].most, at_once;
	struct width w = { .now = starts[_i].kept, .kept = starts[_i].kept, .patience = 1 };

	for (int i = 0; i < 60; i++) {
		at_once = !w.now || w.now > most ? most : w.now < least ? least : w.now;
		width_judge(&w, least, most, at_once);
	}
	ck_assert_uint_eq(w.kept, 0);
}
END_TEST

/* Settings and windows change under a width that was found before. */
static const struct { unsigned now, window, initial, used; } uses[] = {
	{ 0, 20, 5, 20 }, { 13, 20, 5, 13 }, { 20, 20, 5, 20 }, { 5, 20, 5, 5 }, { 20, 25, 5, 20 },
	{ 13, 8, 5, 8 }, { 8, 3, 5, 3 }, { 5, 1, 5, 1 }, { 5, 20, 10, 10 }, { 5, 20, 20, 20 }, { 0, 1, 5, 1 },
	{ 5, 8, 20, 8 }, { 1, 10000, 1, 1 },
};

START_TEST(test_uses)
{
	struct destination d = { .width.now = uses[_i].now, .window.size = uses[_i].window,
		.rules.initial = uses[_i].initial };

	ck_assert_uint_eq(width_of(&d), uses[_i].used);
}
END_TEST

/* --- with a queue and a host --- */

static const char socket_route[] = "lmtp:unix:/no/such/socket";

static void drop_many(struct world *w)
{
	world_open(w);
	for (int i = 0; i < 4000; i++)
		world_drop(w, "s@sender.test", "ok@a.test");
}

static void begin(struct world *w, const char *transport, int64_t duration, unsigned cost)
{
	world_begin(w, "mailbox_transport", transport, NULL);
	w->credit = 200;
	w->duration = duration;
	world_host(w, transport + 5)->cost = cost;
	drop_many(w);
}

/* A host at its end, with few of its window's requests at once. */
static struct host *begin_narrow(struct world *w)
{
	struct host *h;

	begin(w, socket_route, 0, 2);
	h = world_host(w, socket_route + 5);
	world_run(w, 2000);
	ck_assert_uint_le(h->at_work, 8);
	ck_assert_uint_ge(h->at_work, 5);
	return h;
}

/* The whole window, whenever one looks in the next so many tenths of a second. */
static void stays_whole(struct world *w, const struct host *h, int tenths)
{
	for (int i = 0; i < tenths; i++) {
		world_run(w, 100);
		ck_assert_uint_eq(h->at_work, 20);
	}
}

/* Each request takes 2 ms of a host that has nothing else to do: 500 a second, however many at once. */
START_TEST(test_a_host_at_its_end)
{
	struct world w;
	struct host *h;

	begin(&w, socket_route, 0, 2);
	h = world_host(&w, socket_route + 5);
	world_run(&w, 200);
	ck_assert_uint_eq(h->at_work, 20);
	world_run(&w, 2000);
	ck_assert_uint_le(h->at_work, 8);
	ck_assert_uint_ge(h->at_work, 5);
	ck_assert(world_until_left(&w, 0, 20000));
	ck_assert_uint_eq(h->requests, 4000);
	ck_assert_uint_eq(h->open_max, 20);
	world_end(&w);
}
END_TEST

/* Deliveries that wait for something else: each connection is of use. */
START_TEST(test_a_host_that_waits)
{
	struct world w;
	struct host *h;
	unsigned narrow = 0;

	begin(&w, socket_route, 20, 0);
	h = world_host(&w, socket_route + 5);
	world_run(&w, 200);
	for (int i = 0; i < 36; i++) {
		world_run(&w, 100);
		narrow += h->at_work < 20;
	}
	ck_assert_uint_gt(narrow, 0);
	ck_assert_uint_lt(narrow, 12);
	ck_assert(world_until_left(&w, 0, 20000));
	world_end(&w);
}
END_TEST

/* The few requests that are out hang: the others do not wait for them. */
START_TEST(test_a_host_that_hangs)
{
	struct world w;
	struct host *h;

	h = begin_narrow(&w);
	w.duration = 60000;
	world_run(&w, 1000);
	ck_assert_uint_eq(h->at_work, 20);
	w.duration = 0;
	ck_assert(world_until_left(&w, 0, 120000));
	world_end(&w);
}
END_TEST

/* The window grows while what it is good for is measured. */
START_TEST(test_a_window_that_grows)
{
	struct world w;
	struct host *h;
	unsigned most = 0;

	world_begin(&w, "mailbox_transport", socket_route,
		"lmtp.destination_concurrency_limit", "200", NULL);
	w.credit = 1000;
	w.duration = 50;
	drop_many(&w);
	h = world_host(&w, socket_route + 5);
	for (int i = 0; i < 10; i++) {
		world_run(&w, 50);
		most = h->at_work > most ? h->at_work : most;
	}
	ck_assert_uint_eq(most, 200);
	ck_assert(world_until_left(&w, 0, 20000));
	world_end(&w);
}
END_TEST

/* The operator wants no fewer. */
START_TEST(test_initial_raised)
{
	const char *why = NULL;
	struct world w;
	struct host *h;

	h = begin_narrow(&w);
	ck_assert(settings_set(w.settings, "lmtp.initial_destination_concurrency", "20", &why));
	queue_reconfigure(w.queue, w.settings);
	world_courier(&w, 0);
	world_run(&w, 500);
	stays_whole(&w, h, 20);
	ck_assert(world_until_left(&w, 0, 20000));
	world_end(&w);
}
END_TEST

/* What the operator or a death ends, and begins anew. */
START_TEST(test_suspended_and_dead)
{
	struct world w;
	struct host *h;

	h = begin_narrow(&w);
	if (_i)
		h->fails = true;
	else
		world_suspend(&w, socket_route, true);
	world_run(&w, 700);
	ck_assert_uint_eq(h->at_work, 0);
	h->fails = false;
	h->cost = 0;
	w.duration = 100;
	if (!_i)
		world_suspend(&w, socket_route, false);
	world_run(&w, 1500);
	stays_whole(&w, h, 10);
	w.duration = 0;
	ck_assert(world_until_left(&w, 0, 3600 * 1000));
	world_end(&w);
}
END_TEST

/* As much as it can do, but a moment between in which nothing waits: who comes next finds the whole window. */
START_TEST(test_a_host_that_keeps_up)
{
	struct world w;
	struct host *h;

	world_begin(&w, "mailbox_transport", socket_route, NULL);
	w.credit = 200;
	w.duration = 0;
	world_open(&w);
	h = world_host(&w, socket_route + 5);
	h->cost = 2;
	for (int i = 0; i < 20; i++) {
		for (int m = 0; m < 115; m++)
			world_drop(&w, "s@sender.test", "ok@a.test");
		world_run(&w, 50);
		ck_assert_uint_eq(h->at_work, 20);
		world_run(&w, 200);
		ck_assert_uint_eq(h->at_work, 0);
	}
	world_end(&w);
}
END_TEST

static const char *const elsewhere[] = { "lmtp:inet:a", "smtp:[a.test]" };

/* Another machine's processors are not ours. */
START_TEST(test_only_sockets)
{
	struct world w;
	struct host *h;

	begin(&w, elsewhere[_i], 0, 2);
	h = world_host(&w, elsewhere[_i] + 5);
	world_run(&w, 200);
	stays_whole(&w, h, 30);
	ck_assert(world_until_left(&w, 0, 20000));
	world_end(&w);
}
END_TEST

/* Few deliveries say nothing. */
START_TEST(test_a_slow_host)
{
	struct world w;
	struct host *h;

	begin(&w, socket_route, 0, 5);
	h = world_host(&w, socket_route + 5);
	world_run(&w, 500);
	stays_whole(&w, h, 30);
	ck_assert(world_until_left(&w, 0, 60000));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "judges", test_judges, UNIT_ROWS(runs), 0 },
		{ "stays within", test_stays_within, UNIT_ROWS(bounds), 0 },
		{ "finds the whole window", test_finds_the_whole_window, UNIT_ROWS(starts), 0 },
		{ "uses", test_uses, UNIT_ROWS(uses), 0 },
		{ "a host at its end", test_a_host_at_its_end, 1, 0 },
		{ "a host that waits", test_a_host_that_waits, 1, 0 },
		{ "a host that hangs", test_a_host_that_hangs, 1, 0 },
		{ "a window that grows", test_a_window_that_grows, 1, 0 },
		{ "initial concurrency raised", test_initial_raised, 1, 0 },
		{ "suspended, dead", test_suspended_and_dead, 2, 0 },
		{ "a host that keeps up", test_a_host_that_keeps_up, 1, 0 },
		{ "only sockets", test_only_sockets, UNIT_ROWS(elsewhere), 0 },
		{ "a slow host", test_a_slow_host, 1, 0 },
	};

	return unit_main("queue/width", cases, UNIT_ROWS(cases));
}
