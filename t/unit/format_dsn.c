#include "unit.h"

#include <string.h>

#include "format/drop/bsmtp.h"
#include "format/header/own_mail.h"
#include "format/report/dsn.h"
#include "format/report/dsn_text.h"

static const struct dsn_rcpt failed = {
	.address = "b@example.org", .orcpt = "rfc822;B+2Bx@example.org", .action = DSN_FAILED,
	.status = "5.1.1", .remote = "mx.example.org",
	.diagnostic = "550-5.1.1 <b@example.org>\n550 5.1.1 unknown",
	.reason = "mx.example.org refused the recipient", .last_attempt = 1764077400000,
};
static const struct dsn_rcpt ours = { .address = "c@example.org", .action = DSN_FAILED, .status = "4.4.1",
	.reason = "no answer for 5 days" };
static const struct dsn_rcpt delayed = { .address = "d@example.org", .action = DSN_DELAYED,
	.status = "4.2.0", .reason = "later" };
static const struct dsn_rcpt utf8 = { .address = "gr\xc3\xbcn@example.org",
	.orcpt = "utf-8;gr\xc3\xbcn@example.org", .action = DSN_FAILED, .status = "5.1.1", .reason = "x" };
/* Asked for by an address in UTF-8, sent on in ASCII (RFC 6533 section 3). */
static const struct dsn_rcpt renamed = { .address = "gruen@example.org",
	.orcpt = "utf-8;gr\\x{FC}n@example.org",
	.action = DSN_FAILED, .status = "5.1.1", .reason = "x" };
static const struct dsn_rcpt relayed = { .address = "f@example.org", .action = DSN_RELAYED, .status = "2.0.0",
	.remote = "mx.example.org", .diagnostic = "250 2.0.0 queued" };
static const struct dsn_rcpt delivered = { .address = "g@example.org", .action = DSN_DELIVERED,
	.status = "2.0.0",
	.remote = "store.example.org", .diagnostic = "250 2.0.0 saved" };
static const struct dsn_rcpt hostile = {
	.address = "\"a\nRcpt: x\"@y", .orcpt = "rfc822;a+0D+0AX:y", .action = DSN_FAILED, .status = "5.0.0",
	.remote = "mx\r\n.\r\n",
	.diagnostic = "550 \x1b[2J\r\n.\r\nMAIL FROM:<>\r\n\xff", .reason = ".\r\nQUIT",
};
static const struct dsn_rcpt foreign = {
	.address = "e@example.org", .action = DSN_FAILED, .status = "5.7.1",
	.diagnostic = "550 nicht erw\xc3\xbcnscht", .reason = "refused",
};

static struct dsn_report report(const struct dsn_rcpt *rcpt, const char *original)
{
	return (struct dsn_report){
		.myhostname = "mail.example.com", .from = "MAILER-DAEMON@mail.example.com",
		.to = "a@example.com", .message_id = "r@mail.example.com",
		.queue_id = "084vZSLJqa", .envid = "QQ+2B1", .arrived = 1764077000000, .now = 1764077400000,
		.rcpts = rcpt, .count = 1,
		.original = text_of(original), .lifetime = 86400000,
	};
}

