/* Attempts on virtual time: results, reports, retries, expiry. */
#include <string.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

START_TEST(test_delivers)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, 1000));
	ck_assert_str_eq(world_state(&w, id), "gone");
	ck_assert_uint_eq(w.sent, 1);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	world_end(&w);
}
END_TEST

/* Who gets what from which recipients, after an hour. */
static const struct {
	const char *sender, *rcpt, *mail_params, *rcpt_params;
	unsigned reports, left;
	unsigned requests_at_least;
} outcomes[] = {
	{ "s@sender.test", "ok@a.test", NULL, NULL, 0, 0, 1 },
	{ "s@sender.test", "never@a.test", NULL, NULL, 1, 0, 1 },
	{ "", "never@a.test", NULL, NULL, 0, 0, 1 },
	{ "s@sender.test", "never@a.test", NULL, "NOTIFY=NEVER", 0, 0, 1 },
	{ "s@sender.test", "never@a.test", NULL, "NOTIFY=SUCCESS", 0, 0, 1 },
	{ "s@sender.test", "never@a.test", NULL, "NOTIFY=DELAY,FAILURE", 1, 0, 1 },
	{ "s@sender.test", "never@a.test", "RET=HDRS ENVID=x", NULL, 1, 0, 1 },
	{ "s@sender.test", "later@a.test", NULL, NULL, 0, 1, 3 },
	{ "never@sender.test", "never@a.test", NULL, NULL, 2, 0, 2 },
	{ "s@sender.test", "mute@a.test", NULL, NULL, 0, 1, 3 },
	{ "s@sender.test", "stuck@a.test", NULL, NULL, 0, 1, 3 },
	{ "s@sender.test", "ok", NULL, NULL, 0, 0, 1 },
	{ "s@sender.test", "ok@nowhere.test", NULL, NULL, 0, 1, 0 },
};

START_TEST(test_outcomes)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_next.mail_params = outcomes[_i].mail_params;
	fake_spool_next.rcpt_params = outcomes[_i].rcpt_params;
	world_drop(&w, outcomes[_i].sender, outcomes[_i].rcpt);
	world_run(&w, HOUR);
	ck_assert_uint_eq(world_journal("report "), outcomes[_i].reports);
	ck_assert_uint_eq(fake_spool_count(), outcomes[_i].left);
	ck_assert_uint_ge(world_host(&w, "inet:a")->requests, outcomes[_i].requests_at_least);
	world_end(&w);
}
END_TEST

START_TEST(test_mixed_recipients)
{
	static const char *const rcpts[] = { "ok@a.test", "never1@a.test", "later@a.test", "never2@b.test" };
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 4, "Subject: x\r\n\r\n");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_assert_uint_eq(world_journal("\nb "), 2);
	ck_assert_str_eq(world_state(&w, id), "deferred");
	ck_assert_uint_eq(world_host(&w, "inet:sender")->requests, 1);
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_assert_uint_eq(world_host(&w, "inet:b")->requests, 1);
	ck_assert_uint_eq(w.sent, 2);
	world_end(&w);
}
END_TEST

/* A report that cannot be delivered goes to the postmaster; if that fails too, it ends there, after a restart
 * in between as well. */
static const struct {
	const char *postmaster, *classes, *sender;
	unsigned reports, sent;
	bool restart;
} double_bounces[] = {
	{ "postmaster", "", "never@sender.test", 2, 1, false },
	{ "never@b.test", "", "never@sender.test", 2, 0, false },
	{ "never@b.test", "bounce, 2bounce", "", 1, 0, false },
	{ "ok@b.test", "2Bounce", "", 1, 1, false },
	{ "ok@b.test", "bounce", "", 0, 0, false },
	{ "later@b.test", "", "never@sender.test", 2, 0, true },
};

START_TEST(test_double_bounce)
{
	struct world w;

	world_begin(&w, "2bounce_notice_recipient", double_bounces[_i].postmaster, "notify_classes",
	            double_bounces[_i].classes, NULL);
	world_open(&w);
	world_drop(&w, double_bounces[_i].sender, "never@a.test");
	world_run(&w, MINUTE);
	if (double_bounces[_i].restart) {
		world_crash(&w);
		world_open(&w);
	}
	ck_assert(world_until_left(&w, 0, 6 * DAY));
	ck_assert_uint_eq(world_journal("report "), double_bounces[_i].reports);
	ck_assert_uint_eq(w.sent, double_bounces[_i].sent);
	world_end(&w);
}
END_TEST

/* The lines of a batch: the report ahead of the results that it is about, nothing told before the commit. */
START_TEST(test_report_is_in_the_batch_of_its_results)
{
	const char *journal, *report, *bounced, *done, *commit;
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "never@a.test");
	world_run(&w, MINUTE);
	journal = buf_text(&fake_journal);
	report = strstr(journal, "report ");
	bounced = strstr(journal, "\nb ");
	done = strstr(journal, "done ");
	ck_assert(report && bounced && done);
	ck_assert(report < bounced && bounced < done);
	commit = strstr(report, "commit ");
	ck_assert(done < commit);
	world_end(&w);
}
END_TEST

START_TEST(test_nothing_is_told_before_its_commit)
{
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_hold = true;
	id = world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(w.sent, 1);
	ck_assert_str_eq(world_state(&w, id), "active");
	ck_assert_uint_eq(queue_healthy(w.queue, &(const char *){ NULL }), false);
	fake_spool_hold = false;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_end(&w);
}
END_TEST

