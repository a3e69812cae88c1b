#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/queue_id.h"
#include "queue/report.h"
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
	ck_assert_int_eq(report_wanted(notifies[_i].notify), notifies[_i].wanted);
}
END_TEST

/* Contents without the dot line, how much of the body's length is added, and what must come back: with and
 * without the body. */
static const struct { const char *head; size_t body; size_t full, headers; } originals[] = {
	{ "Subject: x\r\n\r\n", 0, 14, 12 },
	{ "Subject: x\r\n\r\n", 100, 114, 12 },
	{ "\r\n", 10, 12, 0 },
	{ "", 0, 0, 0 },
	{ "Subject: x\r\n", 0, 12, 12 },
	{ "Subject: x\r\n\r\n", 50 * 1024, 14 + 50 * 1024, 12 },
	{ "Subject: x\r\n\r\n", 50 * 1024 + 64, 14 + 50 * 1024, 12 },
	{ "Subject: x\r\n\r\n", 10 * 1024 * 1024, 14 + 50 * 1024, 12 },
};

/* Lines of 64 bytes. */
static void add_body(struct buf *b, size_t n)
{
	static const char line[] = "..23456789012345678901234567890123456789012345678901234567890\r\n";

	for (; n >= sizeof line - 1; n -= sizeof line - 1)
		buf_add(b, line, sizeof line - 1);
	if (n >= 2) {
		for (size_t i = 0; i < n - 2; i++)
			buf_char(b, 'x');
		buf_str(b, "\r\n");
	}
}

START_TEST(test_original)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	struct buf b, out;
	size_t got;

	buf_init(&b, 1 << 25);
	buf_init(&out, 1 << 25);
	buf_str(&b, "MAIL FROM:<>\r\nDATA\r\n");
	got = b.len;
	buf_str(&b, originals[_i].head);
	add_body(&b, originals[_i].body);
	buf_str(&b, ".\r\n");
	ck_assert(write(fd, b.data, b.len) == (ssize_t)b.len);
	ck_assert(report_original(fd, got, b.len - got, false, &out));
	ck_assert_uint_le(out.len, originals[_i].full);
	ck_assert_uint_ge(out.len + 64, originals[_i].full);
	if (originals[_i].body < 50 * 1024)
		ck_assert_uint_eq(out.len, originals[_i].full);
	ck_assert(out.len == 0 || out.data[out.len - 1] == '\n');
	ck_assert(out.len == 0 || memcmp(out.data, b.data + got, out.len) == 0);
	buf_clear(&out);
	ck_assert(report_original(fd, got, b.len - got, true, &out));
	ck_assert_uint_eq(out.len, originals[_i].headers);
	buf_free(&b);
	buf_free(&out);
	close(fd);
}
END_TEST

START_TEST(test_original_with_an_endless_header)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	struct buf b, out;

	buf_init(&b, 1 << 25);
	buf_init(&out, 1 << 25);
	for (int i = 0; i < 10000; i++)
		buf_fmt(&b, "X-Field-%d: value\r\n", i);
	buf_str(&b, "\r\nbody\r\n.\r\n");
	ck_assert(write(fd, b.data, b.len) == (ssize_t)b.len);
	ck_assert(report_original(fd, 0, b.len, true, &out));
	ck_assert_uint_le(out.len, 64 * 1024);
	ck_assert_uint_ge(out.len, 64 * 1024 - 100);
	buf_clear(&out);
	ck_assert(report_original(fd, 0, b.len, false, &out));
	ck_assert_uint_le(out.len, 114 * 1024);
	ck_assert_int_eq(out.data[out.len - 1], '\n');
	buf_free(&b);
	buf_free(&out);
	close(fd);
}
END_TEST

START_TEST(test_original_that_cannot_be_read)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_assert(!report_original(-1, 0, 100, false, &out));
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* What must and must not stand in the report of a message to these recipients. */
static const struct {
	const char *mail_params, *rcpt_params, *there[12], *absent[4];
} contents[] = {
	{ NULL, NULL,
	  { "MAIL FROM:<>", "RCPT TO:<s@sender.test> NOTIFY=NEVER\r\n", "From: ", "MAILER-DAEMON@us.test",
	    "-1@us.test>", "multipart/report", "Final-Recipient: rfc822; never@a.test", "Status: 5.1.1", "Action: failed", "550 5.1.1 nobody of that name",
	    "Subject: the subject", "a body line" },
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
		{ "original", test_original, UNIT_ROWS(originals), 0 },
		{ "original with an endless header", test_original_with_an_endless_header, 1, 0 },
		{ "original that cannot be read", test_original_that_cannot_be_read, 1, 0 },
		{ "content", test_content, UNIT_ROWS(contents), 0 },
		{ "expiry report", test_expiry_report, 1, 0 },
		{ "many refused", test_many_refused, 1, 0 },
	};

	return unit_main("queue/report", cases, UNIT_ROWS(cases));
}
