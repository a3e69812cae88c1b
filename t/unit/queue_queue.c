/* The queue as a whole, on virtual time: attempts, dead and busy hosts, expiry, restarts, the operator. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/queue_id.h"
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
	{ "never@sender.test", "never@a.test", NULL, NULL, 1, 0, 1 },
	{ "s@sender.test", "mute@a.test", NULL, NULL, 0, 1, 3 },
	{ "s@sender.test", "stuck@a.test", NULL, NULL, 0, 1, 3 },
	{ "s@sender.test", "ok", NULL, NULL, 0, 0, 1 },
	{ "s@sender.test", "ok@elsewhere.test", NULL, NULL, 0, 1, 0 },
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

static const int64_t jumps[] = { 10 * DAY, -10 * DAY, 5000 };

START_TEST(test_wall_clock_jump)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	fake_loop_jump(w.loop, jumps[_i]);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	ck_assert_uint_eq(world_journal("mark "), 1);
	world_run(&w, 5 * MINUTE);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 2);
	ck_assert_uint_eq(fake_spool_count(), 1);
	world_end(&w);
}
END_TEST

/* A clock that was wrong when the next attempt was written down must not keep mail for years. */
START_TEST(test_jump_over_a_restart)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	world_crash(&w);
	fake_loop_jump(w.loop, jumps[_i]);
	world_open(&w);
	world_run(&w, 2 * HOUR);
	ck_assert_uint_ge(world_host(&w, "inet:a")->requests, 2);
	world_end(&w);
}
END_TEST

/* --- dead and busy hosts --- */

START_TEST(test_dead_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 500);
	for (int i = 0; i < 30; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 15 * 1000);
	/* Probes at 1, 3 and 7 s; one of them by a message that had only waited. */
	ck_assert_uint_eq(a->requests, 5);
	ck_assert_uint_eq(a->probes, 4);
	ck_assert_uint_le(world_journal("\nd "), 5);
	ck_assert_uint_eq(world_journal("next "), world_journal("\nd "));
	a->dead = false;
	world_run(&w, 17 * 1000);
	ck_assert_uint_eq(fake_spool_count(), 0);
	ck_assert_uint_eq(w.sent, 31);
	world_end(&w);
}
END_TEST

/* Long dead: what waits leaves memory, and all of it moves with the first success. */
START_TEST(test_long_dead_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->dead = true;
	for (int i = 0; i < 300; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 5 * MINUTE);
	for (int i = 0; i < 300; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_ACTIVE), 0);
	ck_assert_uint_eq(fake_spool_paused, false);
	ck_assert_uint_le(a->requests, 25);
	a->dead = false;
	ck_assert(world_until_left(&w, 0, 6 * MINUTE));
	ck_assert_uint_eq(w.sent, 600);
	ck_assert_uint_le(w.deferred, 25);
	world_end(&w);
}
END_TEST

/* Those who only waited for a host that never came back expire too. */
START_TEST(test_expiry_at_a_dead_host)
{
	struct world w;

	world_begin(&w, "queue.maximal_queue_lifetime", "1d", NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 23 * HOUR);
	ck_assert_uint_eq(fake_spool_count(), 50);
	ck_assert(world_until_left(&w, 0, 4 * HOUR));
	ck_assert_uint_eq(world_journal("report "), 50);
	ck_assert_uint_eq(world_host(&w, "inet:sender")->requests, 50);
	world_end(&w);
}
END_TEST

/* A report about one host's refusal does not wait for another host's life. */
START_TEST(test_report_does_not_wait_for_a_dead_host)
{
	static const char *const rcpts[] = { "never@a.test", "ok@b.test" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:b")->dead = true;
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, 500);
	fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "x\r\n");
	world_run(&w, 400);
	ck_assert_uint_eq(world_journal("report "), 1);
	ck_assert_uint_eq(world_journal("1 4.4.1"), 0);
	world_host(&w, "inet:b")->dead = false;
	ck_assert(world_until_left(&w, 0, 3000));
	ck_assert_uint_eq(w.sent, 3);
	world_end(&w);
}
END_TEST

