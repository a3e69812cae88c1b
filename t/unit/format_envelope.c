#include "unit.h"

#include <string.h>

#include "format/smtp/envelope.h"

static const struct { const char *mail, *rcpt, *printed; } good[] = {
	{ " FROM:<>", " TO:<b@c>", "MAIL FROM:<>\r\nRCPT TO:<b@c>\r\nDATA\r\n" },
	{ " from: <A@b>", " To:<postmaster>", "MAIL FROM:<A@b>\r\nRCPT TO:<postmaster>\r\nDATA\r\n" },
	{ " FROM:<a@b> size=100 body=8bitmime smtputf8 ret=hdrs envid=QQ+2B auth=<> requiretls",
	  " TO:<b@c> notify=success,delay,FAILURE orcpt=rfc822;b@c",
	  "MAIL FROM:<a@b> SIZE=100 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=QQ+2B AUTH=<>\r\n"
	  "RCPT TO:<b@c> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;b@c\r\nDATA\r\n" },
	{ " FROM:<@x,@y:a@b> BODY=7BIT RET=FULL AUTH=e+3Dmc2@example.com ", " TO:<@x:b@c>  NOTIFY=NEVER",
	  "MAIL FROM:<a@b> BODY=7BIT RET=FULL AUTH=e+3Dmc2@example.com\r\nRCPT TO:<b@c> "
	  "NOTIFY=NEVER\r\nDATA\r\n" },
	{ " FROM:<gr\xc3\xbcn@x> BODY=BINARYMIME SMTPUTF8",
	  " TO:<\"a b\"@[1.2.3.4]> ORCPT=utf-8;gr\xc3\xbcn@x",
	  "MAIL FROM:<gr\xc3\xbcn@x> BODY=BINARYMIME SMTPUTF8\r\nRCPT TO:<\"a b\"@[1.2.3.4]> "
	  "ORCPT=utf-8;gr\xc3\xbcn@x\r\nDATA\r\n" },
	{ " FROM:<a@b> SIZE=18446744073709551615", " TO:<b@c> NOTIFY=SUCCESS,SUCCESS",
	  "MAIL FROM:<a@b> SIZE=18446744073709551615\r\nRCPT TO:<b@c> NOTIFY=SUCCESS\r\nDATA\r\n" },
};

/* Reads the lines that envelope_print made. */
static struct envelope *read_back(const char *head)
{
	struct envelope *e = envelope_new();
	struct text rest = text_of(head), line;
	const char *why;

	while (text_until(&rest, '\r', &line)) {
		rest = text_make(rest.p + 1, rest.n - 1);
		if (line.n < 5)
			break;
		line = text_make(line.p + 4, line.n - 4);
		ck_assert(text_starts_nocase(line, " FROM") ? envelope_mail(e, line, &why) : envelope_rcpt(e,
			line, 100, &why));
	}
	ck_assert_uint_eq(rest.n, 0);
	return e;
}

START_TEST(test_good)
{
	struct envelope *e = envelope_new(), *again;
	const char *why = NULL;
	struct buf b;

	buf_init(&b, 10000);
	ck_assert_msg(envelope_mail(e, text_of(good[_i].mail), &why), "%s", why);
	ck_assert_msg(envelope_rcpt(e, text_of(good[_i].rcpt), 1, &why), "%s", why);
	ck_assert(envelope_print(e, &b));
	ck_assert_str_eq(buf_text(&b), good[_i].printed);
	again = read_back(good[_i].printed);
	buf_clear(&b);
	ck_assert(envelope_print(again, &b));
	ck_assert_str_eq(buf_text(&b), good[_i].printed);
	envelope_free(again);
	envelope_free(e);
	buf_free(&b);
}
END_TEST

static const struct { const char *args, *why; } bad_mail[] = {
	{ "", "there is no such word with a colon and an address" },
	{ " FROM", "there is no such word with a colon and an address" },
	{ " TO:<a@b>", "there is no such word with a colon and an address" },
	{ " FROM <a@b>", "there is no such word with a colon and an address" },
	{ " FROM :<a@b>", "there is no such word with a colon and an address" },
	{ " FROM:", "address is not between < and >" },
	{ " FROM:a@b", "address is not between < and >" }, { " FROM:<a@b", "address ends too early" },
	{ " FROM:<a@b>SIZE=1", "there is something right behind the address" },
	{ " FROM:<a@b>>", "there is something right behind the address" },
	{ " FROM:<a@b> FOO", "FOO is not a parameter known here" },
	{ " FROM:<a@b> FOO=1", "FOO is not a parameter known here" },
	{ " FROM:<a@b> =1", "=1 is not a parameter known here" },
	{ " FROM:<a@b> NOTIFY=NEVER", "NOTIFY is not a parameter known here" },
	{ " FROM:<a@b> SIZE=1 BODY=7BIT Size=1", "Size is given twice" },
	{ " FROM:<a@b> SMTPUTF8 SMTPUTF8", "SMTPUTF8 is given twice" },
	{ " FROM:<a@b> SIZE", "SIZE needs a value" },
	{ " FROM:<a@b> SMTPUTF8=1", "SMTPUTF8 takes no value" },
	{ " FROM:<a@b> REQUIRETLS=", "REQUIRETLS takes no value" },
	{ " FROM:<a@b> SIZE=", "SIZE is not a number of bytes" },
	{ " FROM:<a@b> SIZE=-1", "SIZE is not a number of bytes" },
	{ " FROM:<a@b> SIZE=1k", "SIZE is not a number of bytes" },
	{ " FROM:<a@b> SIZE=18446744073709551616", "SIZE is not a number of bytes" },
	{ " FROM:<a@b> BODY=8BIT", "BODY is not 7BIT, 8BITMIME or BINARYMIME" },
	{ " FROM:<a@b> BODY=", "BODY is not 7BIT, 8BITMIME or BINARYMIME" },
	{ " FROM:<a@b> RET=ALL", "RET is not FULL or HDRS" },
	{ " FROM:<a@b> ENVID=", "ENVID is not printable xtext" },
	{ " FROM:<a@b> ENVID=a+0A", "ENVID is not printable xtext" },
	{ " FROM:<a@b> ENVID=a=b", "ENVID is not printable xtext" },
	{ " FROM:<a@b> ENVID=a+2", "ENVID is not printable xtext" },
	{ " FROM:<a@b> AUTH=", "AUTH is not printable xtext or <>" },
	{ " FROM:<a@b> AUTH=+00", "AUTH is not printable xtext or <>" },
	{ " FROM:<a@b>\tSIZE=1", "there is a control character in the line" },
	{ " FROM:<a@b> SIZE=1\r", "there is a control character in the line" },
	{ " FROM:<a\x01@b>", "there is a control character in the line" },
	{ " FROM:<a@b> \x7f", "there is a control character in the line" },
	{ " FROM:<a@b> \xff\xfe=1", "?? is not a parameter known here" },
	{ " FROM:<a@b> ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJ",
	  "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJ... is not a parameter known here" },
};

