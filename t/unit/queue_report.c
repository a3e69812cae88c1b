#include <string.h>

#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "queue/report/report_bounce.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

static const struct { unsigned notify; bool wanted; } notifies[] = {
	{ 0, true },
	{ NOTIFY_NEVER, false },
	{ NOTIFY_SUCCESS, false },
	{ NOTIFY_DELAY, false },
	{ NOTIFY_SUCCESS | NOTIFY_DELAY, false },
	{ NOTIFY_FAILURE, true },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, true },
};

START_TEST(test_notify)
{
	ck_assert_int_eq(report_bounce_wanted(notifies[_i].notify), notifies[_i].wanted);
}
END_TEST

/* What must and must not stand in the report of a message to these recipients. */
static const struct {
	const char *mail_params, *rcpt_params, *there[12], *absent[4];
} contents[] = {
	{ NULL, NULL,
	  { "MAIL FROM:<>", "RCPT TO:<s@sender.test> NOTIFY=NEVER\r\n", "From: ", "MAILER-DAEMON@us.test",
	    "-1@us.test>", "multipart/report", "Final-Recipient: rfc822; never@a.test", "Status: 5.1.1",
	    "Action: failed", "550 5.1.1 nobody of that name", "Subject: the subject", "a body line" },
	  { "ok@a.test", "later@a.test", "Original-Envelope-Id" } },
	{ "RET=HDRS ENVID=an+2Bid", "ORCPT=rfc822;old@old.test",
	  { "text/rfc822-headers", "Subject: the subject", "Original-Envelope-Id: an+id",
	    "Original-Recipient: rfc822;old@old.test" },
	  { "a body line" } },
	{ "RET=FULL", NULL, { "message/rfc822", "a body line" }, { NULL } },
};

static const char *report_text(struct world *w)
{
	static const char *const rcpts[] = { "ok@a.test", "never@a.test", "later@a.test" };
	uint64_t id;

	world_host(w, "inet:sender")->dead = true;
	id = fake_spool_drop(w->queue->spool, "s@sender.test", rcpts, 3,
	                     "Subject: the subject\r\n\r\na body line\r\n");
	world_run(w, MINUTE);
	return fake_spool_file(queue_id_make(queue_id_microseconds(id), 1));
}

START_TEST(test_content)
{
	struct world w;
	const char *text;

	world_begin(&w, NULL);
	world_open(&w);
	fake_spool_next.mail_params = contents[_i].mail_params;
	fake_spool_next.rcpt_params = contents[_i].rcpt_params;
	text = report_text(&w);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < 12 && contents[_i].there[i]; i++)
		ck_assert_msg(strstr(text, contents[_i].there[i]), "\"%s\" is not in: %s",
		              contents[_i].there[i], text);
	for (size_t i = 0; i < 4 && contents[_i].absent[i]; i++)
		ck_assert_msg(!strstr(text, contents[_i].absent[i]), "\"%s\" is in: %s",
		              contents[_i].absent[i], text);
	ck_assert_str_eq(text + strlen(text) - 5, "\r\n.\r\n");
	world_end(&w);
}
END_TEST

/* parameter requiretls_redact_dsn */
static const struct { const char *value, *there[2], *absent; } redactions[] = {
	{ "yes", { "MAIL FROM:<>\r\n", "text/rfc822-headers" }, "a body line" },
	{ "no", { "MAIL FROM:<> REQUIRETLS\r\n", "text/rfc822-headers" }, "a body line" },
};

START_TEST(test_redaction)
{
	struct world w;
	const char *text;

	world_begin(&w, "requiretls_redact_dsn", redactions[_i].value, NULL);
	world_open(&w);
	fake_spool_next.mail_params = "REQUIRETLS";
	text = report_text(&w);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < 2; i++)
		ck_assert_msg(strstr(text, redactions[_i].there[i]), "%s", text);
	ck_assert_ptr_null(strstr(text, redactions[_i].absent));
	world_end(&w);
}
END_TEST

START_TEST(test_expiry_report)
{
	struct world w;
	const char *text;
	uint64_t id;

	world_begin(&w, "queue.maximal_queue_lifetime", "1s", NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, 10 * MINUTE);
	text = fake_spool_file(queue_id_make(queue_id_microseconds(id), 1));
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "Status: 4.4.7"));
	ck_assert_ptr_nonnull(strstr(text, "Action: failed"));
	ck_assert_ptr_nonnull(strstr(text, "450 4.2.0 not now"));
	world_end(&w);
}
END_TEST

/* 4000 refused recipients make one report that names them all. */
START_TEST(test_many_refused)
{
	struct world w;
	const char *text;
	unsigned named = 0;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:sender")->dead = true;
	id = world_drop_many(&w, "s@sender.test", "never", "a.test", 4000);
	world_run(&w, 10 * MINUTE);
	text = fake_spool_file(queue_id_make(queue_id_microseconds(id), 1));
	ck_assert_ptr_nonnull(text);
	for (const char *at = text; (at = strstr(at, "Final-Recipient:")); at++)
		named++;
	ck_assert_uint_eq(named, 4000);
	ck_assert_uint_eq(world_journal("report "), 1);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "notify", test_notify, UNIT_ROWS(notifies), 0 },
		{ "content", test_content, UNIT_ROWS(contents), 0 },
		{ "redaction", test_redaction, UNIT_ROWS(redactions), 0 },
		{ "expiry report", test_expiry_report, 1, 0 },
		{ "many refused", test_many_refused, 1, 0 },
	};

	return unit_main("queue/report", cases, UNIT_ROWS(cases));
}
