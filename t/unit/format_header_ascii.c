#include "unit.h"

#include <string.h>

#include "format/header/header_ascii.h"

static const struct {
	const char *in, *out;
} rows[] = {
	/* what is in ASCII stays, whatever it is */
	{ "Subject: x  y\r\n z\r\n", "Subject: x  y\r\n z\r\n" },
	{ "no field\r\n", "no field\r\n" },
	{ "To: <<<\r\n", "To: <<<\r\n" },
	/* text */
	{ "Subject: gr\xc3\xbcn\r\n", "Subject: =?utf-8?q?gr=C3=BCn?=\r\n" },
	{ "subject :gr\xc3\xbcn\r\n", "subject :=?utf-8?q?gr=C3=BCn?=\r\n" },
	{ "Subject: a \xc3\xbc  \xc3\xa4 b\r\n", "Subject: a =?utf-8?q?=C3=BC=20=20=C3=A4?= b\r\n" },
	{ "X: a\r\n\t\xc3\xbc\r\n \xc3\xa4\r\n b\r\n", "X: a\r\n\t=?utf-8?q?=C3=BC=20=C3=A4?=\r\n b\r\n" },
	/* a blank beside an encoded word is one to nobody, unless it is in it */
	{ "X: =?utf-8?q?a?= \xc3\xbc\r\n", "X: =?utf-8?q?a?= =?utf-8?q?=20=C3=BC?=\r\n" },
	{ "X: \xc3\xbc =?utf-8?q?a?=\r\n", "X: =?utf-8?q?=C3=BC=20?= =?utf-8?q?a?=\r\n" },
	/* bytes that are no UTF-8 */
	{ "X: \xfc" "ber\r\n", "X: =?unknown-8bit?q?=FCber?=\r\n" },
	{ "X: \xc3\r\n", "X: =?unknown-8bit?q?=C3?=\r\n" },
	/* words have their length, characters stay whole */
	{ "X: 0123456789012345678901234567890123456789012345678\xc3\xa4\xc3\xa4\xc3\xa4\r\n",
	  "X: =?utf-8?q?0123456789012345678901234567890123456789012345678=C3=A4?=\r\n"
	  " =?utf-8?q?=C3=A4=C3=A4?=\r\n" },
	/* addresses: names, comments, domains */
	{ "From: J\xc3\xb6rg <a@b.test>\r\n", "From: =?utf-8?q?J=C3=B6rg?= <a@b.test>\r\n" },
	{ "From: \"J\xc3\xb6rg, \\\"x\\\"\" <a@b.test>\r\n",
		"From: =?utf-8?q?J=C3=B6rg=2C=20=22x=22?= <a@b.test>\r\n" },
	{ "To: a@b, \xc3\xb6 <c@d> (\xc3\xa4), e@f\r\n",
		"To: a@b, =?utf-8?q?=C3=B6?= <c@d> (=?utf-8?q?=C3=A4?=), e@f\r\n" },
	{ "To: \"a, \xc3\xb6\" <c@d>,\r\n x@y\r\n", "To: =?utf-8?q?a=2C=20=C3=B6?= <c@d>,\r\n x@y\r\n" },
	{ "Cc: \xc3\xb6: a@b, c@d;\r\n", "Cc: =?utf-8?q?=C3=B6?=: a@b, c@d;\r\n" },
	{ "Cc: a@b (\xc3\xb6)\r\n", "Cc: <a@b> (=?utf-8?q?=C3=B6?=)\r\n" },
	{ "To: a@b\xc3\xbc" "cher.test\r\n", "To: <a@xn--bcher-kva.test>\r\n" },
	/* no form in ASCII: the name of an empty group */
	{ "To: \xc3\xb6@b.test\r\n", "To: =?utf-8?q?=C3=B6=40b=2Etest?= :;\r\n" },
	{ "To: \xc3\xa4 <\xc3\xb6@b>\r\n", "To: =?utf-8?q?=C3=A4?= =?utf-8?q?=20=C3=B6=40b?= :;\r\n" },
	{ "To: a <\xc3\xb6@b>\r\n", "To: a =?utf-8?q?=C3=B6=40b?= :;\r\n" },
	/* broken ones come out in ASCII too */
	{ "To: \xc3\xb6 <a@b\r\n", "To: =?utf-8?q?=C3=B6?= <a@b>\r\n" },
	{ "To: \"\xc3\xb6\r\n", "To: =?utf-8?q?=C3=B6?=\r\n" },
	{ "To: (\xc3\xb6@\r\n", "To: <> (=?utf-8?q?=28=C3=B6=40?=)\r\n" },
	{ "To: <\xff@\xff>\r\n", "To: =?unknown-8bit?q?=FF=40=FF?= :;\r\n" },
	{ "To: a\\\xc3\xb6 <b@c>\r\n", "To: =?utf-8?q?a=C3=B6?= <b@c>\r\n" },
	/* parameters */
	{ "Content-Disposition: attachment; filename=\"\xc3\xbc.txt\"; size=5\r\n",
	  "Content-Disposition: attachment;\r\n\tfilename*=utf-8''%C3%BC.txt;\r\n\tsize=5\r\n" },
	{ "Content-Type: a/b; name=\"\xc3\xbc" "23456789012345678901234\"\r\n",
	  "Content-Type: a/b;\r\n\tname*0*=utf-8''%C3%BC234567890123456789;\r\n\tname*1*=01234\r\n" },
	{ "Content-Type: a/b; name=\xfc\r\n", "Content-Type: a/b;\r\n\tname*=unknown-8bit''%FC\r\n" },
	{ "Content-Type: multipart/\xc3\xbc; boundary=\"b;\"\r\n", "Content-Type: multipart/??;\r\n"
	  "\tboundary=\"b;\"\r\n" },
	{ "Content-Type: multipart/x; boundary=\"\xc3\xbc\"\r\n", "Content-Type: multipart/x;\r\n"
	  "\tboundary=\"\xc3\xbc\"\r\n" },
	{ "Content-Type: multipart/x; Boundary*0=\"\xc3\xbc\"; boundary*1=y; name*0=\xc3\xbc\r\n",
		"Content-Type: multipart/x;\r\n"
	  "\tBoundary*0=\"\xc3\xbc\";\r\n\tboundary*1=y;\r\n\tname*0=?\?\r\n" },
	{ "Content-Transfer-Encoding: x-\xc3\xbc\r\n", "Content-Transfer-Encoding: x-??\r\n" },
	/* a name with a quote in it cannot be taken apart */
	{ "Content-Type: a/b; x\"y=\xc3\xbc\"; z=1\r\n", "Content-Type: a/b;\r\n\tx\"y=?\?\";\r\n\tz=1\r\n" },
	{ "Content-Type: \xc3\xbc\r\n", "Content-Type: ??\r\n" },
	{ "Content-Type: a/b; \xc3\xbc; \xc3\xbc=1;;=2\r\n", "Content-Type: a/b;\r\n\t?\?=1;\r\n\t=2\r\n" },
	/* ids have no other form */
	{ "Message-ID: <\xc3\xbc@x>\r\n", "Downgraded-Message-ID: =?utf-8?q?=3C=C3=BC=40x=3E?=\r\n" },
	{ "References: <a@b>\r\n <\xc3\xbc@x>\r\n", "Downgraded-References: <a@b>\r\n"
	  " =?utf-8?q?=3C=C3=BC=40x=3E?=\r\n" },
	/* what is no field */
	{ "From a\xc3\xbc b\r\n", "From a?? b\r\n" },
	{ " \xc3\xbc\r\n", " ??\r\n" },
};

START_TEST(test_ascii)
{
	struct buf out;

	buf_init(&out, 10000);
	header_ascii(text_of(rows[_i].in), &out);
	ck_assert_str_eq(buf_text(&out), rows[_i].out);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "ascii", test_ascii, UNIT_ROWS(rows), 0 },
	};

	return unit_main("format/header_ascii", cases, UNIT_ROWS(cases));
}
