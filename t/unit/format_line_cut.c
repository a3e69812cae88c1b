#include "unit.h"

#include <string.h>

#include "format/content/line_cut.h"

static const struct {
	uint64_t limit;
	const char *in, *out;
	bool cut;
} rows[] = {
	{ 5, "12345\r\n", "12345\r\n", false },
	{ 5, "123456\r\n", "12345\r\n 6\r\n", true },
	{ 5, "1234567890\r\n", "12345\r\n 6789\r\n 0\r\n", true },
	{ 5, "123456789\r\n", "12345\r\n 6789\r\n", true },
	{ 5, "\r\n\r\n", "\r\n\r\n", false },
	{ 5, "", "", false },
	{ 5, "1234\r\n123456\r\n1\r\n", "1234\r\n12345\r\n 6\r\n1\r\n", true },
	/* a stuffed dot is not counted, and a cut part that begins with a dot is not stuffed */
	{ 5, "..2345\r\n", "..2345\r\n", false },
	{ 5, "..23456\r\n", "..2345\r\n 6\r\n", true },
	{ 5, "12345.after\r\n", "12345\r\n .aft\r\n er\r\n", true },
	{ 5, ".\r\n", ".\r\n", false },
	{ 5, "123456\r\n.\r\n", "12345\r\n 6\r\n.\r\n", true },
	/* bytes are counted, characters of UTF-8 stay whole */
	{ 5, "\xc3\xa4\xc3\xa4\xc3\xa4\r\n", "\xc3\xa4\xc3\xa4\r\n \xc3\xa4\r\n", true },
	{ 6, "\xc3\xa4\xc3\xa4\xc3\xa4\r\n", "\xc3\xa4\xc3\xa4\xc3\xa4\r\n", false },
	{ 5, "123\xe2\x82\xac\r\n", "123\r\n \xe2\x82\xac\r\n", true },
	{ 5, "1\xf0\x9f\x98\x80\r\n", "1\xf0\x9f\x98\x80\r\n", false },
	{ 5, "12\xf0\x9f\x98\x80\r\n", "12\r\n \xf0\x9f\x98\x80\r\n", true },
	{ 2, "\xe2\x82\xac\xe2\x82\xac\r\n", "\xe2\x82\xac\r\n \xe2\x82\xac\r\n", true },
	/* what is no UTF-8 is cut anywhere, and no line for what it might have been */
	{ 5, "1234\xe9\r\n", "1234\xe9\r\n", false },
	{ 5, "1234\xe2\x82\r\n", "1234\xe2\r\n \x82\r\n", true },
	{ 5, "1234\xe2\x82" "a\r\n", "1234\xe2\r\n \x82" "a\r\n", true },
	{ 5, "1234\xc3\xc3\xa4\r\n", "1234\xc3\r\n \xc3\xa4\r\n", true },
	{ 5, "\x82\x82\x82\x82\x82\x82\r\n", "\x82\x82\x82\x82\x82\r\n \x82\r\n", true },
	{ 5, "\xff\xff\xff\xff\xff\xff\r\n", "\xff\xff\xff\xff\xff\r\n \xff\r\n", true },
	/* however small the limit, every cut goes on */
	{ 1, "123\r\n", "1\r\n 2\r\n 3\r\n", true },
	{ 2, "1234\r\n", "12\r\n 3\r\n 4\r\n", true },
};

/* The same comes out however the bytes are sliced. */
START_TEST(test_cut)
{
	size_t length = strlen(rows[_i].in);

	for (size_t step = 1; step <= length + 1; step++) {
		struct line_cut c;
		struct buf out;

		buf_init(&out, 1000);
		line_cut_begin(&c, rows[_i].limit);
		for (size_t at = 0; at < length; at += step)
			ck_assert(line_cut_add(&c, text_make(rows[_i].in + at,
				at + step < length ? step : length - at), &out));
		ck_assert_str_eq(buf_text(&out), rows[_i].out);
		ck_assert(c.cut == rows[_i].cut);
		buf_free(&out);
	}
}
END_TEST

START_TEST(test_full)
{
	struct line_cut c;
	struct buf out;

	buf_init(&out, 4);
	line_cut_begin(&c, 2);
	ck_assert(!line_cut_add(&c, text_of("1234\r\n"), &out));
	buf_free(&out);
}
END_TEST

/* Lines of so many bytes, each with CRLF; 0 ends the list. */
static const struct {
	size_t lines[5];
	bool has_long;
} lengths[] = {
	{ { 0 }, false }, { { 1 }, false }, { { 997 }, false }, { { 998 }, false }, { { 999 }, true },
	{ { 70, 998, 70, 998 }, false }, { { 998, 998, 998 }, false }, { { 70, 999 }, true },
	{ { 998, 999 }, true },
	{ { 998, 1, 999, 1 }, true }, { { 5000 }, true }, { { 500, 500, 500, 500 }, false },
};

START_TEST(test_lengths)
{
	static const size_t steps[] = { 1, 2, 3, 500, 997, 998, 999, 1000, 1001, 100000 };
	struct buf b;

	buf_init(&b, 100000);
	for (size_t i = 0; i < UNIT_ROWS(lengths[_i].lines) && lengths[_i].lines[i]; i++) {
		for (size_t n = 0; n < lengths[_i].lines[i]; n++)
			buf_char(&b, 'x');
		buf_str(&b, "\r\n");
	}
	for (size_t s = 0; s < UNIT_ROWS(steps); s++) {
		struct line_lengths l = { 0 };

		for (size_t at = 0; at < b.len; at += steps[s])
			line_lengths_see(&l, text_make(b.data + at, at + steps[s] < b.len ? steps[s] : b.len - at));
		ck_assert_msg(l.has_long == lengths[_i].has_long, "in pieces of %zu", steps[s]);
	}
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "cut", test_cut, UNIT_ROWS(rows), 0 },
		{ "full", test_full, 1, 0 },
		{ "lengths", test_lengths, UNIT_ROWS(lengths), 0 },
	};

	return unit_main("format/line_cut", cases, UNIT_ROWS(cases));
}
