#include "unit.h"

#include <string.h>

#include "base/text.h"

static const struct { const char *in; int64_t ms; } durations[] = {
	{ "30", 30000 }, { "0", 0 }, { "30s", 30000 }, { "5m", 300000 }, { "1.5h", 5400000 },
	{ "200ms", 200 }, { "5d", 432000000 },
	{ "1w", 604800000 }, { "2H", 7200000 }, { "0.001s", 1 }, { "9223372036854775807ms", INT64_MAX },
	{ "", -1 }, { "s", -1 }, { "-1", -1 }, { "+1", -1 }, { " 1", -1 }, { "1 ", -1 }, { "1 s", -1 },
	{ "1x", -1 }, { "1ss", -1 }, { "1.", -1 },
	{ ".5s", -1 }, { "1.5ms", -1 }, { "0.0001s", -1 }, { "1.0000000s", -1 }, { "1,5h", -1 },
	{ "0x10", -1 }, { "1y", -1 },
	{ "9223372036854775808ms", -1 }, { "9223372036854775807", -1 }, { "99999999999999999999", -1 },
	{ "1e3", -1 },
};

START_TEST(test_duration)
{
	int64_t ms = -1;
	bool ok = text_duration(text_of(durations[_i].in), &ms);

	ck_assert_msg(ok == (durations[_i].ms >= 0), "%s", durations[_i].in);
	ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

static const struct { int64_t ms; const char *out; } printed[] = {
	{ 0, "0s" }, { 1, "1ms" }, { 1500, "1500ms" }, { 300000, "300s" }, { 3600000, "3600s" },
	{ 86400000, "1d" }, { 432000000, "5d" },
	{ 86401000, "86401s" }, { 604800000, "7d" },
};

START_TEST(test_duration_print)
{
	struct buf b;
	int64_t ms;

	buf_init(&b, 100);
	text_duration_print(printed[_i].ms, &b);
	ck_assert_str_eq(buf_text(&b), printed[_i].out);
	ck_assert(text_duration(text_of(buf_text(&b)), &ms) && ms == printed[_i].ms);
	buf_free(&b);
}
END_TEST

static const struct { const char *in; bool ok; uint64_t bytes; } sizes[] = {
	{ "0", true, 0 }, { "1024", true, 1024 }, { "50 MiB", true, 52428800 }, { "10K", true, 10240 },
	{ "1G", true, 1073741824 }, { "2kb", true, 2048 },
	{ "3 TiB", true, 3298534883328 }, { "7B", true, 7 }, { "18446744073709551615", true, UINT64_MAX },
	{ "", false, 0 }, { "K", false, 0 }, { "-1", false, 0 }, { "1.5K", false, 0 }, { "1X", false, 0 },
	{ "1Ki", false, 0 }, { "1KK", false, 0 },
	{ "1 K B", false, 0 }, { "18446744073709551616", false, 0 }, { "18446744073709551615K", false, 0 },
	{ "99999999T", false, 0 }, { "10 kilo", false, 0 },
};

START_TEST(test_size)
{
	uint64_t bytes = 0;

	ck_assert_msg(text_size(text_of(sizes[_i].in), &bytes) == sizes[_i].ok, "%s", sizes[_i].in);
	if (sizes[_i].ok)
		ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

static const struct { const char *in, *out; } lists[] = {
	{ "", "" }, { " , ,\n", "" }, { "a", "a|" }, { "a,b c", "a|b|c|" }, { " a ,\tb\n c, ", "a|b|c|" },
	{ "\"b c\" d", "b c|d|" },
	{ "inline:{a=b, c=d}, x", "inline:{a=b, c=d}|x|" }, { "{a, {b, c}} d", "{a, {b, c}}|d|" },
	{ "a\"b c\"d e", "a\"b c\"d|e|" },
	{ "{a, b", "{a, b|" }, { "\"a b", "\"a b|" }, { "a} b", "a}|b|" },
	{ "\"a\"b\"c d\"", "\"a\"b\"c d\"|" },
};

START_TEST(test_list)
{
	struct text from = text_of(lists[_i].in), element;
	struct buf b;

	buf_init(&b, 100);
	while (text_list_next(&from, &element)) {
		buf_add(&b, element.p, element.n);
		buf_char(&b, '|');
	}
	ck_assert_str_eq(buf_text(&b), lists[_i].out);
	buf_free(&b);
}
END_TEST

static const struct { const char *in; size_t max; const char *out; } cleanings[] = {
	{ "plain ~", 100, "plain ~" }, { "", 100, "" }, { "a\tb\nc\rd\x1b[1m", 100, "a?b?c?d?[1m" },
	{ "\x7f", 100, "?" },
	{ "gr\xc3\xbc\xc3\x9f", 100, "gr\xc3\xbc\xc3\x9f" },
	{ "\xe2\x82\xac \xf0\x9f\x98\x80", 100, "\xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xc2\x85", 100, "?" }, { "\xc2\x9b" "31m", 100, "?31m" }, { "\xe2\x80\xae" "abc", 100, "?abc" },
	{ "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", 100, "???" },
	{ "\xe2\x81\xa6\xe2\x81\xa9", 100, "??" }, { "\xe2\x80\xa8\xe2\x80\xa9", 100, "??" },
	{ "\xff\xfe", 100, "??" }, { "\xc3", 100, "?" },
	{ "\xc3(", 100, "?(" }, { "\xc0\xaf", 100, "??" }, { "\xe0\x80\xaf", 100, "???" },
	{ "\xed\xa0\x80", 100, "???" },
	{ "\xf4\x90\x80\x80", 100, "????" }, { "\xe2\x82", 100, "??" }, { "\x80", 100, "?" },
	{ "abcdef", 6, "abcdef" }, { "abcdefg", 6, "abcdef..." }, { "abcde\xc3\xbc", 6, "abcde..." },
	{ "a", 0, "..." }, { "\n\n\n", 2, "??..." },
};

START_TEST(test_clean)
{
	char *s = text_cleaned(cleanings[_i].in, cleanings[_i].max);

	ck_assert_str_eq(s, cleanings[_i].out);
	free(s);
}
END_TEST

static const struct { const char *in; uint64_t max; bool ok; uint64_t out; const char *rest; } numbers[] = {
	{ "12", 100, true, 12, "" }, { "007x", 100, true, 7, "x" }, { "100", 100, true, 100, "" },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX, "" },
	{ "101", 100, false, 0, "101" }, { "", 9, false, 0, "" }, { "x", 9, false, 0, "x" },
	{ "-1", 9, false, 0, "-1" }, { " 1", 9, false, 0, " 1" },
	{ "18446744073709551616", UINT64_MAX, false, 0, "18446744073709551616" },
	{ "10", 9, false, 0, "10" },
};

START_TEST(test_number)
{
	struct text t = text_of(numbers[_i].in);
	uint64_t out = 0;

	ck_assert(text_number(&t, numbers[_i].max, &out) == numbers[_i].ok);
	ck_assert_uint_eq(out, numbers[_i].out);
	ck_assert(text_is(t, numbers[_i].rest));
}
END_TEST

START_TEST(test_scan)
{
	struct text t = text_of("  one\ttwo "), part;

	ck_assert(text_word(&t, &part) && text_is(part, "one"));
	ck_assert(text_word(&t, &part) && text_is(part, "two"));
	ck_assert(!text_word(&t, &part) && part.n == 0);
	t = text_of("a:b");
	ck_assert(text_until(&t, ':', &part) && text_is(part, "a") && text_is(t, "b"));
	ck_assert(!text_until(&t, ':', &part) && text_is(t, "b"));
	ck_assert(text_is(text_trim(text_of(" \t x y\t ")), "x y"));
	ck_assert(text_trim(text_of(" \t")).n == 0);
	ck_assert(text_of(NULL).n == 0);
}
END_TEST

START_TEST(test_compare)
{
	ck_assert(text_is_nocase(text_of("Ab"), "aB"));
	ck_assert(!text_is_nocase(text_of("ab"), "a") && !text_is_nocase(text_of("a"), "ab"));
	ck_assert(text_is(text_of("a"), "a") && !text_is(text_of("a"), "A") && text_is(text_of(""), ""));
	ck_assert(text_starts_nocase(text_of("MAIL x"), "mail"));
	ck_assert(!text_starts_nocase(text_of("MAI"), "mail"));
	ck_assert(text_is_ascii(text_of("0123456789abcdef\x7f")) && text_is_ascii(text_of("")));
	ck_assert(!text_is_ascii(text_of("0123456789abcde\x80")) && !text_is_ascii(text_of("01234567\x80")));
	ck_assert(!text_is_ascii(text_of("\xc3\xbc" "0123456789")));
	ck_assert(text_has_control(text_of("a\tb")) && text_has_control(text_of("\x7f")));
	ck_assert(text_has_control(text_make("\0", 1)));
	ck_assert(!text_has_control(text_of("a b\xc3\xbc")));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads durations", test_duration, UNIT_ROWS(durations), 0 },
		{ "prints durations", test_duration_print, UNIT_ROWS(printed), 0 },
		{ "reads sizes", test_size, UNIT_ROWS(sizes), 0 },
		{ "walks lists", test_list, UNIT_ROWS(lists), 0 },
		{ "cleans", test_clean, UNIT_ROWS(cleanings), 0 },
		{ "reads numbers", test_number, UNIT_ROWS(numbers), 0 },
		{ "scans", test_scan, 1, 0 },
		{ "compares", test_compare, 1, 0 },
	};

	return unit_main("base/text", cases, UNIT_ROWS(cases));
}