/* A piece that stands in the report, or "!" and one that does not. */
static const struct {
	const struct dsn_rcpt *rcpt;
	const char *original;
	bool headers_only;
	const char *pieces[12];
} rows[] = {
	{ &failed, "Subject: x\r\n\r\n..dot\r\n", false, {
		"From: Mail Delivery System <MAILER-DAEMON@mail.example.com>\r\nTo: <a@example.com>\r\n"
		"Subject: Your message could not be delivered\r\n",
		"Auto-Submitted: auto-replied\r\n", "report-type=delivery-status;",
		"Content-Transfer-Encoding: 7bit\r\n\r\n--",
		"\r\n\r\nOriginal-Envelope-Id: QQ+1\r\nReporting-MTA: dns; mail.example.com\r\n",
		"Arrival-Date: Tue, 25 Nov 2025 13:23:20 +0000\r\n",
		"\r\n\r\nOriginal-Recipient: rfc822;B+x@example.org\r\nFinal-Recipient: rfc822; b@example.org\r\n"
		"Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\n"
		"Diagnostic-Code: smtp; 550-5.1.1 <b@example.org> 550 5.1.1 unknown\r\n"
		"Last-Attempt-Date: Tue, 25 Nov 2025 13:30:00 +0000\r\n\r\n",
		"What it means: There is no mailbox with this address.", "Content-Type: message/rfc822\r\n",
		"\r\n\r\nSubject: x\r\n\r\n..dot\r\n\r\n--=_", "!8bit", "!Received" } },
	{ &failed, "Subject: x\r\n", true, { "Content-Type: text/rfc822-headers\r\n", "!message/rfc822" } },
	{ &ours, "Subject: x\r\n\r\n", false, { "Diagnostic-Code: x-causeway; no answer for 5 days\r\n",
	  "!Remote-MTA", "!Original-Recipient", "!Last-Attempt" } },
	{ &delayed, "Subject: x\r\n\r\n", false, {
		"Subject: Your message is delayed\r\n", "Action: delayed\r\n",
		"Will-Retry-Until: Wed, 26 Nov 2025 13:30:00 +0000\r\n",
		"need not send it again", "tried again until Wed, 26 Nov 2025 13:30:00 +0000",
		"!What you can do" } },
	{ &utf8, "Subject: x\r\n\r\n", false, {
		"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit",
		"Final-Recipient: utf-8; gr\xc3\xbcn@example.org\r\n",
		"Original-Recipient: utf-8;gr\xc3\xbcn@example.org\r\n", "\r\n<gr\xc3\xbcn@example.org>\r\n",
		"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit" } },
	{ &renamed, "Subject: x\r\n", true, {
		"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit",
		"Original-Recipient: utf-8;gr\xc3\xbcn@example.org\r\nFinal-Recipient: rfc822; "
		"gruen@example.org\r\n" } },
	{ &relayed, "Subject: x\r\n", true, {
		"Subject: Your message was passed on\r\n", "Action: relayed\r\nStatus: 2.0.0\r\n",
		"Diagnostic-Code: smtp; 250 2.0.0 queued\r\n", "Its words: 250 2.0.0 queued",
		"you will hear of it", "!What you can do", "!What happened" } },
	{ &delivered, "Subject: x\r\n", true, {
		"Subject: Your message was delivered\r\n", "Action: delivered\r\nStatus: 2.0.0\r\n",
		"in the mailbox system", "!What you can do" } },
	{ &failed, "Subject: gr\xc3\xbcn\r\n\r\n", false,
	  { "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit",
	  "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit" } },
	{ &failed, "Subject: gr\xc3\xbcn\r\n", true, { "Content-Type: message/global-headers\r\n" } },
	{ &failed, "Subject: \xff\r\n\r\n\xff\r\n", false,
	  { "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit", "\xff" } },
	{ &failed, "", false, { "Content-Type: message/rfc822\r\n" } },
	{ &failed, "Subject: cut", true, { "Subject: cut\r\n\r\n--=_" } },
	{ &foreign, "Subject: x\r\n\r\n", false, { "Its words: 550 nicht erw\xc3\xbcnscht",
	  "Diagnostic-Code: smtp; 550 nicht erw??nscht\r\n",
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit" } },
	{ &hostile, "Subject: x\r\n\r\n", false, { "Remote-MTA: dns; mx? .?\r\n", "!\nRcpt: x",
	  "!\r\nMAIL FROM", "!\x1b", "!\nX:y", "!\xff", "!\nQUIT" } },
};

static void check_pieces(const struct buf *out, const char *const *pieces)
{
	for (size_t i = 0; i < 12 && pieces[i]; i++) {
		bool absent = pieces[i][0] == '!';

		ck_assert_msg((strstr(out->data, pieces[i] + absent) == NULL) == absent, "%s in\n%s",
			pieces[i], out->data);
	}
}

/* The report as a queue file is in wire form and ends where it should. */
static void check_wire_form(const struct buf *content)
{
	struct bsmtp *b = bsmtp_new(1, 0);
	enum bsmtp_event event;
	struct buf file;
	struct text slice, piece;

	buf_init(&file, 1000000);
	buf_str(&file, "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
	buf_add(&file, content->data, content->len);
	slice = text_make(file.data, file.len);
	while ((event = bsmtp_next(b, &slice, &piece)) != BSMTP_MORE)
		ck_assert_int_ne(event, BSMTP_ERROR);
	ck_assert_int_eq(bsmtp_finish(b), BSMTP_MORE);
	ck_assert(bsmtp_is_wire_form(b));
	buf_free(&file);
	bsmtp_free(b);
}

/* behaviour W-4 */
START_TEST(test_print)
{
	struct dsn_report r = report(rows[_i].rcpt, rows[_i].original);
	struct buf out;

	r.headers_only = rows[_i].headers_only;
	buf_init(&out, 100000);
	ck_assert(dsn_print(&r, &out));
	check_pieces(&out, rows[_i].pieces);
	check_wire_form(&out);
	ck_assert(dsn_is_8bit(&r) || text_is_ascii(text_make(out.data, out.len)));
	buf_free(&out);
}
END_TEST

START_TEST(test_several)
{
	const struct dsn_rcpt rcpts[] = { failed, ours };
	struct dsn_report r = report(rcpts, "Subject: x\r\n\r\n");
	struct buf out;

	r.count = 2;
	buf_init(&out, 100000);
	ck_assert(dsn_print(&r, &out));
	ck_assert_ptr_nonnull(strstr(out.data, "Final-Recipient: rfc822; b@example.org"));
	ck_assert_ptr_nonnull(strstr(out.data, "Final-Recipient: rfc822; c@example.org"));
	buf_free(&out);
	buf_init(&out, 500);
	ck_assert(!dsn_print(&r, &out));
	buf_free(&out);
}
END_TEST

/* An original that holds the boundary of its own report does not end the report's part. */
START_TEST(test_boundary)
{
	struct dsn_report r = report(&failed, "S: x\r\n\r\n--=_084vZSLJqa.1764077400000.0--\r\n");
	struct buf out;

	buf_init(&out, 100000);
	ck_assert(dsn_print(&r, &out));
	ck_assert_ptr_nonnull(strstr(out.data, "boundary=\"=_084vZSLJqa.1764077400000.1\""));
	buf_free(&out);
}
END_TEST

START_TEST(test_needs)
{
	struct dsn_report r = report(&failed, "S: x\r\n\r\n");

	ck_assert(!dsn_is_8bit(&r) && !dsn_is_utf8(&r));
	r.to = "gr\xc3\xbcn@x";
	ck_assert(dsn_is_8bit(&r) && dsn_is_utf8(&r));
	r = report(&utf8, "S: x\r\n\r\n");
	ck_assert(dsn_is_8bit(&r) && !dsn_is_utf8(&r));
}
END_TEST

static const struct { const char *status, *meaning; } codes[] = {
	{ "5.1.1", "There is no mailbox with this address." },
	{ "5.1.10", "The domain has declared that it receives no mail." },
	{ "5.1.100", "The receiving system does not accept the address." },
	{ "5.2.2", "The mailbox is full." },
	{ "5.7.26", "The receiving system refuses the message as a matter of its policy." },
	{ "5.0.0", "The receiving system refuses the message for good." },
	{ "5.2.22", "The receiving system refuses the message for good." },
	{ "4.4.1", "The receiving system did not answer." },
	{ "4.4.2", "The receiving system could not be reached." },
	{ "4.0.0", "The receiving system had a temporary problem." },
	{ "2.0.0", "" }, { "", "" }, { "x", "" }, { "5", "" },
};

START_TEST(test_explain)
{
	const char *meaning, *advice;

	dsn_text_explain(codes[_i].status, &meaning, &advice);
	ck_assert_str_eq(meaning, codes[_i].meaning);
	ck_assert((*advice != '\0') == (*meaning != '\0'));
}
END_TEST

static const struct { int64_t ms; const char *date; } dates[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" }, { 1764077400999, "Tue, 25 Nov 2025 13:30:00 +0000" },
	{ 951782400000, "Tue, 29 Feb 2000 00:00:00 +0000" },
};

START_TEST(test_date)
{
	struct buf b;

	buf_init(&b, 100);
	own_mail_date(dates[_i].ms, &b);
	ck_assert_str_eq(buf_text(&b), dates[_i].date);
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "prints reports", test_print, UNIT_ROWS(rows), 0 },
		{ "names all recipients", test_several, 1, 0 },
		{ "chooses a boundary", test_boundary, 1, 0 },
		{ "knows what it needs", test_needs, 1, 0 },
		{ "explains codes", test_explain, UNIT_ROWS(codes), 0 },
		{ "prints dates", test_date, UNIT_ROWS(dates), 0 },
	};

	return unit_main("format/dsn", cases, UNIT_ROWS(cases));
}
