/* Checks over fields and lines: what goes out and what the log is told; as Postfix's client does it, which
 * was run with the same rules. */
#include <string.h>

#include "base/mem.h"
#include "courier/content/checks.h"
#include "unit.h"
#include "manner_set.h"

#define RULES "regexp:{{/^X-Ignore:/ IGNORE}, {/^X-Strip:/ STRIP because}, {/^X-Warn:/ WARN careful}, " \
	"{/^X-Info:/ INFO}," \
	" {/^X-Replace: (.*)/ REPLACE X-New: <$1>}, {/^X-Cut: (..)/ REPLACE X-New: $1}, " \
	"{/^X-Lines: ([^ ]*)/ REPLACE X-New: $1}," \
	" {/^X-Prepend:/ PREPEND X-Before: text}," \
	" {/^X-None:/ REPLACE}, {/^X-Bad:/ REPLACE nothing}, {/^X-Reject:/ REJECT go away}, {/^X-Case:/ warn}," \
	" {/a. b$/ WARN fold}, {/^$/ WARN empty}, {/^\\.dot$/ REPLACE .other}, {/^half/ REPLACE part}, " \
	"{/^gone/ IGNORE}," \
	" {/before$/ PREPEND .}, {/^(.*)xx/ REPLACE $1}, {/^8 (.)/ INFO $1}}"

/* A field or line, what goes out, and what the log is told. */
static const struct { enum checks_which which; const char *piece, *out, *note; } rows[] = {
	{ CHECKS_HEADER, "Subject: x\r\n", "Subject: x\r\n", "" },
	{ CHECKS_HEADER, "X-Ignore: x\r\n more\r\n", "", "" },
	{ CHECKS_HEADER, "X-Strip: x\r\n more\r\n", "", "strip: header X-Strip: x\n more: because\n" },
	{ CHECKS_HEADER, "X-Warn: x\r\n", "X-Warn: x\r\n", "warning: header X-Warn: x: careful\n" },
	{ CHECKS_HEADER, "x-info: x\r\n", "x-info: x\r\n", "info: header x-info: x\n" },
	{ CHECKS_HEADER, "X-Replace: a\r\n\tb\r\n", "X-New: <a\r\n\tb>\r\n",
		"replace: header X-Replace: a\n\tb: X-New: <a\n\tb>\n" },
	{ CHECKS_HEADER, "X-Cut: a\r\n b\r\n", "X-New: a\r\n\t\r\n",
		"replace: header X-Cut: a\n b: X-New: a\n\n" },
	{ CHECKS_HEADER, "X-Lines: a\r\n\tb\r\n", "X-New: a\r\n\tb\r\n",
		"replace: header X-Lines: a\n\tb: X-New: a\n\tb\n" },
	{ CHECKS_HEADER, "X-Prepend: x\r\n y\r\n", "X-Before: text\r\nX-Prepend: x\r\n y\r\n",
	  "prepend: header X-Prepend: x\n y: X-Before: text\n" },
	{ CHECKS_HEADER, "X-None: x\r\n", "X-None: x\r\n",
	  "warning: lmtp_header_checks: REPLACE: the action is nothing without a text\n" },
	{ CHECKS_HEADER, "X-Bad: x\r\n", "X-Bad: x\r\n",
	  "warning: lmtp_header_checks: REPLACE nothing: the text is not \"name: value\"\n" },
	{ CHECKS_HEADER, "X-Reject: x\r\n", "X-Reject: x\r\n",
	  "warning: lmtp_header_checks: REJECT go away: there is no such action where mail is delivered\n" },
	{ CHECKS_HEADER, "X-Fold: a\r\n b\r\n", "X-Fold: a\r\n b\r\n", "warning: header X-Fold: a\n b: fold\n" },
	{ CHECKS_HEADER, "X-Case: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
	  "X-Case: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
	  "warning: header X-Case: 0123456789012345678901234567890123456789012345678901\n" },
	{ CHECKS_BODY, "\r\n", "\r\n", "" },
	{ CHECKS_BODY, "text\r\n", "text\r\n", "" },
	{ CHECKS_BODY, ".dot\r\n", ".other\r\n", "replace: body .dot: .other\n" },
	{ CHECKS_BODY, "half", "part", "replace: body half: part\n" },
	{ CHECKS_BODY, "half\r\n", "part\r\n", "replace: body half: part\n" },
	{ CHECKS_BODY, "gone", "", "" },
	{ CHECKS_BODY, "gone\r\n", "", "" },
	{ CHECKS_BODY, "x before\r\n", ".\r\nx before\r\n", "prepend: body x before: .\n" },
	{ CHECKS_BODY, "8 \xe4\r\n", "8 \xe4\r\n", "info: body 8 \xe4: \xe4\n" },
	{ CHECKS_BODY, "X-Bad: x\r\n", "nothing\r\n", "replace: body X-Bad: x: nothing\n" },
	{ CHECKS_BODY, "X-None: x\r\n", "X-None: x\r\n",
	  "warning: lmtp_body_checks: REPLACE: the action is nothing without a text\n" },
	{ CHECKS_BODY, "xx\r\n", "xx\r\n",
		"warning: lmtp_body_checks: REPLACE : the action is nothing without a text\n" },
	/* there is no table for these */
	{ CHECKS_MIME, "X-Ignore: x\r\n", "X-Ignore: x\r\n", "" },
	{ CHECKS_NESTED, "X-Warn: x\r\n", "X-Warn: x\r\n", "" },
};

