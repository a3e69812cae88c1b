#include "unit.h"

#include <string.h>

#include "format/content/content.h"

/* Input as a producer wrote it, what comes out, and how much of the input is used (0: all; the end is not
 * met). */
static const struct { bool crlf; const char *in, *out; bool end; size_t behind; bool changed; } rows[] = {
	/* already in wire form */
	{ true, "a\r\nb\r\n.\r\n", "a\r\nb\r\n.\r\n", true, 0, false },
	{ true, ".\r\n", ".\r\n", true, 0, false },
	{ true, "..\r\n...\r\n..a\r\n.\r\nMAIL", "..\r\n...\r\n..a\r\n.\r\n", true, 4, false },
	{ true, "\r\n\r\n.\r\n", "\r\n\r\n.\r\n", true, 0, false },
	{ true, "a.b\r\n .\r\n.\r\n", "a.b\r\n .\r\n.\r\n", true, 0, false },
	{ true, "\xc3\xbc\xff\r\n.\r\n", "\xc3\xbc\xff\r\n.\r\n", true, 0, false },
	/* LF files */
	{ false, "a\nb\n.\n", "a\r\nb\r\n.\r\n", true, 0, true },
	{ false, ".\nQUIT", ".\r\n", true, 4, true }, { false, "..\n.\n", "..\r\n.\r\n", true, 0, true },
	{ false, "a\n.b\n..c\n.\n", "a\r\nb\r\n..c\r\n.\r\n", true, 0, true },
	{ false, "a\n.\r\nb\r\n.\n", "a\r\n\r\nb\r\n.\r\n", true, 0, true },
	{ false, "a\r\n..\r\n.\n", "a\r\n..\r\n.\r\n", true, 0, true },
	{ false, "a\rb\r\r\n.\n", "a b \r\n.\r\n", true, 0, true },
	{ false, "\r.\n.\n", " .\r\n.\r\n", true, 0, true },
	/* stuffing that the producer forgot or doubled */
	{ true, ".a\r\n.\r\n", "a\r\n.\r\n", true, 0, true },
	{ true, ". \r\n.\r\n", " \r\n.\r\n", true, 0, true },
	/* lines that only this rewriting makes: their dots are content */
	{ true, "a\n.\r\n.\r\n", "a\r\n..\r\n.\r\n", true, 0, true },
	{ true, "a\n.\nb\r\n.\r\n", "a\r\n..\r\nb\r\n.\r\n", true, 0, true },
	{ true, "a\n..b\r\n.\r\n", "a\r\n...b\r\n.\r\n", true, 0, true },
	{ true, "\n.\n.\r\n.\r\n", "\r\n..\r\n..\r\n.\r\n", true, 0, true },
	{ true, "a\r\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n.\r\n", true, 0, true },
	{ true, "a\r\n.\n.\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n", true, 0, true },
	{ true, ".\n.\r\n.\r\n", "\r\n..\r\n.\r\n", true, 0, true },
	/* CRs that end no line */
	{ true, "a\rb\r\n.\r\n", "a b\r\n.\r\n", true, 0, true },
	{ true, "a\r\r\n.\r\n", "a \r\n.\r\n", true, 0, true },
	{ true, "\r.\r\n.\r\n", " .\r\n.\r\n", true, 0, true },
	{ true, "a\r\n.\r.\r\n.\r\n", "a\r\n .\r\n.\r\n", true, 0, true },
	{ true, ".\r\r\n.\r\n", " \r\n.\r\n", true, 0, true },
	{ true, "..\r.\r\n.\r\n", ".. .\r\n.\r\n", true, 0, true },
	/* no end */
	{ true, "a\r\n.\n", "a\r\n\r\n", false, 0, true }, { true, "a\n.\n", "a\r\n..\r\n", false, 0, true },
	{ true, "a\r\n.\r", "a\r\n", false, 0, false },
	{ true, "a\r\n.", "a\r\n", false, 0, false }, { true, "a\r", "a", false, 0, false },
	{ true, "", "", false, 0, false }, { true, "a\n\r\n.\n\r\n", "a\r\n\r\n\r\n\r\n", false, 0, true },
	{ false, "a\r\n.\r\n", "a\r\n\r\n", false, 0, true }, { false, "a\n.", "a\r\n", false, 0, true },
	{ false, "a\n..\n", "a\r\n..\r\n", false, 0, true },
	{ false, "a.\n", "a.\r\n", false, 0, true }, { false, "a\n .\n", "a\r\n .\r\n", false, 0, true },
};

/* Feeds the row in slices of n bytes, each in a block of its own size; the bytes behind the end. */
static size_t feed(const char *in, size_t n, struct content *c, struct buf *out, bool *end)
{
	size_t left = strlen(in);

	*end = false;
	while (left && !*end) {
		size_t size = left < n ? left : n;
		char *block = malloc(size);
		struct text slice = text_make(block, size), piece;

		memcpy(block, in, size);
		while (slice.n && !*end) {
			*end = content_next(c, &slice, &piece);
			buf_add(out, piece.p, piece.n);
		}
		in += size - slice.n;
		left -= size - slice.n;
		free(block);
	}
	return left;
}