START_TEST(test_bad_mail)
{
	struct envelope *e = envelope_new();
	const char *why = "accepted";

	ck_assert(!envelope_mail(e, text_of(bad_mail[_i].args), &why));
	ck_assert_str_eq(why, bad_mail[_i].why);
	envelope_free(e);
}
END_TEST

static const struct { const char *args, *why; } bad_rcpt[] = {
	{ " TO:<>", "the recipient is empty" },
	{ " FROM:<a@b>", "there is no such word with a colon and an address" },
	{ " TO:<a@b> SIZE=1", "SIZE is not a parameter known here" },
	{ " TO:<a@b> RET=FULL", "RET is not a parameter known here" },
	{ " TO:<a@b> NOTIFY", "NOTIFY needs a value" },
	{ " TO:<a@b> NOTIFY=", "NOTIFY is not NEVER or a list of SUCCESS, FAILURE, DELAY" },
	{ " TO:<a@b> NOTIFY=SOMETIMES", "NOTIFY is not NEVER or a list of SUCCESS, FAILURE, DELAY" },
	{ " TO:<a@b> NOTIFY=SUCCESS,", "NOTIFY is not NEVER or a list of SUCCESS, FAILURE, DELAY" },
	{ " TO:<a@b> NOTIFY=,SUCCESS", "NOTIFY is not NEVER or a list of SUCCESS, FAILURE, DELAY" },
	{ " TO:<a@b> NOTIFY=NEVER,DELAY", "NOTIFY has NEVER beside others" },
	{ " TO:<a@b> NOTIFY=FAILURE,NEVER", "NOTIFY has NEVER beside others" },
	{ " TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", "NOTIFY is given twice" },
	{ " TO:<a@b> ORCPT=a@b", "ORCPT is not type;address" },
	{ " TO:<a@b> ORCPT=;a@b", "ORCPT is not type;address" },
	{ " TO:<a@b> ORCPT=rfc822;", "ORCPT is not type;address" },
	{ " TO:<a@b> ORCPT=rfc822;a+", "ORCPT is not printable xtext" },
	{ " TO:<a@b> ORCPT=rfc822;gr\xc3\xbcn@b", "ORCPT is not printable xtext" },
	{ " TO:<a@b> ORCPT=rfc822;a ORCPT=rfc822;a", "ORCPT is given twice" },
};

START_TEST(test_bad_rcpt)
{
	struct envelope *e = envelope_new();
	const char *why = "accepted";

	ck_assert(!envelope_rcpt(e, text_of(bad_rcpt[_i].args), 1, &why));
	ck_assert_str_eq(why, bad_rcpt[_i].why);
	envelope_free(e);
}
END_TEST

START_TEST(test_many)
{
	struct envelope *e = envelope_new();
	const char *why = NULL;
	char address[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof address, "user%d@x", i);
		ck_assert_str_eq(envelope_add(e, address, NULL, NOTIFY_DELAY)->address, address);
	}
	ck_assert_uint_eq(e->count, 1000);
	ck_assert_str_eq(e->rcpts[999].address, "user999@x");
	ck_assert(envelope_rcpt(e, text_of(" TO:<a@b>"), 1001, &why));
	ck_assert(!envelope_rcpt(e, text_of(" TO:<a@b>"), 1001, &why));
	ck_assert_str_eq(why, "there are too many recipients");
	ck_assert_uint_eq(e->count, 1001);
	envelope_free(e);
}
END_TEST

static const struct { unsigned notify; const char *text; } notifies[] = {
	{ 0, "" }, { NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
	{ NOTIFY_FAILURE | NOTIFY_DELAY, "FAILURE,DELAY" },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "SUCCESS,FAILURE,DELAY" },
	{ NOTIFY_SUCCESS | NOTIFY_DELAY, "SUCCESS,DELAY" },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE, "SUCCESS,FAILURE" },
};

START_TEST(test_notify)
{
	ck_assert_str_eq(envelope_notify_text(notifies[_i].notify), notifies[_i].text);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads and prints", test_good, UNIT_ROWS(good), 0 },
		{ "refuses MAIL", test_bad_mail, UNIT_ROWS(bad_mail), 0 },
		{ "refuses RCPT", test_bad_rcpt, UNIT_ROWS(bad_rcpt), 0 },
		{ "holds many recipients", test_many, 1, 0 },
		{ "prints NOTIFY", test_notify, UNIT_ROWS(notifies), 0 },
	};

	return unit_main("format/envelope", cases, UNIT_ROWS(cases));
}
