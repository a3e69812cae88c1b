/* Results of check tables: what Postfix's client made of each was seen by running it. */
#include <string.h>

#include "format/rewriting/check_action.h"
#include "unit.h"

static const struct { const char *result; enum check_kind kind; const char *text; } good[] = {
	{ "DUNNO", CHECK_DUNNO, "" }, { "dunno with text", CHECK_DUNNO, "with text" }, { "OK", CHECK_DUNNO, "" },
	{ "IGNORE", CHECK_IGNORE, "" }, { "Ignore it", CHECK_IGNORE, "it" }, { "STRIP", CHECK_STRIP, "" },
	{ "STRIP  because  ", CHECK_STRIP, "because  " }, { "WARN", CHECK_WARN, "" },
	{ "WARN\tcareful", CHECK_WARN, "careful" },
	{ "info", CHECK_INFO, "" }, { "INFO a b", CHECK_INFO, "a b" },
	{ "REPLACE X-New: text", CHECK_REPLACE, "X-New: text" },
	{ "REPLACE X:y", CHECK_REPLACE, "X:y" }, { "REPLACE   X : y", CHECK_REPLACE, "X : y" },
	{ "PREPEND X-Before: a\tb", CHECK_PREPEND, "X-Before: a\tb" }, { "PREPEND X:", CHECK_PREPEND, "X:" },
	{ "PREPEND X: ", CHECK_PREPEND, "X: " },
	{ "REPLACE X-New: a\n b", CHECK_REPLACE, "X-New: a\n b" },
};

static const struct { const char *result, *text; } lines[] = {
	{ "REPLACE no field", "no field" }, { "PREPEND .", "." }, { "REPLACE \xe4", "\xe4" },
	{ "PREPEND : x", ": x" },
};

/* What is no action of a delivering client, or not a whole one. */
static const struct { const char *result, *complaint; } bad[] = {
	{ "", "no such action" }, { " ", "no such action" }, { "REJECT", "no such action" },
	{ "REJECT go away", "no such action" },
	{ "DISCARD", "no such action" }, { "HOLD", "no such action" }, { "FILTER a:b", "no such action" },
	{ "REDIRECT a@b", "no such action" }, { "BCC a@b", "no such action" }, { "PASS", "no such action" },
	{ "DELAY 3", "no such action" }, { "SKIP", "no such action" }, { "550 no", "no such action" },
	{ "4.7.1 x", "no such action" },
	{ "REPLACEX a: b", "no such action" }, { "WARNING", "no such action" }, { "\xff", "no such action" },
	{ "REPLACE", "nothing without a text" }, { "PREPEND  ", "nothing without a text" },
	{ "REPLACE no header here", "not \"name: value\"" }, { "REPLACE bad name: here", "not \"name: value\"" },
	{ "PREPEND text without colon", "not \"name: value\"" }, { "PREPEND : x", "not \"name: value\"" },
	{ "REPLACE \xc3\xa4: x", "not \"name: value\"" }, { "REPLACE X\x01: y", "not \"name: value\"" },
	{ "REPLACE X\x7f: y", "not \"name: value\"" }, { "REPLACE X\nY: y", "not \"name: value\"" },
};

START_TEST(test_good)
{
	struct check_action a;
	const char *why;

	ck_assert(check_action_read(good[_i].result, true, &a, &why));
	ck_assert_int_eq(a.kind, good[_i].kind);
	ck_assert(text_is(a.text, good[_i].text));
}
END_TEST

START_TEST(test_lines)
{
	struct check_action a;
	const char *why;

	ck_assert(check_action_read(lines[_i].result, false, &a, &why));
	ck_assert(text_is(a.text, lines[_i].text));
}
END_TEST

START_TEST(test_bad)
{
	struct check_action a;
	const char *why = NULL;

	ck_assert(!check_action_read(bad[_i].result, true, &a, &why));
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, bad[_i].complaint), "%s", why);
}
END_TEST

START_TEST(test_words)
{
	static const char *const words[] = { NULL, NULL, "strip", "warning", "info", "replace", "prepend" };

	for (int kind = CHECK_DUNNO; kind <= CHECK_PREPEND; kind++)
		ck_assert_pstr_eq(check_action_word(kind), words[kind]);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "lines", test_lines, UNIT_ROWS(lines), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "words", test_words, 1, 0 },
	};

	return unit_main("format/check_action", cases, UNIT_ROWS(cases));
}
