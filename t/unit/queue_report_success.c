#include <string.h>

#include "format/journal/queue_id.h"
#include "queue_world.h"
#include "unit.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

static const char *report_of(uint64_t id, unsigned number)
{
	return fake_spool_file(queue_id_make(queue_id_microseconds(id), number));
}

static void ck_has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what), "\"%s\" is not in: %s", what, text);
}

/* Who hears of it, and in which word. */
static const struct {
	const char *sender, *rcpt, *params, *option, *value;
	bool has_dsn;
	const char *action;       /* NULL: no report */
} rows[] = {
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS", NULL, NULL, false, "relayed" },
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS,FAILURE", NULL, NULL, false, "relayed" },
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS", "lmtp.assume_final", "yes", false, "delivered" },
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS", "transport.lmtp.flags", "X", false, "delivered" },
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS", NULL, NULL, true, NULL },
	{ "s@sender.test", "ok@a.test", "NOTIFY=SUCCESS", "transport.lmtp.flags", "X", true, NULL },
	{ "s@sender.test", "ok@a.test", "NOTIFY=FAILURE", NULL, NULL, false, NULL },
	{ "s@sender.test", "ok@a.test", "NOTIFY=NEVER", NULL, NULL, false, NULL },
	{ "s@sender.test", "ok@a.test", NULL, NULL, NULL, false, NULL },
	{ "s@sender.test", "later@a.test", "NOTIFY=SUCCESS", NULL, NULL, false, NULL },
	{ "s@sender.test", "never@a.test", "NOTIFY=SUCCESS", NULL, NULL, false, NULL },
	{ "", "ok@a.test", "NOTIFY=SUCCESS", NULL, NULL, false, NULL },
};

START_TEST(test_who_is_told)
{
	struct world w;
	const char *text;
	uint64_t id;

	world_begin(&w, rows[_i].option, rows[_i].value, NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	world_host(&w, "inet:a")->has_dsn = rows[_i].has_dsn;
	fake_spool_next.rcpt_params = rows[_i].params;
	id = world_drop(&w, rows[_i].sender, rows[_i].rcpt);
	world_run(&w, MINUTE);
	text = report_of(id, 1);
	ck_assert_int_eq(text != NULL, rows[_i].action != NULL);
	if (text) {
		ck_has(text, "RCPT TO:<s@sender.test> NOTIFY=NEVER\r\n");
		ck_has(text, "Final-Recipient: rfc822; ok@a.test\r\nAction: ");
		ck_has(strstr(text, "Action: "), rows[_i].action);
		ck_has(text,
			"Status: 2.0.0\r\nRemote-MTA: dns; host.test\r\nDiagnostic-Code: smtp; 250 2.0.0 Saved\r\n");
		ck_has(text, "text/rfc822-headers");
		ck_assert_str_eq(world_state(&w, id), "gone");
	}
	world_end(&w);
}
END_TEST

/* What is on the disk of a message, in that order, if it has no queue file at first. */
static const struct { const char *const rcpts[3]; size_t count; bool unwritten; const char *story;
	} stories[] = {
	{ { "ok@a.test" }, 1, false, "report s done" },
	{ { "ok@a.test" }, 1, true, "report s done" },
	{ { "ok1@a.test", "ok2@a.test" }, 2, false, "report s s done" },
	{ { "ok1@a.test", "ok2@a.test" }, 2, true, "report s s done" },
	{ { "ok@a.test", "ok@b.test" }, 2, true, "write written report s s done" },
	{ { "ok@a.test", "never@a.test" }, 2, false, "report s b done" },
	{ { "ok@a.test", "never@a.test" }, 2, true, "write written report s b done" },
	{ { "ok@a.test", "later@a.test" }, 2, false, "d report s next" },
	{ { "ok@a.test", "later@a.test" }, 2, true, "write written d report s next" },
};

START_TEST(test_story)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS";
	fake_spool_next.unwritten = stories[_i].unwritten;
	id = fake_spool_drop(w.queue->spool, "s@sender.test", stories[_i].rcpts, stories[_i].count,
		"Subject: x\r\n\r\nx\r\n");
	world_run(&w, 2 * SECOND);
	ck_assert_str_eq(world_story(id), stories[_i].story);
	world_end(&w);
}
END_TEST