START_TEST(test_dead_host_does_not_hold_up_others)
{
	struct world w;

	world_begin(&w, "queue.active_limit", "20", NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 200; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	for (int i = 0; i < 100; i++)
		world_drop(&w, "s@sender.test", "ok@b.test");
	ck_assert(world_until_left(&w, 200, 5000));
	ck_assert_uint_eq(w.sent, 100);
	world_end(&w);
}
END_TEST

START_TEST(test_socket_that_appears_again)
{
	struct world w;
	char path[80], nexthop[90], table[120];
	FILE *file;

	snprintf(path, sizeof path, "/tmp/causeway-queue-socket-%d", (int)getpid());
	snprintf(nexthop, sizeof nexthop, "unix:%s", path);
	snprintf(table, sizeof table, "inline:{a.test=lmtp:%s}", nexthop);
	unlink(path);
	world_begin(&w, "transport_maps", table, NULL);
	world_open(&w);
	world_host(&w, nexthop)->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 100 * 1000);
	world_host(&w, nexthop)->dead = false;
	file = fopen(path, "w");
	ck_assert(file);
	fclose(file);
	ck_assert(world_until_left(&w, 0, 400));
	unlink(path);
	world_end(&w);
}
END_TEST

/* Its content may have been taken: it keeps its own time, and is neither the probe nor called when the host
 * lives again. */
START_TEST(test_unanswered_dot_is_no_probe)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	world_drop(&w, "s@sender.test", "lost@a.test");
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(a->requests, 1);
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 1, 1000));
	ck_assert_uint_eq(a->requests, 2);
	world_run(&w, 4 * MINUTE);
	ck_assert_uint_eq(a->requests, 3);
	world_end(&w);
}
END_TEST

START_TEST(test_busy_host)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->busy_above = 2;
	for (int i = 0; i < 200; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 200);
	ck_assert_uint_eq(w.deferred, 0);
	world_end(&w);
}
END_TEST

/* One that turns everybody away is as good as dead after a while. */
START_TEST(test_host_that_is_always_busy)
{
	struct world w;
	struct host *a;

	world_begin(&w, NULL);
	world_open(&w);
	a = world_host(&w, "inet:a");
	a->busy_above = 1;
	a->open = 1;
	for (int i = 0; i < 20; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_le(a->requests, 60);
	ck_assert_uint_ge(world_journal("\nd "), 1);
	a->open = 0;
	a->busy_above = 0;
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

START_TEST(test_rate_delay)
{
	struct world w;

	world_begin(&w, "lmtp.destination_rate_delay", "5s", NULL);
	world_open(&w);
	for (int i = 0; i < 5; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 18 * 1000);
	ck_assert_uint_eq(w.sent, 4);
	ck_assert(world_until_left(&w, 0, 4000));
	ck_assert_uint_eq(world_host(&w, "inet:a")->open_max, 1);
	world_end(&w);
}
END_TEST

START_TEST(test_window_grows)
{
	struct world w;
	struct host *a;

	world_begin(&w, "lmtp.destination_concurrency_limit", "8", NULL);
	w.credit = 100;
	world_open(&w);
	a = world_host(&w, "inet:a");
	w.hold_answers = true;
	for (int i = 0; i < 100; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 1000);
	ck_assert_uint_eq(a->open_max, 5);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(a->open_max, 8);
	world_end(&w);
}
END_TEST

/* --- much mail --- */

/* Slow ones take all room there is: the rest waits as ids, and intake is held back. */
START_TEST(test_active_limit)
{
	char rcpt[40];
	struct world w;

	world_begin(&w, "queue.active_limit", "10", "transport_maps", "inline:{*=lmtp:}", NULL);
	w.hold_answers = true;
	w.credit = 100;
	world_open(&w);
	for (int i = 0; i < 30; i++) {
		snprintf(rcpt, sizeof rcpt, "ok@host%d.test", i);
		world_drop(&w, "s@sender.test", rcpt);
	}
	world_run(&w, 1000);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_ACTIVE), 10);
	ck_assert_uint_eq(messages_in(w.queue->messages, MESSAGE_INCOMING), 20);
	ck_assert(fake_spool_paused);
	w.hold_answers = false;
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert(!fake_spool_paused);
	ck_assert_uint_eq(w.sent, 30);
	world_end(&w);
}
END_TEST

