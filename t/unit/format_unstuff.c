#include "unit.h"

#include <string.h>

#include "format/content/unstuff.h"

static const struct { const char *in, *out; } rows[] = {
	{ "", "" }, { "a\r\n", "a\r\n" }, { ".\r\n", "\r\n" }, { ".", "" },
	{ "..\r\n", ".\r\n" }, { "...\r\n", "..\r\n" }, { "..a\r\n", ".a\r\n" }, { ".a\r\n", "a\r\n" },
	{ "a.b\r\n", "a.b\r\n" }, { "a..\r\n..b\r\n..\r\n..\r\n", "a..\r\n.b\r\n.\r\n.\r\n" },
	{ "a\r\n..", "a\r\n." }, { "\r\n.\r\n..c\r\n", "\r\n\r\n.c\r\n" }, { " ..\r\n", " ..\r\n" },
};

/* The same comes out however the bytes are cut, even between two dots. */
START_TEST(test_unstuffs)
{
	size_t length = strlen(rows[_i].in);

	for (size_t step = 1; step <= length; step++) {
		struct unstuff u = { 0 };
		struct text piece;
		struct buf out;

		buf_init(&out, 100);
		for (size_t at = 0; at < length; at += step) {
			struct text part = text_make(rows[_i].in + at, at + step < length ? step : length - at);

			while (unstuff_next(&u, &part, &piece))
				buf_add(&out, piece.p, piece.n);
		}
		ck_assert_str_eq(buf_text(&out), rows[_i].out);
		buf_free(&out);
	}
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = { { "unstuffs", test_unstuffs, UNIT_ROWS(rows), 0 } };

	return unit_main("format/unstuff", cases, UNIT_ROWS(cases));
}
