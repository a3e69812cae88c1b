#include <string.h>

#include "format/header/own_mail.h"
#include "unit.h"

static const struct own_mail plain = { .from = "MAILER-DAEMON@a.test", .to = "postmaster@a.test",
	.subject = "the subject",
	.message_id = "x@a.test", .now = 1764077400000 };

START_TEST(test_header)
{
	struct own_mail m = plain;
	struct buf out;

	m.answer = _i & 1;
	m.obsolete_from = _i & 2;
	buf_init(&out, 10000);
	own_mail_begin(&m, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
		_i & 2 ? "\nFrom: MAILER-DAEMON@a.test (Mail Delivery System)\r\n"
		: "\nFrom: Mail Delivery System <MAILER-DAEMON@a.test>\r\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), _i & 1 ? "\nAuto-Submitted: auto-replied\r\n"
		: "\nAuto-Submitted: auto-generated\r\n"));
	ck_assert_ptr_eq(strstr(buf_text(&out), "Date: Tue, 25 Nov 2025 13:30:00 +0000\r\n"), out.data);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
		"\nTo: <postmaster@a.test>\r\nSubject: the subject\r\nMessage-ID: <x@a.test>\r\n"));
	buf_free(&out);
}
END_TEST

START_TEST(test_hostile)
{
	struct own_mail m = plain;
	struct buf out;

	m.to = "x\r\nBcc: y";
	m.subject = "errors from a\r\n\r\n.\r\nQUIT";
	buf_init(&out, 10000);
	own_mail_begin(&m, &out);
	ck_assert_ptr_null(strstr(buf_text(&out), "\nBcc"));
	ck_assert_ptr_null(strstr(buf_text(&out), "\n."));
	ck_assert_ptr_null(strstr(buf_text(&out), "\nQUIT"));
	buf_free(&out);
}
END_TEST

/* behaviour TR-3 */
START_TEST(test_text)
{
	struct buf out;

	buf_init(&out, 10000);
	own_mail_text("One.\n.Two\n", "Out: MAIL FROM:<x>\nIn:  500 what\x1b\n.\n", &out);
	ck_assert_str_eq(buf_text(&out),
		"\r\nOne.\r\n\r\n..Two\r\n\r\n Out: MAIL FROM:<x>\r\n In:  500 what?\r\n .\r\n.\r\n");
	buf_free(&out);
	buf_init(&out, 10000);
	own_mail_text("", NULL, &out);
	ck_assert_str_eq(buf_text(&out), "\r\n.\r\n");
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "header", test_header, 4, 0 },
		{ "hostile", test_hostile, 1, 0 },
		{ "text", test_text, 1, 0 },
	};

	return unit_main("format/own_mail", cases, UNIT_ROWS(cases));
}
