/* Callers who wait for the outcome of their drop, on virtual time. */
#include <string.h>

#include "base/mem.h"
#include "queue/caller/waits.h"
#include "queue/message/intake.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define UID 1000        /* whose the files of the spool in memory are */

/* A caller who notes what he is told, a line each. */
struct caller {
	struct world *w;
	struct wait *wait;
	struct buf told;
};

static void tell(void *arg, const struct wait_line *line)
{
	struct caller *c = arg;

	wait_line_print(line, &c->told);
}

/* unwritten: the message has no queue file of its own at first */
static void begin(struct world *w, struct caller *c, bool unwritten)
{
	world_begin(w, NULL);
	world_open(w);
	*c = (struct caller){ .w = w };
	buf_init(&c->told, 65536);
	c->wait = wait_begin(w->queue, "file", UID, tell, c);
	ck_assert_ptr_nonnull(c->wait);
	fake_spool_next.drop_name = "file";
	fake_spool_next.unwritten = unwritten;
}

static void leave(struct caller *c)
{
	wait_leave(c->wait);
	buf_free(&c->told);
}

static bool heard(const struct caller *c, const char *line)
{
	return strstr(buf_text(&c->told), line) != NULL;
}

static uint64_t drop(struct caller *c, const char *first, const char *second)
{
	const char *const rcpts[] = { first, second };

	return fake_spool_drop(c->w->queue->spool, "s@sender.test", rcpts, second ? 2 : 1, "Subject: x\r\n\r\n");
}

START_TEST(test_sent_is_told_after_its_commit)
{
	struct world w;
	struct caller c;

	begin(&w, &c, _i % 2);
	fake_spool_hold = true;
	drop(&c, "ok@a.test", NULL);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.sent, 1);
	ck_assert_str_eq(buf_text(&c.told), "");
	fake_spool_hold = false;
	fake_spool_next.drop_name = NULL;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "result 0 sent 2.0.0 "));
	ck_assert(heard(&c, "\nover\n"));
	ck_assert(!heard(&c, "offer"));
	leave(&c);
	world_end(&w);
}
END_TEST

/* The rest is offered, taken, committed, told, and gone. */
START_TEST(test_rest_is_taken_back)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	id = drop(&c, "later@a.test", "never@b.test");
	world_run(&w, MINUTE);
	ck_assert_str_eq(buf_text(&c.told), "offer\n");
	ck_assert_str_eq(world_state(&w, id), "active");
	ck_assert(wait_take(c.wait));
	ck_assert_str_eq(buf_text(&c.told), "offer\n");
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "result 0 deferred 4."));
	ck_assert(heard(&c, "result 1 bounced 5."));
	ck_assert(heard(&c, "\nover\n"));
	ck_assert_str_eq(world_state(&w, id), "gone");
	ck_assert_uint_eq(world_journal("report "), 0);
	ck_assert_uint_eq(world_journal("\nh "), 1);
	ck_assert_uint_eq(world_journal("\nb "), 1);
	ck_assert_uint_eq(fake_spool_count(), 0);
	leave(&c);
	world_end(&w);
}
END_TEST

/* In which state of things the caller goes away; after that the message is one like any other. */
static const enum { BEFORE_FILE, WHILE_TRIED, AFTER_OFFER } departures[] =
	{ BEFORE_FILE, WHILE_TRIED, AFTER_OFFER };

START_TEST(test_gone_is_as_if_he_had_not_waited)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	if (departures[_i / 2] == BEFORE_FILE)
		leave(&c);
	w.hold_answers = departures[_i / 2] == WHILE_TRIED;
	id = drop(&c, "later@a.test", "never@b.test");
	world_run(&w, MINUTE);
	if (departures[_i / 2] != BEFORE_FILE)
		leave(&c);
	if (departures[_i / 2] == WHILE_TRIED) {
		world_kill(&w, w.last_pid, 0);
		w.hold_answers = false;
		world_courier(&w, 1);
	}
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_assert_uint_eq(world_journal("\nh "), 0);
	ck_assert_str_eq(world_state(&w, id), "deferred");
	world_end(&w);
}
END_TEST

/* He took it and left at once: it is his, and the queue lets go of it. */
START_TEST(test_gone_after_taking)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	id = drop(&c, "later@a.test", NULL);
	world_run(&w, MINUTE);
	ck_assert(wait_take(c.wait));
	leave(&c);
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), "gone");
	world_end(&w);
}
END_TEST

/* The time is over while a courier has the message: its late answer is for the log only. */
START_TEST(test_time_over_in_flight)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	w.duration = 30000;
	id = drop(&c, "ok@a.test", NULL);
	world_run(&w, 1000);
	wait_enough(c.wait);
	ck_assert_str_eq(buf_text(&c.told), "offer\n");
	ck_assert(wait_take(c.wait));
	world_run(&w, 1000);
	ck_assert(heard(&c, "rest 4.4.7 "));
	ck_assert(heard(&c, "\nover\n"));
	ck_assert_uint_eq(world_journal("\nh "), 1);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.sent, 1);
	ck_assert_uint_eq(world_journal("\ns "), 0);
	ck_assert_str_eq(world_state(&w, id), "gone");
	leave(&c);
	world_end(&w);
}
END_TEST

