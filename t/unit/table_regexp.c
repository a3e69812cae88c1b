/* regexp: and what it shares with pcre: rules, flags, results. */
#include <string.h>

#include "base/mem.h"
#include "table/table.h"
#include "table_files.h"
#include "unit.h"

static const struct table_hit hits[] = {
	/* patterns and flags */
	{ "/a/ x\n", "bab", "x" },
	{ "/a/ x\n", "B", NULL },
	{ "/a/ x\n", "A", "x" },
	{ "/a/i x\n", "A", NULL },
	{ "/a/i x\n", "a", "x" },
	{ "/a/ii x\n", "A", "x" },
	{ "/^a+$/ x\n", "aaa", "x" },
	{ "/^a+$/x x\n", "aaa", NULL },
	{ "/^a+$/x x\n", "a+", "x" },
	{ "/^b/ x\n", "a\nb", NULL },
	{ "/^b/m x\n", "a\nb", "x" },
	{ "/a/xim x\n", "A", NULL },
	{ "/a b/ x\n", "a b", "x" },
	{ "/a\\/b/ x\n", "a/b", "x" },
	{ "~a/b~ x\n", "a/b", "x" },
	{ "'^a' x\n", "ab", "x" },
	{ "|a\\|b| x\n", "a|b", "x" },
	{ "//\tx\n", "", "x" },
	{ "/^$/ x\n", "", "x" },
	{ "/[[:digit:]]{2}/ x\n", "a12", "x" },
	/* order, negation, if */
	{ "/a/ 1\n/ab/ 2\n", "ab", "1" },
	{ "/ab/ 2\n/a/ 1\n", "a", "1" },
	{ "!/a/ x\n", "b", "x" },
	{ "!/a/ x\n", "a", NULL },
	{ "! /a/ x\n", "b", "x" },
	{ "!!/a/ x\n", "a", "x" },
	{ "if /a/\n/b/ 1\nendif\n/b/ 2\n", "ab", "1" },
	{ "if /a/\n/b/ 1\nendif\n/b/ 2\n", "b", "2" },
	{ "if /a/\n/c/ 1\nendif\n/b/ 2\n", "ab", "2" },
	{ "if !/a/\n/b/ 1\nendif\n/b/ 2\n", "ab", "2" },
	{ "if !/a/\n/b/ 1\nendif\n/b/ 2\n", "b", "1" },
	{ "IF /a/\n/b/ 1\nEndIf\n/b/ 2\n", "ab", "1" },
	{ "if/a/\n/b/ 1\nendif\n", "ab", "1" },
	{ "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n/c/ 3\n", "abc", "1" },
	{ "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n/c/ 3\n", "ac", "2" },
	{ "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n/c/ 3\n", "bc", "3" },
	{ "if /a/\nendif\nif /b/\n/c/ 1\nendif\n", "bc", "1" },
	/* results */
	{ "/(.)(.)/ $2$1\n", "ab", "ba" },
	{ "/(.)(.)/ ${2}x$(1)\n", "ab", "bxa" },
	{ "/^(.*)-outgoing@(.*)$/ 550 Use ${1}@${2} instead\n", "list-outgoing@a.test",
		"550 Use list@a.test instead" },
	{ "/a/ $$1\n", "a", "$1" },
	{ "/(a)/ $$$1$$\n", "a", "$a$" },
	{ "/(a)/ $1 $$1 $1\n", "xA", "A $1 A" },
	{ "/(a)?(b)/ <$1|$2>\n", "b", "<|b>" },
	{ "/((((((((((a))))))))))/ $10\n", "a", "a" },
	{ "/a/ x\n   y\n", "a", "x   y" },
	{ "/a/\n\n# between\n  x\n", "a", "x" },
	{ "/a/ x # kept\n", "a", "x # kept" },
	{ "/a/ x\r\n/b/ y\r\n", "b", "y" },
	{ "/(a)/ 1\n/(b)/ $1\n", "xB", "B" },
	{ "/\xc3\xa4/ x\n", "\xc3\xa4", "x" },
	/* no references */
	{ "/a\\\\1/ x\n", "a\\1", "x" },
	{ "/^[\\1]$/ x\n", "1", "x" },
	{ "/^[]\\1]$/ x\n", "\\", "x" },
	{ "/^[[:digit:]\\2a]$/ x\n", "A", "x" },
	{ "/^a[[.-.]\\1]$/ x\n", "a-", "x" },
};

START_TEST(test_hit)
{
	table_check_file_hit("regexp", &hits[_i]);
}
END_TEST

