#include "unit.h"

#include <string.h>

#include "base/json.h"

static const struct { const char *in, *out; } strings[] = {
	{ "a", "\"a\"" }, { "", "\"\"" }, { NULL, "\"\"" }, { "a\"\\", "\"a\\\"\\\\\"" }, { "\n", "\"?\"" },
	{ "\xff", "\"?\"" }, { "\xc3\xbc", "\"\xc3\xbc\"" },
};

START_TEST(test_clean)
{
	json_t *v = json_clean(strings[_i].in);
	struct buf b;

	buf_init(&b, 100);
	ck_assert(json_print(v, &b));
	ck_assert_str_eq(buf_text(&b), strings[_i].out);
	json_decref(v);
	buf_free(&b);
}
END_TEST

static const struct { const char *in; bool ok; } inputs[] = {
	{ "{\"a\":1}", true }, { "[]", true }, { "", false }, { "{", false }, { "{\"a\":1,\"a\":2}", false },
	{ "{} x", false },
	{ "1", false }, { "{'a':1}", false }, { "[\"\xff\"]", false }, { "[\"\n\"]", false },
	{ "nul", false },
};

START_TEST(test_read)
{
	const char *why = NULL;
	json_t *v = json_read(inputs[_i].in, strlen(inputs[_i].in), &why);

	ck_assert_msg((v != NULL) == inputs[_i].ok, "%s", inputs[_i].in);
	ck_assert((why != NULL) == !inputs[_i].ok);
	json_decref(v);
}
END_TEST

static const struct { double in; const char *out; } reals[] = {
	{ 0.06, "0.06" }, { 0, "0.0" }, { 1795620823.984, "1795620823.984" },
};

START_TEST(test_reals)
{
	json_t *v = json_real(reals[_i].in);
	struct buf b;

	buf_init(&b, 100);
	ck_assert(json_print(v, &b));
	ck_assert_str_eq(buf_text(&b), reals[_i].out);
	json_decref(v);
	buf_free(&b);
}
END_TEST

START_TEST(test_ceiling)
{
	json_t *v = json_pack("{s:s}", "name", "value");
	struct buf b;

	buf_init(&b, 10);
	ck_assert(!json_print(v, &b));
	json_decref(v);
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "cleans strings", test_clean, UNIT_ROWS(strings), 0 },
		{ "reads", test_read, UNIT_ROWS(inputs), 0 },
		{ "prints real numbers", test_reals, UNIT_ROWS(reals), 0 },
		{ "keeps the ceiling", test_ceiling, 1, 0 },
	};

	return unit_main("base/json", cases, UNIT_ROWS(cases));
}