/* The time is over while a courier has it, which then dies: it does not go out again. */
START_TEST(test_courier_lost_after_taking)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	w.hold_answers = true;
	id = drop(&c, "ok@a.test", "again@a.test");
	world_run(&w, 1000);
	wait_enough(c.wait);
	ck_assert(wait_take(c.wait));
	world_run(&w, 1000);
	world_kill(&w, w.last_pid, 0);
	w.hold_answers = false;
	world_courier(&w, 1);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(w.sent, 0);
	ck_assert_str_eq(world_state(&w, id), "gone");
	leave(&c);
	world_end(&w);
}
END_TEST

/* A crash between taking and the commit: the message is in the queue, which is once too often, not never. */
START_TEST(test_crash_before_the_commit)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	id = drop(&c, "later@a.test", NULL);
	world_run(&w, MINUTE);
	fake_spool_hold = true;
	ck_assert(wait_take(c.wait));
	world_run(&w, MINUTE);
	ck_assert(!heard(&c, "over"));
	leave(&c);
	world_crash(&w);
	fake_spool_hold = false;
	world_open(&w);
	world_run(&w, 1000);
	ck_assert_str_ne(world_state(&w, id), "gone");
	world_end(&w);
}
END_TEST

START_TEST(test_dead_destination_is_no_wait)
{
	struct world w;
	struct caller c;

	begin(&w, &c, _i % 2);
	world_host(&w, "inet:a")->dead = true;
	fake_spool_next.drop_name = NULL;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 500);
	fake_spool_next.drop_name = "file";
	drop(&c, "ok@a.test", NULL);
	world_run(&w, 100);
	ck_assert(heard(&c, "offer"));
	ck_assert(wait_take(c.wait));
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "result 0 deferred 4.4.1 "));
	leave(&c);
	world_end(&w);
}
END_TEST

START_TEST(test_refused_file)
{
	struct world w;
	struct caller c;

	begin(&w, &c, _i % 2);
	intake_events.refused(w.queue, 0, "other", UID, "not his");
	intake_events.refused(w.queue, 0, "file", UID + 1, "not his");
	ck_assert_str_eq(buf_text(&c.told), "");
	intake_events.refused(w.queue, 0, "file", UID, "line 1: no");
	ck_assert_str_eq(buf_text(&c.told), "refused line 1: no\n");
	leave(&c);
	world_end(&w);
}
END_TEST

START_TEST(test_file_of_several_messages_is_not_waited_for)
{
	struct world w;
	struct caller c;
	uint64_t id;

	begin(&w, &c, _i % 2);
	drop(&c, "later@a.test", NULL);
	id = drop(&c, "later@a.test", NULL);
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "queued "));
	ck_assert_str_eq(world_state(&w, id), "deferred");
	leave(&c);
	world_end(&w);
}
END_TEST

START_TEST(test_one_caller_a_file)
{
	struct world w;
	struct caller c;
	struct wait *other;

	begin(&w, &c, _i % 2);
	ck_assert_ptr_null(wait_begin(w.queue, "file", UID, tell, &c));
	other = wait_begin(w.queue, "file", UID + 1, tell, &c);
	ck_assert_ptr_nonnull(other);
	drop(&c, "ok@a.test", NULL);
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "result 0 sent"));
	ck_assert(!wait_take(other));
	wait_leave(other);
	leave(&c);
	world_end(&w);
}
END_TEST

/* Whatever he says out of turn changes nothing. */
START_TEST(test_out_of_turn)
{
	struct world w;
	struct caller c;

	begin(&w, &c, _i % 2);
	ck_assert(!wait_take(c.wait));
	wait_enough(c.wait);
	drop(&c, "ok@a.test", NULL);
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "offer\n"));
	wait_enough(c.wait);
	ck_assert(wait_take(c.wait));
	ck_assert(!wait_take(c.wait));
	wait_enough(c.wait);
	world_run(&w, MINUTE);
	ck_assert(heard(&c, "over"));
	ck_assert(!wait_take(c.wait) || heard(&c, "over"));
	leave(&c);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "sent is told after its commit", test_sent_is_told_after_its_commit, 2, 0 },
		{ "rest is taken back", test_rest_is_taken_back, 2, 0 },
		{ "gone", test_gone_is_as_if_he_had_not_waited, 2 * UNIT_ROWS(departures), 0 },
		{ "gone after taking", test_gone_after_taking, 2, 0 },
		{ "time over in flight", test_time_over_in_flight, 2, 0 },
		{ "courier lost after taking", test_courier_lost_after_taking, 2, 0 },
		{ "crash before the commit", test_crash_before_the_commit, 2, 0 },
		{ "dead destination", test_dead_destination_is_no_wait, 2, 0 },
		{ "refused file", test_refused_file, 2, 0 },
		{ "several messages", test_file_of_several_messages_is_not_waited_for, 2, 0 },
		{ "one caller a file", test_one_caller_a_file, 2, 0 },
		{ "out of turn", test_out_of_turn, 2, 0 },
	};

	return unit_main("queue/waits", cases, UNIT_ROWS(cases));
}