/* Whom one server took is reported after a second, however long the other one takes. */
START_TEST(test_gathered)
{
	static const char *const rcpts[] = { "ok@a.test", "ok@b.test" };
	struct world w;
	uint64_t id;

	world_begin(&w, "lmtp.destination_concurrency_limit", "1", NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	w.duration = 3 * SECOND;
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 5);
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS";
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "Subject: x\r\n\r\nx\r\n");
	world_run(&w, 3 * SECOND + 900);
	ck_assert_str_eq(world_story(id), "");
	world_run(&w, SECOND);
	ck_assert_str_eq(world_story(id), "report s");
	ck_has(report_of(id, 1), "ok@a.test");
	world_run(&w, 3 * SECOND);
	ck_assert_str_eq(world_story(id), "report s report s done");
	ck_has(report_of(id, 2), "ok@b.test");
	ck_assert_ptr_null(strstr(report_of(id, 2), "ok@a.test"));
	world_end(&w);
}
END_TEST

/* The crash comes before the commit: neither the report nor the result is there, and both come again. */
START_TEST(test_crash)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS";
	fake_spool_hold = true;
	id = world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_journal("report "), 1);
	world_crash(&w);
	fake_spool_hold = false;
	world_open(&w);
	ck_assert_ptr_null(report_of(id, 1));
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), "gone");
	ck_assert_uint_eq(fake_spool_count(), 1);
	ck_assert_uint_eq(w.sent, 2);
	world_end(&w);
}
END_TEST

static void stopped(void *arg)
{
	*(bool *)arg = true;
}

/* What is delivered when the queue stops is recorded, though others of the message still wait: no second
 * copy. */
START_TEST(test_stop)
{
	static const char *const rcpts[] = { "ok@a.test", "ok@b.test" };
	struct world w;
	bool over = false;
	uint64_t id;

	world_begin(&w, "lmtp.destination_concurrency_limit", "1", NULL);
	world_open(&w);
	w.duration = 300;
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 5);
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS";
	fake_spool_next.unwritten = _i;
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "Subject: x\r\n\r\nx\r\n");
	world_run(&w, 250);
	queue_stop(w.queue, 3000, stopped, &over);
	ck_assert(world_until_set(&w, &over, MINUTE));
	ck_assert_str_eq(world_story(id), _i ? "write written report s" : "report s");
	world_end(&w);
}
END_TEST

/* All numbers are used up: the result counts all the same. */
START_TEST(test_no_number_left)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS";
	w.hold_answers = true;
	id = world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, SECOND);
	messages_find(w.queue->messages, id)->reports = MESSAGE_REPORTS_MAX;
	w.hold_answers = false;
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), "gone");
	ck_assert_uint_eq(world_journal("report "), 0);
	world_end(&w);
}
END_TEST

/* However many reports of success there were, a failure is reported. */
START_TEST(test_numbers_are_left_for_failures)
{
	static const char *const rcpts[] = { "ok@a.test", "never@a.test" };
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	w.hold_answers = true;
	fake_spool_next.rcpt_params = "NOTIFY=SUCCESS,FAILURE";
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "Subject: x\r\n\r\nx\r\n");
	world_run(&w, SECOND);
	messages_find(w.queue->messages, id)->reports = MESSAGE_REPORTS_MAX / 2;
	w.hold_answers = false;
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_has(report_of(id, MESSAGE_REPORTS_MAX / 2 + 1),
		"Final-Recipient: rfc822; never@a.test\r\nAction: failed");
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "who is told", test_who_is_told, UNIT_ROWS(rows), 0 },
		{ "story", test_story, UNIT_ROWS(stories), 0 },
		{ "gathered", test_gathered, 1, 0 },
		{ "crash", test_crash, 1, 0 },
		{ "stop", test_stop, 2, 0 },
		{ "numbers are left for failures", test_numbers_are_left_for_failures, 1, 0 },
		{ "no number left", test_no_number_left, 1, 0 },
	};

	return unit_main("queue/report_success", cases, UNIT_ROWS(cases));
}
