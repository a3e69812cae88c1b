/* Messages that make couriers crash. */
#include <string.h>

#include "queue/operator/orders.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

static const char *reason_of(struct world *w, uint64_t id)
{
	return message_reason(messages_find(w->queue->messages, id));
}

static void release(struct world *w, uint64_t id)
{
	order_give(w->queue, QUEUE_RELEASE, messages_find(w->queue->messages, id));
}

/* One among others: they are innocent and arrive, it is held after two crashes more, and stays so. */
START_TEST(test_guilty_and_innocent)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	for (int i = 0; i < 3; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	id = world_drop(&w, "s@sender.test", "crash@a.test");
	for (int i = 0; i < 3; i++)
		world_drop(&w, "s@sender.test", "ok@b.test");
	ck_assert(world_until_left(&w, 1, MINUTE));
	world_run(&w, 1000);
	ck_assert_str_eq(world_state(&w, id), "held");
	ck_assert_uint_eq(w.crashes, 3);
	ck_assert_uint_eq(w.sent, 6);
	ck_assert_ptr_nonnull(strstr(reason_of(&w, id), "crash"));
	ck_assert_uint_eq(world_journal("report "), 0);
	world_crash(&w);
	world_open(&w);
	world_run(&w, 6 * DAY);
	ck_assert_str_eq(world_state(&w, id), "held");
	ck_assert_ptr_nonnull(strstr(reason_of(&w, id), "crash"));
	ck_assert_uint_eq(w.crashes, 3);
	world_end(&w);
}
END_TEST

/* While suspects are tried one at a time, all else goes on. */
START_TEST(test_others_do_not_wait)
{
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "100", "lmtp.initial_destination_concurrency",
		"100", NULL);
	w.credit = 100;
	w.duration = 1000;
	world_open(&w);
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_drop(&w, "s@sender.test", "crash@b.test");
	world_run(&w, 500);
	world_kill(&w, w.last_pid, SIGSEGV);
	world_courier(&w, 0);
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@c.test");
	world_run(&w, 1500);
	ck_assert_uint_ge(w.sent, 50);
	ck_assert_uint_le(w.sent, 52);
	ck_assert(world_until_left(&w, 1, 2 * MINUTE));
	ck_assert_uint_eq(w.sent, 100);
	world_end(&w);
}
END_TEST

/* Who releases it sees it tried apart again, twice. */
START_TEST(test_released)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "crash@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.crashes, 3);
	release(&w, id);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.crashes, 5);
	ck_assert_str_eq(world_state(&w, id), "held");
	ck_assert_uint_eq(w.sent, 1);
	world_end(&w);
}
END_TEST

/* The other recipients of a guilty message get it once it has been tried for them. */
START_TEST(test_other_recipients)
{
	static const char *const rcpts[] = { "ok1@b.test", "crash@a.test", "ok2@c.test" };
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 3, "x\r\n");
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), "held");
	ck_assert_uint_eq(w.sent, 2);
	ck_assert_uint_eq(world_host(&w, "inet:b")->requests, 2);
	world_end(&w);
}
END_TEST

/* The count is in the journal: after a start it is tried apart at once. */
START_TEST(test_restart)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	queue_set_supervisor(w.queue, &(struct queue_supervisor){ 0 });
	id = world_drop(&w, "s@sender.test", "crash@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.crashes, 1);
	ck_assert_str_eq(world_state(&w, id), "active");
	world_crash(&w);
	world_open(&w);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.crashes, 3);
	ck_assert_str_eq(world_state(&w, id), "held");
	world_end(&w);
}
END_TEST

/* A courier that was asked for and did not come is asked for again. */
START_TEST(test_asks_again)
{
	struct queue_supervisor good;
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	good = w.queue->supervisor;
	queue_set_supervisor(w.queue, &(struct queue_supervisor){ 0 });
	world_drop(&w, "s@sender.test", "crash@a.test");
	world_run(&w, MINUTE / 2);
	ck_assert_uint_eq(w.crashes, 1);
	queue_set_supervisor(w.queue, &good);
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(w.crashes, 3);
	world_end(&w);
}
END_TEST

/* A suspect's destination may be dead, and it may expire there. */
static const struct { int64_t dead_for; const char *state; } dead[] = {
	{ 10 * MINUTE, "held" }, { 6 * DAY, "gone" },
};

START_TEST(test_dead_destination)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	w.duration = 1000;
	id = world_drop(&w, "s@sender.test", "crash@a.test");
	world_run(&w, 500);
	world_host(&w, "inet:a")->dead = true;
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_kill(&w, w.last_pid, SIGSEGV);
	world_courier(&w, 0);
	world_run(&w, dead[_i].dead_for);
	world_host(&w, "inet:a")->dead = false;
	world_run(&w, 120 * MINUTE);
	ck_assert_str_eq(world_state(&w, id), dead[_i].state);
	world_end(&w);
}
END_TEST

/* All connections to the host lie idle at the other courier: one is called back for the suspect. */
START_TEST(test_limit_is_kept)
{
	struct world w;
	uint64_t id;

	world_begin(&w, "lmtp.destination_concurrency_limit", "2", NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "crash@a.test");
	for (int i = 0; i < 40; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 1, MINUTE));
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), "held");
	ck_assert_uint_le(world_host(&w, "inet:a")->open_max, 2);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "guilty and innocent", test_guilty_and_innocent, 1, 0 },
		{ "others do not wait", test_others_do_not_wait, 1, 0 },
		{ "released", test_released, 1, 0 },
		{ "other recipients", test_other_recipients, 1, 0 },
		{ "restart", test_restart, 1, 0 },
		{ "asks again", test_asks_again, 1, 0 },
		{ "dead destination", test_dead_destination, UNIT_ROWS(dead), 0 },
		{ "limit is kept", test_limit_is_kept, 1, 0 },
	};

	return unit_main("queue/suspect", cases, UNIT_ROWS(cases));
}