static void take_note(void *arg, char *text)
{
	struct buf *notes = arg;

	buf_fmt(notes, "%s\n", text);
	free(text);
}

static struct manner *manner_with(const char *header, const char *body)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	const char *why;

	ck_assert(manner_set(m, "header_checks", header, &why) && manner_set(m, "body_checks", body, &why));
	return m;
}

START_TEST(test_apply)
{
	struct manner *m = manner_with(RULES, RULES);
	const char *option;
	char *why;
	struct checks *c = checks_new(m, &option, &why);
	struct buf out, notes;
	struct text left;

	ck_assert_msg(c, "%s", why);
	buf_init(&out, 10000);
	buf_init(&notes, 10000);
	ck_assert(checks_apply(c, rows[_i].which, text_of(rows[_i].piece),
		&(struct checks_log){ take_note, &notes }, &out, &left));
	buf_add(&out, left.p, left.n);
	ck_assert_str_eq(buf_text(&out), rows[_i].out);
	ck_assert_str_eq(buf_text(&notes), rows[_i].note);
	buf_free(&out);
	buf_free(&notes);
	checks_free(c);
	manner_free(m);
}
END_TEST

/* A piece with a NUL is seen up to there, and goes out whole. */
START_TEST(test_nul)
{
	static const char piece[] = "gone\0 on\r\n";
	struct manner *m = manner_with("", "regexp:{{/^gone$/ WARN}}");
	const char *option;
	char *why;
	struct checks *c = checks_new(m, &option, &why);
	struct buf out, notes;
	struct text left;

	buf_init(&out, 100);
	buf_init(&notes, 100);
	ck_assert(checks_apply(c, CHECKS_BODY, text_make(piece, sizeof piece - 1),
		&(struct checks_log){ take_note, &notes }, &out, &left));
	ck_assert(left.n == sizeof piece - 1 && memcmp(left.p, piece, left.n) == 0);
	ck_assert_str_eq(buf_text(&notes), "warning: body gone\n");
	buf_free(&notes);
	checks_free(c);
	manner_free(m);
}
END_TEST

/* A table that cannot answer: a pattern that would take for ever. */
START_TEST(test_B_25_lookup_error)
{
	struct manner *m = manner_with("pcre:{{/^(a+)+$$/ WARN}}", "");
	const char *option;
	char *why;
	struct checks *c = checks_new(m, &option, &why);
	char field[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\r\n";
	struct buf out, notes;
	struct text left;

	ck_assert_msg(c, "%s", why);
	buf_init(&out, 1000);
	buf_init(&notes, 1000);
	ck_assert(!checks_apply(c, CHECKS_HEADER, text_of(field), &(struct checks_log){ take_note, &notes }, &out,
		&left));
	ck_assert_ptr_nonnull(strstr(buf_text(&notes), "warning: lmtp_header_checks: lookup error: "));
	ck_assert_uint_eq(out.len, 0);
	buf_free(&notes);
	checks_free(c);
	manner_free(m);
}
END_TEST

/* Which table is to blame when one cannot be opened, and when there is none at all. */
static const struct { const char *option, *list, *complaint; } openings[] = {
	{ "header_checks", "regexp:/nonexistent", "cannot open" },
	{ "mime_header_checks", "hash:/x", "no lookup table type" },
	{ "nested_header_checks", "regexp:{{/(/ WARN}}", "rule 1" },
	{ "body_checks", "/etc/words", "is no lookup table" },
	{ "body_checks", "", NULL },
};

START_TEST(test_openings)
{
	struct manner *m = manner_new(PROTOCOL_SMTP);
	const char *option = NULL, *refusal;
	char *why = NULL;

	ck_assert(manner_set(m, openings[_i].option, openings[_i].list, &refusal));
	ck_assert_ptr_null(checks_new(m, &option, &why));
	if (openings[_i].complaint) {
		ck_assert_str_eq(option, openings[_i].option);
		ck_assert_msg(strstr(why, openings[_i].complaint), "%s", why);
	} else {
		ck_assert_ptr_null(why);
	}
	free(why);
	manner_free(m);
}
END_TEST

static const struct { const char *name; bool part, nested; enum checks_which which; } fields[] = {
	{ "Subject", false, false, CHECKS_HEADER }, { "MIME-Version", false, false, CHECKS_MIME },
	{ "content-type", false, true, CHECKS_MIME }, { "Content-ID", true, false, CHECKS_MIME },
	{ "Content-Transfer-Encoding", false, false, CHECKS_MIME },
	{ "Content-Disposition", false, true, CHECKS_MIME },
	{ "Content-Description", false, false, CHECKS_MIME }, { "Content-Language", false, false, CHECKS_HEADER },
	{ "Content-Language", false, true, CHECKS_NESTED }, { "Subject", true, false, CHECKS_MIME },
	{ "Subject", false, true, CHECKS_NESTED }, { "", false, false, CHECKS_HEADER },
	{ "Content-Typ", false, true, CHECKS_NESTED },
};

START_TEST(test_fields)
{
	ck_assert_int_eq(checks_of_field(text_of(fields[_i].name), fields[_i].part, fields[_i].nested),
		fields[_i].which);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "apply", test_apply, UNIT_ROWS(rows), 0 },
		{ "NUL", test_nul, 1, 0 },
		{ "lookup error", test_B_25_lookup_error, 1, 0 },
		{ "openings", test_openings, UNIT_ROWS(openings), 0 },
		{ "fields", test_fields, UNIT_ROWS(fields), 0 },
	};

	return unit_main("courier/checks", cases, UNIT_ROWS(cases));
}