static const struct table_fault faults[] = {
	{ "/a/\n", "line 1: there is no result" },
	{ "/b/ 1\n\n/a/\n", "line 3: there is no result" },
	{ "/a\n", "line 1: the pattern has no closing \"/\"" },
	{ "/a\\/ x\n", "no closing" },
	{ "/\n", "no closing" },
	{ "/a/q x\n", "no flag \"q\"" },
	{ "/a/!/b/ x\n", "no flag \"!\"" },
	{ "/a(/ x\n", "line 1: bad pattern: Unmatched" },
	{ "/a{2/ x\n", "bad pattern: " },
	{ "key value\n", "line 1: neither /pattern/, if, nor endif: \"key value\"" },
	{ "ifx /a/\n", "neither" },
	{ "!\n", "there is no pattern" },
	{ "if\n", "there is no pattern" },
	{ "if !\n", "there is no pattern" },
	{ "if /a/ x\nendif\n", "line 1: text behind the pattern of an if" },
	{ "if /a/\n  /b/ x\nendif\n", "must not be indented" },
	{ "if /a/\n/b/ x\n", "line 1: this if has no endif" },
	{ "if /a/\nif /b/\nendif\n", "line 1: this if has no endif" },
	{ "endif\n", "line 1: endif without an if" },
	{ "if /a/\nendif x\n", "line 2: text behind endif" },
	{ "/a/ $1\n", "line 1: $1: the pattern has 0 groups" },
	{ "/(a)/ $2\n", "$2: the pattern has 1 groups" },
	{ "!/(a)/ $1\n", "must not match has no groups" },
	{ "/(a)/ $\n", "\"\" behind $ is no number of a group" },
	{ "/(a)/ $x\n", "\"x\" behind $" },
	{ "/(a)/ $1x\n", "\"1x\" behind $" },
	{ "/(a)/ $0\n", "\"0\" behind $" },
	{ "/(a)/ ${1\n", "behind $ is no number" },
	{ "/(a)/ ${x}\n", "\"x\" behind $" },
	{ "/(a)/ $99\n", "at most 63 groups" },
	{ "/(a)/ $99999999999999999999\n", "behind $ is no number" },
	{ " /a/ x\n", "line 1: begins with a blank" },
	{ "/(a)\\1/ x\n", "line 1: bad pattern: a reference like \\1 in it can take hours; pcre can do that" },
	{ "/[]]\\2/ x\n", "a reference like \\1" },
	{ "/[^]a]\\\\\\3/ x\n", "a reference like \\1" },
	{ "/[[:digit:]]()\\1/ x\n", "a reference like \\1" },
};

START_TEST(test_fault)
{
	table_check_file_fault("regexp", &faults[_i]);
}
END_TEST

/* Only so much of a long key counts, and where that ends is no end for $. */
static const struct { size_t a; const char *pattern; bool fits; } longs[] = {
	{ 8191, "/^a*b$/ x\n", true },
	{ 8192, "/^a*b$/ x\n", false },
	{ 8192, "/^a*$/ x\n", false },
	{ 8192, "/^a*/ x\n", true },
	{ 8191, "/^(a*)b/ $1\n", true },
	{ 100000, "/b/ x\n", false },
	{ 100000, "/(a|aa)+b/ x\n", false },
	{ 100000, "/([a-z]+)*[0-9]/ x\n", false },
};

START_TEST(test_long)
{
	char *spec = table_file("regexp", longs[_i].pattern, strlen(longs[_i].pattern)),
		*key = mem_alloc(longs[_i].a + 2), *fault;
	struct table *t = table_open(spec, &fault);
	const char *why = NULL;

	ck_assert_ptr_nonnull(t);
	memset(key, 'a', longs[_i].a);
	strcpy(key + longs[_i].a, "b");
	ck_assert_int_eq(table_get(t, key, &why) != NULL, longs[_i].fits);
	ck_assert_ptr_null(why);
	table_free(t);
	free(key);
	free(spec);
	table_file_remove();
}
END_TEST

START_TEST(test_inline)
{
	table_check_hit("regexp:{{/a/ x}, {/b{2}/ y}}", "bb", "y");
	table_check_hit("regexp:{{/(a)/ got $1}}", "A", "got A");
	table_check_refused("regexp:{/a/ x}", "rule 1: each rule stands in braces");
}
END_TEST

/* Where results must not depend on the key. */
START_TEST(test_literal)
{
	char *spec = table_file("regexp", "/(a)/ $$1\n", 10), *why = NULL;
	struct table_list *l = table_list_open_literal(spec, &why);
	const char *error;

	ck_assert_msg(l, "%s", why);
	ck_assert_str_eq(table_list_get(l, "a", &error), "$1");
	table_list_free(l);
	free(spec);
	spec = table_file("regexp", "/(a)/ x\n/(b)/ $1\n", 17);
	ck_assert_ptr_null(table_list_open_literal(spec, &why));
	ck_assert_ptr_nonnull(strstr(why, "line 2: $1 and the like are not allowed"));
	free(why);
	free(spec);
	table_file_remove();
}
END_TEST

/* A value lives until the next question. */
START_TEST(test_two_questions)
{
	char *why = NULL;
	struct table *t = table_open("regexp:{{/^(.*)$/ <$1>}}", &why);
	const char *error;

	ck_assert_str_eq(table_get(t, "a", &error), "<a>");
	ck_assert_str_eq(table_get(t, "Longer", &error), "<Longer>");
	ck_assert_ptr_null(table_get_part(t, "a", &error));
	table_free(t);
}
END_TEST

/* Keys may be longer than fixed strings are. */
START_TEST(test_long_key)
{
	static char key[40000];
	char *why = NULL;
	struct table *t = table_open("regexp:{{/^(k*)e$/ $1$1$1$1$1$1$1$1$1$1}, {/^k*/ many}}", &why);
	const char *error;

	memset(key, 'k', sizeof key - 1);
	ck_assert_str_eq(table_get(t, key, &error), "many");
	strcpy(key + 8000, "e");
	ck_assert_ptr_null(table_get(t, key, &error));
	ck_assert_str_eq(error, "the result is too long");
	table_free(t);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hit", test_hit, UNIT_ROWS(hits), 0 },
		{ "fault", test_fault, UNIT_ROWS(faults), 0 },
		{ "long", test_long, UNIT_ROWS(longs), 0 },
		{ "inline", test_inline, 1, 0 },
		{ "literal", test_literal, 1, 0 },
		{ "two questions", test_two_questions, 1, 0 },
		{ "long key", test_long_key, 1, 0 },
	};

	return unit_main("table/regexp", cases, UNIT_ROWS(cases));
}
