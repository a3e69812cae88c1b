/* Couriers that come, go and die, leases of connections, and a long random run in which nothing may break. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "format/queue_id.h"
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

/* A question at which couriers crash is asked once: it costs the mail that they have, and nobody can hold it. */
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

/* --- what the operator says --- */

static void note_nothing(void *arg, const struct queue_order_answer *a)
{
	(void)arg;
	ck_assert_uint_le(a->changed, a->found);
}

static void note_suspended(void *arg, json_t *destination, const char *why)
{
	(void)arg;
	ck_assert_ptr_nonnull(destination);
	ck_assert_ptr_null(why);
}

static void suspend(struct world *w, const char *destination, bool suspended)
{
	queue_suspend(w->queue, destination, suspended, note_suspended, NULL);
}

/* --- sent ahead --- */

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
	suspend(&w, "lmtp:inet:a", true);
	world_run(&w, 1000);
	ck_assert_uint_eq(w.recalled, 4);
	ck_assert_uint_eq(world_held(&w), 2);
	suspend(&w, "lmtp:inet:a", false);
	all_served(&w, 10);
}
END_TEST

START_TEST(test_deleted_ahead)
{
	struct world w;

	four_ahead(&w);
	queue_order(w.queue, QUEUE_DELETE, 0, &(struct queue_filter){ .state = "active" }, false, note_nothing, NULL);
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
	world_kill(&w, w.last_pid, KILLED);
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

/* --- a long random run --- */

enum { MESSAGES = 400, COURIERS = 3, LIMIT = 6 };

static const char *const prefixes[] = { "ok", "ok", "ok", "later", "never", "again", "alone" };
static const char *const domains[] = { "a.test", "b.test", "c.test" };

static uint32_t dice(uint64_t *state, uint32_t sides)
{
	return schedule_random(state) % sides;
}

static void drop_random(struct world *w, uint64_t *state)
{
	char rcpts[6][60];
	const char *list[6];
	size_t count = 1 + dice(state, 6);

	for (size_t i = 0; i < count; i++) {
		snprintf(rcpts[i], sizeof rcpts[i], "%s%zu@%s", prefixes[dice(state, 7)], i,
		         domains[dice(state, 3)]);
		list[i] = rcpts[i];
	}
	fake_spool_drop(w->queue->spool, dice(state, 4) ? "s@sender.test" : "", list, count,
	                "Subject: x\r\n\r\n.\r\n");
}

static void disturb(struct world *w, uint64_t *state)
{
	struct host *h = world_host(w, (const char *[]){ "inet:a", "inet:b", "inet:c" }[dice(state, 3)]);

	switch (dice(state, 10)) {
	case 0:
		h->dead = !h->dead;
		break;
	case 1:
		h->busy_above = dice(state, 4);
		break;
	case 2:
		h->closes_idle = !h->closes_idle;
		break;
	case 3:
		world_kill(w, w->last_pid - (pid_t)dice(state, COURIERS), dice(state, 2) ? KILLED : CRASHED);
		world_courier(w, w->last_pid % COURIERS);
		break;
	case 4:
		queue_order(w->queue, QUEUE_RETRY, 0, NULL, dice(state, 2), note_nothing, NULL);
		break;
	case 5:
		queue_order(w->queue, dice(state, 2) ? QUEUE_HOLD : QUEUE_RELEASE, 0,
		            &(struct queue_filter){ .to = "a.test" }, false, note_nothing, NULL);
		break;
	case 6:
		queue_order(w->queue, QUEUE_DELETE, 0, &(struct queue_filter){ .state = "active" }, false,
		            note_nothing, NULL);
		break;
	case 7:
		suspend(w, "lmtp:inet:b", dice(state, 2));
		break;
	default:
		break;
	}
}

static void check_counts(struct world *w)
{
	const struct destination *d;
	size_t cursor = 0;

	while ((d = destinations_each(w->queue->destinations, &cursor))) {
		unsigned busy = 0, idle = 0;

		for (unsigned i = 0; i < d->seats; i++) {
			busy += d->shares[i].busy;
			idle += d->shares[i].idle > 0 ? (unsigned)d->shares[i].idle : 0;
		}
		ck_assert_uint_eq(d->busy, busy);
		ck_assert_uint_eq(d->idle, idle);
		ck_assert_uint_le(busy + idle, d->rules.limit);
		ck_assert_uint_ge(d->window.size, 1);
		ck_assert_uint_le(d->window.size, d->rules.limit);
	}
	for (size_t i = 0; i < w->host_count; i++)
		ck_assert_uint_le(w->hosts[i].open_max, LIMIT);
}

/* When all is over, every lease stands for a connection that is open. */
static void check_leases(struct world *w)
{
	unsigned open = 0, leases = 0;
	const struct destination *d;
	size_t cursor = 0;

	world_run(w, MINUTE);
	while ((d = destinations_each(w->queue->destinations, &cursor))) {
		leases += destination_open(d);
		ck_assert(list_empty(&d->ahead));
	}
	for (size_t i = 0; i < w->host_count; i++)
		open += w->hosts[i].open;
	ck_assert_uint_eq(leases, open);
}

static void calm(struct world *w)
{
	for (size_t i = 0; i < w->host_count; i++) {
		w->hosts[i].dead = false;
		w->hosts[i].busy_above = 0;
	}
	suspend(w, "lmtp:inet:b", false);
	queue_order(w->queue, QUEUE_RELEASE, 0, NULL, false, note_nothing, NULL);
}

START_TEST(test_random_run)
{
	uint64_t state = 1000 + (uint64_t)_i;
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "6", "lmtp.destination_recipient_limit", "3",
	            "queue.active_limit", "200",
	            "queue.maximal_queue_lifetime", "4h", "queue.bounce_queue_lifetime", "2h", NULL);
	w.credit = 40;
	w.mark_dots = true;
	world_open(&w);
	for (int i = 1; i < COURIERS; i++)
		world_courier(&w, (unsigned)i);
	for (int i = 0; i < MESSAGES; i++) {
		drop_random(&w, &state);
		if (dice(&state, 10) == 0)
			disturb(&w, &state);
		world_run(&w, dice(&state, 50));
		check_counts(&w);
	}
	calm(&w);
	/* Those who are always "later" expire; everybody else has long been served. */
	ck_assert(world_until_left(&w, 0, 8 * 60 * MINUTE));
	check_counts(&w);
	check_leases(&w);
	ck_assert_uint_gt(w.ahead, 0);
	world_end(&w);
}
END_TEST