START_TEST(test_mail_loop_is_bounced)
{
	struct world w;

	world_begin(&w, "queue.hopcount_limit", "50", NULL);
	world_open(&w);
	fake_spool_next.hops = 50;
	world_drop(&w, "s@sender.test", "ok@a.test");
	fake_spool_next.hops = 51;
	world_drop_many(&w, "s@sender.test", "ok", "a.test", 3);
	fake_spool_next.hops = 0;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(world_journal("5.4.6 mail is looping"), 3);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	ck_assert_uint_eq(world_host(&w, "inet:sender")->requests, 1);
	world_end(&w);
}
END_TEST

START_TEST(test_soft_bounce_defers_a_loop)
{
	struct world w;

	world_begin(&w, "soft_bounce", "yes", NULL);
	world_open(&w);
	fake_spool_next.hops = 51;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 1);
	ck_assert_uint_eq(world_journal("\nd "), 1);
	world_end(&w);
}
END_TEST

START_TEST(test_recipients_are_split)
{
	struct world w;

	world_begin(&w, "lmtp.destination_recipient_limit", "50", NULL);
	world_open(&w);
	world_drop_many(&w, "s@sender.test", "ok", "a.test", 120);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 3);
	ck_assert_uint_eq(world_host(&w, "inet:a")->rcpts_max, 50);
	ck_assert_uint_eq(w.sent, 120);
	world_end(&w);
}
END_TEST

static const char *const once_more[] = { "again", "alone" };

START_TEST(test_once_more_is_at_once)
{
	static char first[40], second[40];
	const char *rcpts[] = { "ok@a.test", first, second };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	snprintf(first, sizeof first, "%s1@a.test", once_more[_i]);
	snprintf(second, sizeof second, "%s2@a.test", once_more[_i]);
	fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 3, "x\r\n");
	world_run(&w, 30 * MINUTE);
	if (_i == 1) {
		ck_assert_uint_eq(fake_spool_count(), 0);
		ck_assert_uint_eq(w.sent, 3);
		ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 3);
	} else {
		/* Two that are never taken together make no progress: deferred in the end. */
		ck_assert_uint_eq(w.sent, 1);
		ck_assert_uint_eq(fake_spool_count(), 1);
		ck_assert_uint_ge(world_journal("\nd "), 2);
		ck_assert_uint_le(world_host(&w, "inet:a")->requests, 1000);
	}
	world_end(&w);
}
END_TEST

/* --- time --- */

START_TEST(test_retries_and_expiry)
{
	struct world w;
	unsigned requests;

	world_begin(&w, "queue.maximal_queue_lifetime", "1d", NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, 299 * 1000);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	world_run(&w, 40 * 1000);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 2);
	world_run(&w, 23 * HOUR);
	requests = world_host(&w, "inet:a")->requests;
	ck_assert_uint_ge(requests, 20);
	ck_assert_uint_le(requests, 35);
	ck_assert_uint_eq(world_journal("\ne "), 0);
	ck_assert(world_until_left(&w, 0, 3 * HOUR));
	ck_assert_uint_eq(world_journal("\ne "), 1);
	ck_assert_uint_eq(world_journal("report "), 1);
	world_end(&w);
}
END_TEST

static const struct { const char *sender; int64_t after; unsigned reports; } lifetimes[] = {
	{ "s@sender.test", 2 * DAY, 1 }, { "", 3 * HOUR, 0 },
};

START_TEST(test_lifetime_depends_on_the_sender)
{
	struct world w;

	world_begin(&w, "queue.maximal_queue_lifetime", "2d", "queue.bounce_queue_lifetime", "3h", NULL);
	world_open(&w);
	world_drop(&w, lifetimes[_i].sender, "later@a.test");
	world_run(&w, lifetimes[_i].after - 4000 * 1000);
	ck_assert_uint_eq(fake_spool_count(), 1);
	ck_assert(world_until_left(&w, 0, 3 * HOUR));
	ck_assert_uint_eq(world_journal("report "), lifetimes[_i].reports);
	world_end(&w);
}
END_TEST

/* However old it is: nothing expires without one attempt after the start. */
START_TEST(test_old_mail_gets_one_attempt)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_next.age = 100 * DAY;
	world_drop(&w, "s@sender.test", "later@a.test");
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(world_journal("\ne "), 1);
	ck_assert_uint_eq(w.sent, 2);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "delivers", test_delivers, 1, 0 },
		{ "outcomes", test_outcomes, UNIT_ROWS(outcomes), 0 },
		{ "double bounce", test_double_bounce, UNIT_ROWS(double_bounces), 0 },
		{ "mixed recipients", test_mixed_recipients, 1, 0 },
		{ "report in the batch of its results", test_report_is_in_the_batch_of_its_results, 1, 0 },
		{ "nothing told before its commit", test_nothing_is_told_before_its_commit, 1, 0 },
		{ "mail loop", test_mail_loop_is_bounced, 1, 0 },
		{ "mail loop with soft_bounce", test_soft_bounce_defers_a_loop, 1, 0 },
		{ "recipients are split", test_recipients_are_split, 1, 0 },
		{ "once more is at once", test_once_more_is_at_once, UNIT_ROWS(once_more), 0 },
		{ "retries and expiry", test_retries_and_expiry, 1, 0 },
		{ "lifetime by sender", test_lifetime_depends_on_the_sender, UNIT_ROWS(lifetimes), 0 },
		{ "old mail gets one attempt", test_old_mail_gets_one_attempt, 1, 0 },
	};

	return unit_main("queue/attempt", cases, UNIT_ROWS(cases));
}