/* However much waits for a slow host, and for several of them: others find room. */
START_TEST(test_slow_hosts_leave_room)
{
	static const char *const slow[] = { "ok@a.test", "ok@b.test", "ok@c.test" };
	struct world w;

	world_begin(&w, "queue.active_limit", "20", NULL);
	w.duration = 20 * 1000;
	w.credit = 100;
	world_open(&w);
	for (int i = 0; i < 60; i++)
		world_drop(&w, "s@sender.test", slow[i % 3]);
	world_run(&w, 5000);
	w.duration = 10;
	for (int i = 0; i < 3; i++)
		world_drop(&w, "s@sender.test", "ok@d.test");
	world_run(&w, 2000);
	ck_assert_uint_eq(w.sent, 3);
	ck_assert(world_until_left(&w, 0, 2 * MINUTE));
	ck_assert_uint_eq(w.sent, 63);
	world_end(&w);
}
END_TEST

START_TEST(test_large_message_does_not_hold_up_small_ones)
{
	struct world w;

	world_begin(&w, "lmtp.destination_recipient_limit", "1", NULL);
	world_open(&w);
	world_drop_many(&w, "s@sender.test", "ok", "a.test", 3000);
	world_run(&w, 100);
	for (int i = 0; i < 5; i++)
		world_drop(&w, "s@sender.test", "small@a.test");
	ck_assert(world_until_left(&w, 1, 500));
	ck_assert(world_until_left(&w, 0, 10 * MINUTE));
	world_end(&w);
}
END_TEST

/* --- restart and stop --- */

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

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
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
	ck_assert(fake_loop_until(w.loop, is_true, &stopped, stops[_i].within));
	ck_assert_uint_eq(fake_spool_count(), stops[_i].left);
	world_crash(&w);
	w.hold_answers = false;
	world_open(&w);
	ck_assert(world_until_left(&w, 0, MINUTE));
	world_end(&w);
}
END_TEST

START_TEST(test_lost_file)
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

/* --- the operator --- */

static void count_each(void *arg, json_t *message)
{
	ck_assert(json_object_get(message, "recipients"));
	++*(size_t *)arg;
}

static bool ended;

static void note_end(void *arg)
{
	(void)arg;
	ended = true;
}

static const struct { struct queue_filter filter; size_t count; } filters[] = {
	{ { 0 }, 6 },
	{ { .state = "deferred" }, 6 },
	{ { .state = "active" }, 0 },
	{ { .to = "a.test" }, 4 },
	{ { .to = "A.TEST" }, 4 },
	{ { .to = "lmtp:inet:b" }, 2 },
	{ { .to = "inet:" }, 6 },
	{ { .to = "c.test" }, 0 },
	{ { .from = "one@sender.test" }, 4 },
	{ { .from = "two" }, 1 },
	{ { .from = "<>" }, 1 },
	{ { .older = 30 * 1000 }, 6 },
	{ { .older = 90 * 1000 }, 0 },
	{ { .reason = "NOT NOW" }, 6 },
	{ { .reason = "refused" }, 0 },
	{ { .to = "a.test", .from = "one" }, 2 },
};

static void six_messages(struct world *w)
{
	world_begin(w, NULL);
	world_open(w);
	world_drop(w, "one@sender.test", "later@a.test");
	world_drop(w, "one@sender.test", "later@a.test");
	world_drop(w, "one@sender.test", "later@b.test");
	world_drop(w, "one@sender.test", "later@b.test");
	world_drop(w, "two@sender.test", "later@a.test");
	world_drop(w, "", "later@a.test");
	world_run(w, MINUTE);
}