/* The same with the queue process itself dying now and then: nothing is lost, nobody is reported delivered
 * twice. */
START_TEST(test_random_crashes)
{
	uint64_t state = 5000 + (uint64_t)_i;
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "6", "queue.maximal_queue_lifetime", "4h",
	            "queue.bounce_queue_lifetime", "2h", NULL);
	world_open(&w);
	for (int i = 0; i < 200; i++) {
		drop_random(&w, &state);
		fake_spool_hold = dice(&state, 4) == 0;
		world_run(&w, dice(&state, 40));
		if (dice(&state, 20))
			continue;
		world_crash(&w);
		fake_spool_hold = false;
		world_open(&w);
	}
	fake_spool_hold = false;
	drop_random(&w, &state);
	ck_assert(world_until_left(&w, 0, 8 * 60 * MINUTE));
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
		{ "silent courier is killed", test_silent_courier_is_killed, 1, 0 },
		{ "silence is not healthy", test_silence_is_not_healthy, 1, 0 },
		{ "no courier at all", test_no_courier_at_all, 1, 0 },
		{ "reload", test_reload_retires_couriers, 1, 0 },
		{ "quiet destination", test_one_courier_works_for_a_quiet_destination, 1, 0 },
		{ "idle connections are called back", test_idle_connections_are_called_back, 1, 0 },
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
		{ "random run", test_random_run, 8, 0 },
		{ "random crashes", test_random_crashes, 8, 0 },
	};

	return unit_main("queue/couriers", cases, UNIT_ROWS(cases));
}
