/* pcre: what differs from regexp (t/unit/table_regexp.c has what they share). */
#include <string.h>

#include "table/table.h"
#include "table_files.h"
#include "unit.h"

static const struct table_hit hits[] = {
	{ "/a/ x\n", "A", "x" },
	{ "/a/i x\n", "A", NULL },
	{ "/a.b/ x\n", "a\nb", "x" },
	{ "/a.b/s x\n", "a\nb", NULL },
	{ "/^b/ x\n", "a\nb", NULL },
	{ "/^b/m x\n", "a\nb", "x" },
	{ "/a b/ x\n", "ab", NULL },
	{ "/a b/x x\n", "ab", "x" },
	{ "/b/A x\n", "ab", NULL },
	{ "/b/A x\n", "ba", "x" },
	{ "/a$/ x\n", "a\n", "x" },
	{ "/a$/E x\n", "a\n", NULL },
	{ "/(a+)/ $1\n", "aaa", "aaa" },
	{ "/(a+)/U $1\n", "aaa", "a" },
	{ "/a/X x\n", "a", "x" },
	{ "/^(?!owner-)(.*)-outgoing@(.*)/ ${1}@${2}\n", "l-outgoing@a.test", "l@a.test" },
	{ "/^(?!owner-)(.*)-outgoing@(.*)/ ${1}@${2}\n", "owner-l-outgoing@a.test", NULL },
	{ "/\\d{2}/ x\n", "a12", "x" },
	{ "/(a)|(b)/ <$1|$2>\n", "a", "<a|>" },
	{ "/(a)|(b)/ <$1|$2>\n", "b", "<|b>" },
	{ "/(a)(x)?(c)/ <$1|$2|$3>\n", "ac", "<a||c>" },
	{ "/(?<name>a)/ $1\n", "a", "a" },
	{ "if /^a/\n/b(.)/ $1\nendif\n", "abc", "c" },
	{ "!/a/ x\n", "b", "x" },
	{ "~a/b~ $$\n", "a/b", "$" },
};

START_TEST(test_hit)
{
	table_check_file_hit("pcre", &hits[_i]);
}
END_TEST

static const struct table_fault faults[] = {
	{ "/a(/ x\n", "line 1: bad pattern, at its byte 2: missing closing parenthesis" },
	{ "/a\\y/ x\n", "bad pattern, at its byte 2: unrecognized character" },
	{ "/*/ x\n", "bad pattern, at its byte 0" },
	{ "/a/q x\n", "no flag \"q\"" },
	{ "/(a)/ $2\n", "$2: the pattern has 1 groups" },
	{ "/(?<name>a)/ ${name}\n", "\"name\" behind $" },
	{ "a x\n", "neither /pattern/" },
	{ "/a/\n", "there is no result" },
};

START_TEST(test_fault)
{
	table_check_file_fault("pcre", &faults[_i]);
}
END_TEST

/* A pattern that does not come to an end is an error of the question, which names the line. */
START_TEST(test_endless)
{
	char key[200], *why = NULL;
	struct table *t = table_open("pcre:{{/nothing/ x}, {/^(a+)+(a+)+$/ y}}", &why);
	const char *error;

	memset(key, 'a', sizeof key);
	key[sizeof key - 2] = 'b';
	key[sizeof key - 1] = '\0';
	ck_assert_ptr_null(table_get(t, key, &error));
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error, "line 2: the pattern takes too long"));
	ck_assert_ptr_null(table_get(t, "b", &error));
	ck_assert_ptr_null(error);
	table_free(t);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hit", test_hit, UNIT_ROWS(hits), 0 },
		{ "fault", test_fault, UNIT_ROWS(faults), 0 },
		{ "endless", test_endless, 1, 0 },
	};

	return unit_main("table/pcre", cases, UNIT_ROWS(cases));
}
