#include "unit.h"

#include <string.h>

#include "base/buf.h"

START_TEST(test_append)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert(buf_str(&b, "ab") && buf_char(&b, 'c') && buf_add(&b, "d\0e", 3) && buf_fmt(&b, "%d-%s", 7,
	  "x"));
	ck_assert_uint_eq(b.len, 9);
	ck_assert_mem_eq(b.data, "abcd\0e7-x", 10);
	buf_drop(&b, 6);
	ck_assert_str_eq(buf_text(&b), "7-x");
	buf_drop(&b, 0);
	buf_drop(&b, 3);
	ck_assert_str_eq(buf_text(&b), "");
	buf_free(&b);
}
END_TEST

static const struct { size_t max, have, add; bool fits; } ceilings[] = {
	{ 10, 0, 10, true }, { 10, 9, 1, true }, { 10, 10, 0, true }, { 0, 0, 0, true },
	{ 10, 0, 11, false }, { 10, 10, 1, false }, { 10, 5, 6, false }, { 0, 0, 1, false },
	{ 10, 3, (size_t)-1, false },
};

START_TEST(test_ceiling)
{
	static const char bytes[16] = "0123456789abcdef";
	struct buf b;

	buf_init(&b, ceilings[_i].max);
	ck_assert(buf_add(&b, bytes, ceilings[_i].have));
	ck_assert(buf_add(&b, bytes, ceilings[_i].add) == ceilings[_i].fits);
	ck_assert(b.over == !ceilings[_i].fits);
	ck_assert_uint_eq(b.len, ceilings[_i].have + (ceilings[_i].fits ? ceilings[_i].add : 0));
	buf_free(&b);
}
END_TEST

START_TEST(test_stays_over)
{
	struct buf b;

	buf_init(&b, 4);
	ck_assert(buf_str(&b, "abc"));
	ck_assert(!buf_fmt(&b, "%s", "de"));
	ck_assert(!buf_char(&b, 'd'));
	ck_assert_str_eq(buf_text(&b), "abc");
	buf_clear(&b);
	ck_assert(buf_str(&b, "wxyz") && !b.over);
	buf_free(&b);
	ck_assert(buf_str(&b, "more"));
	buf_free(&b);
}
END_TEST

START_TEST(test_take)
{
	struct buf b;
	char *s;

	buf_init(&b, 4);
	s = buf_take(&b);
	ck_assert_str_eq(s, "");
	free(s);
	buf_str(&b, "ab");
	s = buf_take(&b);
	ck_assert_str_eq(s, "ab");
	ck_assert(b.len == 0 && b.max == 4 && !b.data);
	free(s);
}
END_TEST

START_TEST(test_drop_too_much)
{
	struct buf b;

	buf_init(&b, 4);
	buf_str(&b, "ab");
	buf_drop(&b, 3);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "appends", test_append, 1, 0 },
		{ "keeps the ceiling", test_ceiling, UNIT_ROWS(ceilings), 0 },
		{ "fails from then on", test_stays_over, 1, 0 },
		{ "gives the content away", test_take, 1, 0 },
		{ "refuses to drop what is not there", test_drop_too_much, 1, SIGABRT },
	};

	return unit_main("base/buf", cases, UNIT_ROWS(cases));
}