START_TEST(test_next)
{
	struct content c;
	struct buf out;
	bool end;

	content_init(&c);
	for (size_t n = 1; n < 12; n++) {
		content_begin(&c, rows[_i].crlf);
		buf_init(&out, 1000);
		ck_assert_uint_eq(feed(rows[_i].in, n, &c, &out, &end), rows[_i].behind);
		ck_assert_str_eq(buf_text(&out), rows[_i].out);
		ck_assert(end == rows[_i].end);
		ck_assert(c.changed == rows[_i].changed);
		buf_free(&out);
	}
	content_free(&c);
}
END_TEST

/* What needs no rewriting is not copied: the piece is the slice itself. */
START_TEST(test_zero_copy)
{
	static const char in[] = "Subject: x\r\n\r\n..a\r\nlong line\r\n.\r\n";
	struct text slice = text_make(in, sizeof in - 1), piece;
	struct content c;

	content_init(&c);
	content_begin(&c, true);
	ck_assert(content_next(&c, &slice, &piece));
	ck_assert_ptr_eq(piece.p, in);
	ck_assert_uint_eq(piece.n, sizeof in - 1);
	ck_assert_uint_eq(c.lines, 5);
	ck_assert_ptr_null(c.out.data);
	content_free(&c);
}
END_TEST

/* The worst growth there is, in more than one slice. */
START_TEST(test_growth)
{
	enum { PAIRS = 100000 };
	char *in = malloc(2 * PAIRS + 1);
	struct content c;
	struct buf out;
	bool end;

	for (int i = 0; i < PAIRS; i++)
		memcpy(in + 2 * i, "\n.", 2);
	in[2 * PAIRS] = '\0';
	buf_init(&out, 5 * PAIRS);
	content_init(&c);
	content_begin(&c, true);
	ck_assert_uint_eq(feed(in, 2 * PAIRS, &c, &out, &end), 0);
	ck_assert_uint_eq(out.len, 4 * PAIRS);
	for (int i = 0; i < PAIRS; i++)
		ck_assert_mem_eq(out.data + 4 * i, "\r\n..", 4);
	content_free(&c);
	buf_free(&out);
	free(in);
}
END_TEST

static const struct { const char *first, *rest, *in, *out; } folds[] = {
	{ "A: ", "  ", "short", "A: short\r\n" }, { "A: ", "  ", "", "A: \r\n" },
	{ "", "", ".x", "..x\r\n" }, { " ", "", "a\nb\x1b\xff", " a b??\r\n" },
	{ "A: ", "    ",
	  "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
	  "A: one two three four five six seven eight nine ten eleven twelve thirteen\r\n    fourteen "
	  "fifteen\r\n" },
};

START_TEST(test_fold)
{
	struct buf b;

	buf_init(&b, 1000);
	ck_assert(content_add_folded(folds[_i].first, folds[_i].rest, text_of(folds[_i].in), &b));
	ck_assert_str_eq(buf_text(&b), folds[_i].out);
	buf_free(&b);
}
END_TEST

/* One endless word, of characters of two bytes: cut between characters, no line too long for SMTP. */
START_TEST(test_fold_word)
{
	struct buf word, b;
	struct text rest, line;
	uint32_t code;

	buf_init(&word, 10000);
	buf_init(&b, 20000);
	buf_str(&word, "x");
	for (int i = 0; i < 2000; i++)
		buf_str(&word, "\xc3\xbc");
	ck_assert(content_add_folded("A: ", "    ", text_of(word.data), &b));
	rest = text_make(b.data, b.len);
	while (text_until(&rest, '\n', &line)) {
		ck_assert_uint_lt(line.n, 900);
		while (text_utf8(&line, &code))
			;
		ck_assert_uint_eq(line.n, 0);
	}
	buf_free(&word);
	buf_free(&b);
}
END_TEST

static const struct { const char *wire, *header; } headers[] = {
	{ "A: b\r\n c\r\n\r\nbody\r\n", "A: b\r\n c\r\n" }, { "\r\nbody\r\n", "" },
	{ "A: b\r\n", "A: b\r\n" }, { "", "" }, { "A: b", "A: b" },
};

START_TEST(test_header)
{
	struct text h = content_header(text_of(headers[_i].wire));

	ck_assert(text_is(h, headers[_i].header));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "makes wire form, however it is cut", test_next, UNIT_ROWS(rows), 0 },
		{ "copies nothing needlessly", test_zero_copy, 1, 0 },
		{ "has room for the worst", test_growth, 1, 0 },
		{ "folds text", test_fold, UNIT_ROWS(folds), 0 },
		{ "cuts endless words", test_fold_word, 1, 0 },
		{ "finds the header", test_header, UNIT_ROWS(headers), 0 },
	};

	return unit_main("format/content", cases, UNIT_ROWS(cases));
}