START_TEST(test_list)
{
	struct world w;
	size_t count = 0;

	six_messages(&w);
	ended = false;
	queue_list(w.queue, &filters[_i].filter, count_each, note_end, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(fake_loop_until(w.loop, is_true, &ended, 1000));
	ck_assert_uint_eq(count, filters[_i].count);
	world_end(&w);
}
END_TEST

static void note_count(void *arg, size_t count)
{
	*(size_t *)arg = count;
	ended = true;
}

START_TEST(test_retry)
{
	struct world w;
	size_t count = 99;
	unsigned before;

	six_messages(&w);
	before = w.deferred;
	for (int dry = 1; dry >= 0; dry--) {
		ended = false;
		queue_retry(w.queue, 0, &filters[_i].filter, dry, note_count, &count);
		ck_assert(fake_loop_until(w.loop, is_true, &ended, 1000));
		ck_assert_uint_eq(count, filters[_i].count);
		world_run(&w, 1000);
		ck_assert_uint_eq(w.deferred - before, dry ? 0 : filters[_i].count);
	}
	world_end(&w);
}
END_TEST

static void note_message(void *arg, json_t *message)
{
	*(json_t **)arg = json_incref(message);
	ended = true;
}

START_TEST(test_show)
{
	json_t *message = NULL;
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	ended = false;
	queue_show(w.queue, id, true, note_message, &message);
	ck_assert(fake_loop_until(w.loop, is_true, &ended, 1000));
	ck_assert_str_eq(json_string_value(json_object_get(message, "sender")), "s@sender.test");
	ck_assert_str_eq(json_string_value(json_object_get(message, "content")), "Subject: test\n\nbody\n");
	ck_assert_str_eq(json_string_value(json_object_get(message, "reason")), "450 4.2.0 not now");
	json_decref(message);
	ended = false;
	queue_show(w.queue, id + 1, true, note_message, &message);
	ck_assert(fake_loop_until(w.loop, is_true, &ended, 1000));
	ck_assert_ptr_null(message);
	world_end(&w);
}
END_TEST

START_TEST(test_status_and_metrics)
{
	struct world w;
	struct buf page;
	json_t *o;

	six_messages(&w);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_drop(&w, "s@sender.test", "never@a.test");
	world_run(&w, MINUTE);
	buf_init(&page, 1 << 20);
	queue_metrics(w.queue, &page);
	ck_assert_ptr_nonnull(strstr(buf_text(&page),
	                             "causeway_deliveries_total{transport=\"lmtp\",status=\"sent\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page),
	                             "causeway_deliveries_total{transport=\"lmtp\",status=\"bounced\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page), "causeway_queue_messages{state=\"deferred\"} 6\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page), "causeway_delivery_seconds_count 2\n"));
	buf_free(&page);
	o = queue_status(w.queue);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "queue"), "deferred")), 6);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "deliveries"), "sent")), 2);
	json_decref(o);
	o = queue_destinations(w.queue);
	ck_assert_uint_eq(json_array_size(o), 3);
	json_decref(o);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "delivers", test_delivers, 1, 0 },
		{ "outcomes", test_outcomes, UNIT_ROWS(outcomes), 0 },
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
		{ "wall clock jump", test_wall_clock_jump, UNIT_ROWS(jumps), 0 },
		{ "jump over a restart", test_jump_over_a_restart, UNIT_ROWS(jumps), 0 },
		{ "dead host", test_dead_host, 1, 0 },
		{ "long dead host", test_long_dead_host, 1, 0 },
		{ "expiry at a dead host", test_expiry_at_a_dead_host, 1, 0 },
		{ "report does not wait for a dead host", test_report_does_not_wait_for_a_dead_host, 1, 0 },
		{ "dead host does not hold up others", test_dead_host_does_not_hold_up_others, 1, 0 },
		{ "socket that appears again", test_socket_that_appears_again, 1, 0 },
		{ "unanswered dot is no probe", test_unanswered_dot_is_no_probe, 1, 0 },
		{ "busy host", test_busy_host, 1, 0 },
		{ "host that is always busy", test_host_that_is_always_busy, 1, 0 },
		{ "rate delay", test_rate_delay, 1, 0 },
		{ "window grows", test_window_grows, 1, 0 },
		{ "active limit", test_active_limit, 1, 0 },
		{ "slow hosts leave room", test_slow_hosts_leave_room, 1, 0 },
		{ "large message and small ones", test_large_message_does_not_hold_up_small_ones, 1, 0 },
		{ "restart keeps what was committed", test_restart_keeps_what_was_committed, 1, 0 },
		{ "crash before the commit", test_crash_before_the_commit, 1, 0 },
		{ "stop", test_stop, UNIT_ROWS(stops), 0 },
		{ "lost file", test_lost_file, 1, 0 },
		{ "list", test_list, UNIT_ROWS(filters), 0 },
		{ "retry", test_retry, UNIT_ROWS(filters), 0 },
		{ "show", test_show, 1, 0 },
		{ "status and metrics", test_status_and_metrics, 1, 0 },
	};

	return unit_main("queue/queue", cases, UNIT_ROWS(cases));
}
