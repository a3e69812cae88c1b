/* Messages that have no queue file yet: when they get one, and that nothing is recorded too early. The spool
 * in memory aborts if something is. */
#include <string.h>

#include "queue/operator/orders.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

static uint64_t drop(struct world *w, const char *sender, const char *const *rcpts)
{
	size_t count = 0;

	while (rcpts[count])
		count++;
	fake_spool_next.unwritten = true;
	return fake_spool_drop(w->queue->spool, sender, rcpts, count, "Subject: x\r\n\r\nbody\r\n");
}

static uint64_t drop_one(struct world *w, const char *rcpt)
{
	return drop(w, "s@sender.test", (const char *const[]){ rcpt, NULL });
}

static uint64_t drop_written(struct world *w, const char *rcpt)
{
	fake_spool_next.unwritten = false;
	return world_drop(w, "s@sender.test", rcpt);
}

#define ck_story(id, expected) ck_assert_str_eq(world_story(id), expected)

/* How messages end, or do not, and what is on the disk about them, in that order. */
static const struct {
	const char *rcpts[4];
	const char *story;
	int64_t age, duration;
	unsigned hops;
	const char *setting, *value;
} lives[] = {
	{ { "ok@a.test" }, "s done", 0, 10, 0, NULL, NULL },
	{ { "ok@a.test", "ok2@a.test" }, "s s done", 0, 10, 0, NULL, NULL },
	{ { "ok@a.test" }, "s done", 0, 900, 0, NULL, NULL },
	{ { "ok@a.test" }, "write written s done", 0, 3000, 0, NULL, NULL },
	{ { "never@a.test" }, "report b done", 0, 10, 0, NULL, NULL },
	{ { "ok@a.test", "never@a.test" }, "report s b done", 0, 10, 0, NULL, NULL },
	{ { "later@a.test" }, "write written d next", 0, 10, 0, NULL, NULL },
	{ { "ok@a.test", "later@a.test" }, "write written s d next", 0, 10, 0, NULL, NULL },
	{ { "never@a.test", "later@a.test" }, "write written d report b next", 0, 10, 0, NULL, NULL },
	{ { "mute@a.test" }, "write written d next", 0, 10, 0, NULL, NULL },
	{ { "lost@a.test" }, "write written d next", 0, 10, 0, NULL, NULL },
	{ { "ok@a.test" }, "write written d next", 0, 10, 0, "mailbox_transport", "" },
	/* some at once, some when they are answered */
	{ { "ok@a.test", "ok@a.a" }, "write written d s next", 0, 10, 0, "default_transport", "nosuch" },
	/* expired: the report says so, and nothing lives on */
	{ { "later@a.test" }, "report d e done", 6 * DAY, 10, 0, NULL, NULL },
	{ { "ok@a.test", "later@a.test" }, "report s d e done", 6 * DAY, 10, 0, NULL, NULL },
	{ { "ok@a.test" }, "s done", 6 * DAY, 10, 0, NULL, NULL },
	/* a loop is judged before there is a route */
	{ { "ok@a.test", "ok@b.test" }, "report b b done", 0, 10, 100, NULL, NULL },
	{ { "ok@a.test", "ok@b.test" }, "write written d d next", 0, 10, 100, "soft_bounce", "yes" },
};

START_TEST(test_life)
{
	struct world w;
	uint64_t id;

	world_begin(&w, lives[_i].setting, lives[_i].value, NULL);
	world_open(&w);
	w.duration = lives[_i].duration;
	fake_spool_next.hops = lives[_i].hops;
	fake_spool_next.age = lives[_i].age;
	id = drop(&w, "s@sender.test", lives[_i].rcpts);
	world_run(&w, 10 * 1000);
	ck_story(id, lives[_i].story);
	world_end(&w);
}
END_TEST

/* What the next start must find if the queue dies with the message half done: none is forgotten, none is
 * told. */
START_TEST(test_crash_at_any_moment)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = drop(&w, "s@sender.test", lives[_i].rcpts);
	fake_spool_hold = true;
	world_run(&w, 500);
	world_crash(&w);
	fake_spool_hold = false;
	world_open(&w);
	world_run(&w, MINUTE);
	ck_assert(strstr(lives[_i].story, "done") ? !fake_spool_file(id) : fake_spool_file(id) != NULL);
	world_end(&w);
}
END_TEST

