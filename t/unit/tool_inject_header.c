#include "unit.h"

#include <string.h>

#include "tool/inject_header.h"

/* --- which lines are fields ------------------------------------------------------------------- */

static const struct {
	const char *line;
	bool field;
} lines[] = {
	{ "A:\n", true },
	{ "Subject: x", true },
	{ "X-1_.!: y\r\n", true },
	{ "Name \t: x\n", true },
	{ "", false },
	{ "\n", false },
	{ ":", false },
	{ ": x\n", false },
	{ " A: x\n", false },
	{ "no colon\n", false },
	{ "two words: x\n", false },
	{ "A\x01: x\n", false },
	{ "N\xc3\xa4me: x\n", false },
	{ "Name", false },
	{ "From a@example.org Mon: x\n", false },
};

START_TEST(test_field)
{
	ck_assert_int_eq(inject_header_is_field(text_of(lines[_i].line)), lines[_i].field);
}
END_TEST

/* --- what is there ---------------------------------------------------------------------------- */

static const struct {
	const char *header, *found;
} scans[] = {
	{ "", "" },
	{ "From: a\nDate: b\nMessage-ID: c\n", "from date id" },
	{ "FROM : a\r\nmessage-id:c\r\n", "from id" },
	{ "Subject: x\n From: folded\n", "" },
	{ "From-X: a\nX-Date: b\nMessage-IDs: c\n", "" },
	{ "From: a\nResent-To: b\n", "resent" },
	{ "Resent-From: a\nresent-date: b\nRESENT-MESSAGE-ID: c\nDate: d\n", "resent from date id" },
	{ "Subject: Gr\xc3\xbc\xc3\x9f" "e\n", "utf8" },
	{ "Subject: Gr\xfc\xdf" "e\n", "" },
	{ "Subject: \xc3\xbc and \xfc\n", "" },
};

START_TEST(test_scan)
{
	struct inject_header h = inject_header_scan(text_of(scans[_i].header));
	char found[64] = "";

	strcat(found, h.resent ? " resent" : "");
	strcat(found, h.from ? " from" : "");
	strcat(found, h.date ? " date" : "");
	strcat(found, h.message_id ? " id" : "");
	strcat(found, h.utf8 ? " utf8" : "");
	ck_assert_str_eq(*found ? found + 1 : found, scans[_i].found);
}
END_TEST

/* --- recipients ------------------------------------------------------------------------------- */

/* A complaint begins with '!'. */
static const struct {
	const char *header, *recipients;
} recipients[] = {
	{ "", "" },
	{ "Subject: a@x\n", "" },
	{ "To: a@x\nCc: B <b@x>\nBcc: c@x\nFrom: f@x\nReply-To: r@x\n", "a@x b@x c@x " },
	{ "to:a@x,\r\n\tb@x\r\nTO: c@x\r\n", "a@x b@x c@x " },
	{ "To:\nCc: \n", "" },
	{ "To: undisclosed-recipients:;\n", "" },
	{ "To: a@x\nResent-To: b@x\nResent-Bcc: c@x\n", "b@x c@x " },
	{ "To: a@x\nResent-From: b@x\n", "" },
	{ "Subject: x\n To: a@x\n", "" },
	{ "To: a@x\nCc: b c@x\nBcc: d@x\n", "!Cc: 'b c@': words stand side by side" },
	{ "To: a@x, <b@x\n", "!To: '<b@x': there is no >" },
	{ "To: a@\n", "!To: 'a@': there is no domain" },
	{ "Bcc: a\x1b[2J@x\n", "!Bcc: 'a?': " },
	{ "Resent-Cc: @x\n", "!Resent-Cc: '@': there is no local part" },
	{ "To: (never ends\n", "!To: '" },
};

static void add(void *arg, const char *address)
{
	buf_fmt(arg, "%s ", address);
}

START_TEST(test_recipients)
{
	const char *expected = recipients[_i].recipients;
	struct buf out;
	char *why = NULL;
	bool good;

	buf_init(&out, 4096);
	good = inject_header_recipients(text_of(recipients[_i].header), add, &out, &why);
	ck_assert_msg(good == (*expected != '!'), "%s", good ? buf_text(&out) : why);
	if (good)
		ck_assert_str_eq(buf_text(&out), expected);
	else
		ck_assert_msg(strncmp(why, expected + 1, strlen(expected) - 1) == 0, "%s", why);
	free(why);
	buf_free(&out);
}
END_TEST

/* --- what is passed on ------------------------------------------------------------------------ */

static const struct {
	const char *header;
	bool no_bcc;
	const char *fields;     /* each followed by '|' */
} passed[] = {
	{ "", true, "" },
	{ "A: b\n c\nBcc: x\n y\nD: e", false, "A: b\n c\n|Bcc: x\n y\n|D: e|" },
	{ "A: b\n c\nBcc: x\n y\nD: e", true, "A: b\n c\n|D: e|" },
	{ "bcc:\r\nRESENT-BCC : x\r\nX-Bcc: y\r\n", true, "X-Bcc: y\r\n|" },
	{ "Bcc: x\n", true, "" },
};

START_TEST(test_next)
{
	struct text rest = text_of(passed[_i].header), field;
	struct buf out;

	buf_init(&out, 4096);
	while (inject_header_next(&rest, passed[_i].no_bcc, &field)) {
		buf_add(&out, field.p, field.n);
		buf_char(&out, '|');
	}
	ck_assert_str_eq(buf_text(&out), passed[_i].fields);
	buf_free(&out);
}
END_TEST

/* --- From: ------------------------------------------------------------------------------------ */

static const struct {
	const char *name, *field;
} names[] = {
	{ NULL, "From: <a@x>\r\n" },
	{ "", "From: <a@x>\r\n" },
	{ "Jane Doe", "From: \"Jane Doe\" <a@x>\r\n" },
	{ "Jane \"J\" \\ Doe", "From: \"Jane \\\"J\\\" \\\\ Doe\" <a@x>\r\n" },
	{ "a\r\nBcc: b@x", "From: \"a??Bcc: b@x\" <a@x>\r\n" },
	{ "J\xc3\xb6rg", "From: =?utf-8?q?J=C3=B6rg?= <a@x>\r\n" },
	{ "\xff", "From: \"?\" <a@x>\r\n" },
	{ "\xc3\xb6 one two three four five six seven eight",
		"From: =?utf-8?q?=C3=B6=20one=20two=20three=20four=20five=20six=20sev?=\r\n =?utf-8?q?en=20eight?= "
		"<a@x>\r\n" },
};

START_TEST(test_from)
{
	struct buf out;

	buf_init(&out, 4096);
	inject_header_from("From", names[_i].name, "a@x", &out);
	ck_assert_str_eq(buf_text(&out), names[_i].field);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "field", test_field, UNIT_ROWS(lines), 0 },
		{ "scan", test_scan, UNIT_ROWS(scans), 0 },
		{ "recipients", test_recipients, UNIT_ROWS(recipients), 0 },
		{ "next", test_next, UNIT_ROWS(passed), 0 },
		{ "from", test_from, UNIT_ROWS(names), 0 },
	};

	return unit_main("tool/inject_header", cases, UNIT_ROWS(cases));
}
