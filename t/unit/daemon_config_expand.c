#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/config/config_expand.h"

static bool lookup(void *arg, const char *name, struct buf *out, const char **why)
{
	static const char *const known[][2] = {
		{ "a", "one" }, { "b_2", "two words" }, { "empty", "" }, { "dollar", "$a" },
		{ "idn", "b\303\274cher.test" },
	};

	(void)arg;
	for (size_t i = 0; i < UNIT_ROWS(known); i++)
		if (strcmp(known[i][0], name) == 0)
			return buf_str(out, known[i][1]);
	*why = "unknown";
	return false;
}

static const struct {
	const char *text, *result;
} good[] = {
	{ "", "" },
	{ "plain {text}, no dollar", "plain {text}, no dollar" },
	{ "$a", "one" },
	{ "$a.$b_2-", "one.two words-" },
	{ "$(a)${a}$( a )${ b_2 }", "oneoneonetwo words" },
	{ "$$a $$$a", "$a $one" },
	{ "$dollar", "$a" },
	{ "x$empty", "x" },
	{ "${a?yes}${a:no}${empty?yes}${empty:no}", "yesno" },
	{ "${a?<$b_2>}${empty:{$a}}", "<two words>one" },
	{ "${a?{yes}:{no}}${empty?{yes}:{no}}", "yesno" },
	{ "${empty?{yes} : {n${a}o}}", "noneo" },
	{ "${empty:{yes}:{no}}${a:{yes}:no}", "yesno" },
	{ "${empty?$unknown}", "" },
	{ "inline:{${other_function{$mydomain}}=x}", "inline:{${other_function{$mydomain}}=x}" },
	{ "inline:{${domain_to_ascii{$idn}}=x, .${domain_to_ascii{$idn}}=y}",
		"inline:{xn--bcher-kva.test=x, .xn--bcher-kva.test=y}" },
	{ "${domain_to_ascii{Example.$a}}", "example.one" },
	{ "${domain_to_ascii{$b_2}}", "two words" },
	{ "${domain_to_ascii{}}", "" },
};

static const char *const bad[] = {
	"$", "a$", "$ a", "$-", "$$$", "$unknown", "${unknown?x}", "${unknown}", "$(unknown)", "$(a", "${a",
	"${a?{x}", "$()", "${}",
	"${ }", "${?x}", "${a b}", "${a;b}", "${a?{x}y}", "${a?{x}:{y}z}", "${a?{x}:{y}",
	"${{$a} == {one} ? {x}}", "${domain_to_ascii{$unknown}}", "${domain_to_ascii{$a}",
	"${a?${a?${a?${a?${a?${a?${a?${a?${a?${a?${a?${a?${"
		"a?${a?${a?${a?${a?${a?${a?${a?${a?x}}}}}}}}}}}}}}}}}}}}}",
};

START_TEST(test_good)
{
	const char *why = NULL;
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_msg(config_expand(good[_i].text, lookup, NULL, &out, &why), "%s: %s", good[_i].text, why);
	ck_assert_str_eq(buf_text(&out), good[_i].result);
	buf_free(&out);
}
END_TEST

START_TEST(test_bad)
{
	const char *why = NULL;
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_msg(!config_expand(bad[_i], lookup, NULL, &out, &why), "%s gives %s", bad[_i],
		buf_text(&out));
	ck_assert_ptr_nonnull(why);
	buf_free(&out);
}
END_TEST

START_TEST(test_ceiling)
{
	const char *why = NULL;
	struct buf out;

	buf_init(&out, 5);
	ck_assert(!config_expand("$a$a", lookup, NULL, &out, &why));
	ck_assert_str_eq(why, "the expanded value is too long");
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "ceiling", test_ceiling, 1, 0 },
	};

	return unit_main("daemon/config_expand", cases, UNIT_ROWS(cases));
}
