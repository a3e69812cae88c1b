#include "unit.h"

#include <string.h>

#include "format/line_cut.h"

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
	/* any byte counts as one */
	{ 5, "\xc3\xa4\xc3\xa4\xc3\xa4\r\n", "\xc3\xa4\xc3\xa4\xc3\r\n \xa4\r\n", true },
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

int main(void)
{
	const struct unit_case cases[] = {
		{ "cut", test_cut, UNIT_ROWS(rows), 0 },
		{ "full", test_full, 1, 0 },
	};

	return unit_main("format/line_cut", cases, UNIT_ROWS(cases));
}