/* --- answers at different times --- */

/* The other destination serves one at a time, and has another message first. */
static uint64_t half_answered(struct world *w)
{
	static const char *const rcpts[] = { "ok@a.test", "ok@b.test", NULL };
	uint64_t id;

	world_begin(w, "lmtp.destination_concurrency_limit", "1", NULL);
	world_open(w);
	w->duration = 300;
	drop_written(w, "ok@b.test");
	world_run(w, 5);
	id = drop(w, "s@sender.test", rcpts);
	world_run(w, 350);
	ck_assert_uint_eq(w->sent, 2);
	return id;
}

START_TEST(test_answers_apart)
{
	struct world w;
	uint64_t id = half_answered(&w);

	ck_story(id, "write written s");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_story(id, "write written s s done");
	world_end(&w);
}
END_TEST

/* --- the disk is full --- */

START_TEST(test_V_12_full_disk)
{
	struct world w;
	uint64_t id, other;

	fake_spool_full = true;
	id = half_answered(&w);
	ck_story(id, "write");
	other = drop_one(&w, "ok@c.test");
	world_run(&w, MINUTE);
	ck_story(other, "s done");
	ck_story(id, "write");
	fake_spool_full = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_story(id, "write written s s done");
	world_end(&w);
}
END_TEST

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

/* A stop while a message is being written: it waits for that, but not for ever. */
static const struct { bool full; int64_t within; unsigned sent; } stops[] = {
	{ false, 500, 3 }, { true, 3100, 5 },
};

START_TEST(test_stop)
{
	bool stopped = false;
	struct world w;

	fake_spool_full = true;
	half_answered(&w);
	fake_spool_full = stops[_i].full;
	queue_stop(w.queue, 3000, note_stop, &stopped);
	world_run(&w, 0);
	ck_assert(!stopped);
	ck_assert(world_until_set(&w, &stopped, stops[_i].within + 1000));
	world_crash(&w);
	fake_spool_full = false;
	world_open(&w);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, stops[_i].sent);
	world_end(&w);
}
END_TEST

/* What was not begun needs no file for a stop. */
START_TEST(test_stop_before_an_answer)
{
	bool stopped = false;
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 100);
	queue_stop(w.queue, 300, note_stop, &stopped);
	drop_one(&w, "ok@a.test");
	ck_assert(world_until_set(&w, &stopped, 1000));
	ck_story(id, "");
	world_crash(&w);
	w.hold_answers = false;
	world_open(&w);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 2);
	world_end(&w);
}
END_TEST

/* --- destinations and couriers --- */

START_TEST(test_put_aside)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 20; i++)
		drop_written(&w, "ok@a.test");
	world_run(&w, 2 * MINUTE);
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 500);
	ck_story(id, "write written");
	ck_assert_str_eq(world_state(&w, id), "deferred");
	world_host(&w, "inet:a")->dead = false;
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	ck_story(id, "write written s done");
	world_end(&w);
}
END_TEST

static const struct { int status; const char *story; } deaths[] = {
	{ SIGSEGV, "suspect write written s suspect done" }, { SIGKILL, "s done" },
};

START_TEST(test_courier_dies)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 50);
	world_kill(&w, w.last_pid, deaths[_i].status);
	w.hold_answers = false;
	world_courier(&w, 0);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_story(id, deaths[_i].story);
	world_end(&w);
}
END_TEST

/* An answer is in, but the courier ends before it says that the request is over. */
START_TEST(test_courier_dies_between_answers)
{
	struct world w;
	uint64_t id = half_answered(&w);

	world_kill(&w, w.last_pid, SIGSEGV);
	world_courier(&w, 0);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_story(id, "write written s suspect s suspect done");
	world_end(&w);
}
END_TEST

START_TEST(test_reload)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 50);
	queue_reconfigure(w.queue, w.settings);
	world_run(&w, 50);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_story(id, "s done");
	world_end(&w);
}
END_TEST

/* --- orders of the operator, while it waits for a destination that is suspended --- */

static void note_answer(void *arg, const struct queue_order_answer *a)
{
	*(bool *)arg = a->changed == 1;
}

static const struct { enum queue_order order; const char *story, *state, *restarted; } orders[] = {
	{ QUEUE_HOLD, "hold write written hold", "held", "held" },
	{ QUEUE_DELETE, "done", "gone", "gone" },
};

