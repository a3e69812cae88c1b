#include <string.h>

#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

/* The report with that number about the message, or NULL; the sender's host is dead, so that it stays. */
static const char *report_of(uint64_t id, unsigned number)
{
	return fake_spool_file(queue_id_make(queue_id_microseconds(id), number));
}

static void begin(struct world *w)
{
	world_begin(w, "queue.delay_warning_time", "4h", NULL);
	world_open(w);
	world_host(w, "inet:sender")->dead = true;
}

/* Who hears of it. */
static const struct { const char *sender, *rcpt, *rcpt_params; bool told; } rows[] = {
	{ "s@sender.test", "later@a.test", NULL, true },
	{ "s@sender.test", "later@a.test", "NOTIFY=DELAY", true },
	{ "s@sender.test", "later@a.test", "NOTIFY=SUCCESS,FAILURE,DELAY", true },
	{ "s@sender.test", "later@a.test", "NOTIFY=NEVER", false },
	{ "s@sender.test", "later@a.test", "NOTIFY=FAILURE", false },
	{ "s@sender.test", "later@a.test", "NOTIFY=SUCCESS,FAILURE", false },
	{ "", "later@a.test", NULL, false },
	{ "", "later@a.test", "NOTIFY=DELAY", false },
};

START_TEST(test_who_is_told)
{
	struct world w;
	uint64_t id;

	begin(&w);
	fake_spool_next.rcpt_params = rows[_i].rcpt_params;
	id = world_drop(&w, rows[_i].sender, rows[_i].rcpt);
	world_run(&w, 4 * HOUR - MINUTE);
	ck_assert_uint_eq(world_journal("report "), 0);
	world_run(&w, 2 * MINUTE);
	ck_assert_int_eq(report_of(id, 1) != NULL, rows[_i].told);
	ck_assert_uint_eq(world_journal("warned "), rows[_i].told);
	world_run(&w, 20 * HOUR);
	ck_assert_uint_eq(world_journal("report "), rows[_i].told);
	world_end(&w);
}
END_TEST

static void ck_has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what), "\"%s\" is not in: %s", what, text);
}

START_TEST(test_content)
{
	static const char *const rcpts[] = { "ok@a.test", "later@a.test" };
	struct world w;
	const char *text;
	uint64_t id;

	begin(&w);
	fake_spool_next.mail_params = "RET=FULL ENVID=an+2Bid";
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2,
		"Subject: the subject\r\n\r\na body line\r\n");
	world_run(&w, 4 * HOUR + MINUTE);
	text = report_of(id, 1);
	ck_assert_ptr_nonnull(text);
	ck_has(text, "MAIL FROM:<>");
	ck_has(text, "RCPT TO:<s@sender.test> NOTIFY=NEVER\r\n");
	ck_has(text, "Subject: Your message is delayed");
	ck_has(text, "Final-Recipient: rfc822; later@a.test\r\nAction: delayed\r\nStatus: 4.2.0\r\n");
	ck_has(text, "Diagnostic-Code: smtp; 450 4.2.0 not now");
	ck_has(text, "Will-Retry-Until: ");
	ck_has(text, "Original-Envelope-Id: an+id");
	/* the message is not returned, so that only its header is sent whatever RET says (RFC 3461 section
	 * 4.3) */
	ck_has(text, "text/rfc822-headers");
	ck_assert_ptr_null(strstr(text, "a body line"));
	ck_assert_ptr_null(strstr(text, "ok@a.test"));
	world_end(&w);
}
END_TEST

/* Nobody asks the host again and again; the sender hears of it all the same, in time, and with the status of
 * what was said to those who asked. */
static const char *const statuses[] = { "4.4.1", "4.7.5" };

START_TEST(test_dead_destination)
{
	struct world w;
	uint64_t id;
	char status[40];

	begin(&w);
	world_host(&w, "inet:a")->dead = true;
	world_host(&w, "inet:a")->dsn = _i ? statuses[_i] : NULL;
	snprintf(status, sizeof status, "\r\nAction: delayed\r\nStatus: %s\r\n", statuses[_i]);
	world_drop(&w, "s@sender.test", "x@a.test");
	world_run(&w, 10 * MINUTE);
	id = world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 4 * HOUR - 2 * MINUTE);
	ck_assert_ptr_null(report_of(id, 1));
	world_run(&w, 4 * MINUTE);
	ck_assert_ptr_nonnull(report_of(id, 1));
	ck_has(report_of(id, 1), "Final-Recipient: rfc822; ok@a.test\r\n");
	ck_has(report_of(id, 1), status);
	ck_has(report_of(id, 1), "connect to host.test: Connection refused");
	world_host(&w, "inet:a")->dead = false;
	world_run(&w, 10 * MINUTE);
	ck_assert_str_eq(world_state(&w, id), "gone");
	world_end(&w);
}
END_TEST

/* The journal knows of it behind the report and before the next attempt is planned. */
START_TEST(test_order)
{
	struct world w;
	const char *report, *warned, *next;

	begin(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, 4 * HOUR + MINUTE);
	report = strstr(buf_text(&fake_journal), "report ");
	warned = strstr(buf_text(&fake_journal), "warned ");
	ck_assert(report && warned && report < warned);
	next = strstr(warned, "next ");
	ck_assert(next && next < strstr(warned, "commit "));
	world_end(&w);
}
END_TEST

/* Over a restart it stays the only one; where the crash came before its commit, it is made again. */
START_TEST(test_restart)
{
	const bool committed = _i;
	struct world w;

	begin(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, 4 * HOUR - MINUTE);
	fake_spool_hold = !committed;
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(world_journal("warned "), 1);
	world_crash(&w);
	fake_spool_hold = false;
	world_open(&w);
	world_run(&w, 20 * HOUR);
	ck_assert_uint_eq(world_journal("warned "), committed ? 1 : 2);
	ck_assert_uint_eq(fake_spool_count(), 2);
	world_end(&w);
}
END_TEST

/* What has expired is not delayed any more. */
START_TEST(test_expired)
{
	struct world w;
	uint64_t id;

	world_begin(&w, "queue.delay_warning_time", "4h", "queue.maximal_queue_lifetime", "4h", NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, 5 * HOUR);
	ck_has(report_of(id, 1), "Action: failed");
	ck_assert_ptr_null(report_of(id, 2));
	world_end(&w);
}
END_TEST

/* A refusal and a delay in one attempt are two reports. */
START_TEST(test_with_a_refusal)
{
	static const char *const rcpts[] = { "never@a.test", "later@a.test" };
	struct world w;
	uint64_t id;

	begin(&w);
	fake_spool_next.age = 5 * HOUR;
	id = fake_spool_drop(w.queue->spool, "s@sender.test", rcpts, 2, "Subject: x\r\n\r\nx\r\n");
	fake_spool_next.age = 0;
	world_run(&w, MINUTE);
	ck_has(report_of(id, 1), "Action: failed");
	ck_has(report_of(id, 2), "Action: delayed");
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "who is told", test_who_is_told, UNIT_ROWS(rows), 0 },
		{ "content", test_content, 1, 0 },
		{ "dead destination", test_dead_destination, UNIT_ROWS(statuses), 0 },
		{ "order", test_order, 1, 0 },
		{ "restart", test_restart, 2, 0 },
		{ "expired", test_expired, 1, 0 },
		{ "with a refusal", test_with_a_refusal, 1, 0 },
	};

	return unit_main("queue/report_delay", cases, UNIT_ROWS(cases));
}