START_TEST(test_order)
{
	bool changed = false;
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	for (int i = 0; i < 40; i++)
		drop_written(&w, "ok@a.test");
	world_run(&w, 20);
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 20);
	ck_assert_str_eq(world_state(&w, id), "active");
	queue_order(w.queue, orders[_i].order, id, NULL, false, note_answer, &changed);
	ck_assert(world_until_set(&w, &changed, 1000));
	world_run(&w, 100);
	ck_story(id, orders[_i].story);
	ck_assert_str_eq(world_state(&w, id), orders[_i].state);
	world_crash(&w);
	world_open(&w);
	ck_assert_str_eq(world_state(&w, id), orders[_i].restarted);
	world_end(&w);
}
END_TEST

/* --- bounds --- */

static size_t most_active;

static bool none_left(void *arg)
{
	struct world *w = arg;
	size_t active = messages_in(w->queue->messages, MESSAGE_ACTIVE);

	most_active = active > most_active ? active : most_active;
	return fake_spool_count() == 0;
}

/* Messages come one by one, to as many slow destinations: those that arrive unwritten must be made active, so
 * the queue sees to it that they do not when it is full. */
START_TEST(test_active_limit)
{
	enum { LIMIT = 10, MESSAGES = 100 };
	struct world w;
	char rcpt[40];

	world_begin(&w, "queue.active_limit", "10", "transport_maps", "inline:{*=lmtp:}", NULL);
	world_open(&w);
	w.duration = 20 * 1000;
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(rcpt, sizeof rcpt, "ok@d%d.test", i % 39);
		drop_one(&w, rcpt);
		fake_loop_until(w.loop, none_left, &w, 500);
	}
	ck_assert(!fake_spool_keeps);
	ck_assert(fake_loop_until(w.loop, none_left, &w, 60 * MINUTE));
	ck_assert_uint_le(most_active, LIMIT + 1);
	ck_assert(fake_spool_keeps);
	world_end(&w);
}
END_TEST

/* While nothing can be committed, mail is not sent without end. */
START_TEST(test_V_12_journal_is_stuck)
{
	enum { LIMIT = 10 };
	struct world w;

	world_begin(&w, "queue.active_limit", "10", NULL);
	world_open(&w);
	fake_spool_hold = true;
	for (int i = 0; i < 100; i++) {
		drop_one(&w, "ok@a.test");
		world_run(&w, 100);
	}
	ck_assert_uint_le(w.sent, LIMIT + 1);
	ck_assert(fake_spool_paused);
	fake_spool_hold = false;
	drop_one(&w, "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 101);
	world_end(&w);
}
END_TEST

/* A written message is read from its file: what is in memory is let go of. */
START_TEST(test_memory_is_given_back)
{
	struct world w;
	uint64_t id;
	int before;

	world_begin(&w, NULL);
	world_open(&w);
	w.hold_answers = true;
	id = drop_one(&w, "ok@a.test");
	world_run(&w, 500);
	before = messages_find(w.queue->messages, id)->active->fd;
	world_run(&w, 1000);
	ck_story(id, "write written");
	ck_assert_int_ne(messages_find(w.queue->messages, id)->active->fd, before);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "life", test_life, UNIT_ROWS(lives), 0 },
		{ "crash at any moment", test_crash_at_any_moment, 8, 0 },
		{ "answers apart", test_answers_apart, 1, 0 },
		{ "full disk", test_V_12_full_disk, 1, 0 },
		{ "stop", test_stop, UNIT_ROWS(stops), 0 },
		{ "stop before an answer", test_stop_before_an_answer, 1, 0 },
		{ "put aside", test_put_aside, 1, 0 },
		{ "courier dies", test_courier_dies, UNIT_ROWS(deaths), 0 },
		{ "courier dies between answers", test_courier_dies_between_answers, 1, 0 },
		{ "reload", test_reload, 1, 0 },
		{ "order", test_order, UNIT_ROWS(orders), 0 },
		{ "active limit", test_active_limit, 1, 0 },
		{ "journal is stuck", test_V_12_journal_is_stuck, 1, 0 },
		{ "memory is given back", test_memory_is_given_back, 1, 0 },
	};

	return unit_main("queue/unwritten", cases, UNIT_ROWS(cases));
}
