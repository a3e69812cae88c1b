#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "format/rewriting/mime.h"

#define LONG "456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789"

/*
 * What is told of a message, in order: f(field), h for a header's end with what follows (l leaf, o opaque, p
 * multipart, s signed, m message), t(text), -(text) between parts, b(boundary), e the end; CRLF is shown as
 * |. Upper-case: inside a signed part.
 */
static const struct {
	const char *wire, *told;
} rows[] = {
	{ "A: b\r\n\r\ntext\r\n.\r\n", "f(A: b|) hl(|) t(text|) e " },
	{ ".\r\n", "hl() e " },
	{ "\r\n.\r\n", "hl(|) e " },
	{ "A: b\r\n.\r\n", "f(A: b|) hl() e " },
	/* folds belong to their field */
	{ "A: b\r\n c\r\n\td\r\nE: f\r\n\r\n.\r\n", "f(A: b| c|\td|) f(E: f|) hl(|) e " },
	/* dots */
	{ "\r\n..a\r\n..\r\n...b\r\n.\r\n", "hl(|) t(.a|) t(.|) t(..b|) e " },
	{ "A: b\r\n..c: d\r\n\r\n.\r\n", "f(A: b|) f(.c: d|) hl(|) e " },
	/* bytes behind the end are nothing */
	{ "\r\n.\r\nA: b\r\n", "hl(|) e " },
	/* headers that end without an empty line */
	{ "no header\r\n.\r\n", "hl() t(no header|) e " },
	{ "A: b\r\nno header\r\n.\r\n", "f(A: b|) hl() t(no header|) e " },
	{ " folded: nothing\r\n.\r\n", "hl() t( folded: nothing|) e " },
	{ ": no name\r\n.\r\n", "hl() t(: no name|) e " },
	{ "b\xc3\xa4: c\r\n.\r\n", "hl() t(b\xc3\xa4: c|) e " },
	{ "A b: c\r\n.\r\n", "hl() t(A b: c|) e " },
	{ "A : b\r\n\r\n.\r\n", "f(A : b|) hl(|) e " },
	/* the line of a mailbox */
	{ "From a@b 1 Jan\r\nA: b\r\n\r\n.\r\n", "f(From a@b 1 Jan|) f(A: b|) hl(|) e " },
	{ ">From a@b\r\nA: b\r\n\r\n.\r\n", "f(>From a@b|) f(A: b|) hl(|) e " },
	{ "A: b\r\nFrom a@b\r\n\r\n.\r\n", "f(A: b|) hl() t(From a@b|) t(|) e " },
	/* multiparts */
	{ "Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\nA: b\r\n\r\n1\r\n--x\r\n\r\n2\r\n"
	  "--x--\r\npost\r\n--x\r\n.\r\n",
	  "f(Content-Type: multipart/mixed; boundary=x|) hp(|) -(pre|) b(--x|) f(A: b|) hl(|) t(1|) b(--x|) "
	  "hl(|) t(2|) b(--x--|) -(post|) -(--x|) e " },
	{ "content-type:MULTIPART/mixed;\r\n charset=\"a;b\"; Boundary = \"x \\y\" ; z\r\n\r\n--x y \t\r\n"
	  ".\r\n",
	  "f(content-type:MULTIPART/mixed;| charset=\"a;b\"; Boundary = \"x \\y\" ; z|) hp(|) b(--x y \t|) hl() "
	  "e " },
	{ "Content-Type: (a) multipart/x (b);boundary=a:b c\r\n\r\n--a:b c--\r\n.\r\n",
	  "f(Content-Type: (a) multipart/x (b);boundary=a:b c|) hp(|) b(--a:b c--|) e " },
	/* a semicolon in a comment is none; an open parenthesis is no comment */
	{ "Content-Type: (a;(b;)c) multipart/x (;boundary=y\\)) ; boundary=x\r\n\r\n--x--\r\n.\r\n",
	  "f(Content-Type: (a;(b;)c) multipart/x (;boundary=y\\)) ; boundary=x|) hp(|) b(--x--|) e " },
	{ "Content-Type: multipart/x; a=b(c; boundary=x\r\n\r\n--x--\r\n.\r\n",
	  "f(Content-Type: multipart/x; a=b(c; boundary=x|) hp(|) b(--x--|) e " },
	{ "Content-Type: multipart/x;\r\n boundary*0*=''%78;\r\n boundary*1=\" y\"\r\n\r\n--x "
		"y\r\n\r\n1\r\n--x\r\n--x y--\r\n.\r\n",
	  "f(Content-Type: multipart/x;| boundary*0*=''%78;| boundary*1=\" y\"|) hp(|) b(--x y|) hl(|) t(1|) "
	  "t(--x|) b(--x y--|) e " },
	{ "Content-Type: multipart/x; boundary*=utf-8''x%20\r\n\r\n--x\r\n.\r\n",
	  "f(Content-Type: multipart/x; boundary*=utf-8''x%20|) hp(|) b(--x|) hl() e " },
	/* one with bytes that a line cannot have is met nowhere */
	{ "Content-Type: multipart/x; boundary*=''x%0D%0A--x\r\n\r\n--x\r\n--x--\r\n.\r\n",
	  "f(Content-Type: multipart/x; boundary*=''x%0D%0A--x|) hp(|) -(--x|) -(--x--|) e " },
	{ "Content-Type: multipart/x; boundary*=''x%00y\r\n\r\n--x\r\n.\r\n",
	  "f(Content-Type: multipart/x; boundary*=''x%00y|) hp(|) -(--x|) e " },
	/* what only begins like a boundary */
	{ "Content-Type: multipart/x;boundary=x\r\n\r\n--xy\r\n--x -\r\n --x\r\n-x\r\n--\r\n--x\r\n\r\n"
	  "--x--y\r\n--x --\r\n.\r\n",
	  "f(Content-Type: multipart/x;boundary=x|) hp(|) -(--xy|) -(--x -|) -( --x|) -(-x|) -(--|) b(--x|) "
	  "hl(|) t(--x--y|) t(--x --|) e " },
	/* no boundary: opaque text */
	{ "Content-Type: multipart/mixed\r\n\r\n--x\r\n"
	  ".\r\n", "f(Content-Type: multipart/mixed|) ho(|) t(--x|) e " },
	{ "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n.\r\n",
	  "f(Content-Type: multipart/mixed; boundary=\"\"|) ho(|) t(--|) e " },
	/* the inner boundary is missed: the outer one ends both; the first Content-Type counts */
	{ "Content-Type: multipart/x;boundary=o\r\nContent-Type: text/plain\r\n\r\n--o\r\n"
	  "Content-Type: multipart/x; boundary=i\r\n\r\n"
	  "--i\r\n\r\n1\r\n--o\r\n\r\n--i\r\n.\r\n",
	  "f(Content-Type: multipart/x;boundary=o|) f(Content-Type: text/plain|) hp(|) b(--o|) "
	  "f(Content-Type: multipart/x; boundary=i|) hp(|) b(--i|) hl(|) t(1|) b(--o|) hl(|) t(--i|) e " },
	/* a boundary in a header */
	{ "Content-Type: multipart/x;boundary=o\r\n\r\n--o\r\nA: b\r\n--o--\r\n.\r\n",
	  "f(Content-Type: multipart/x;boundary=o|) hp(|) b(--o|) f(A: b|) hl() b(--o--|) e " },
	/* attached messages */
	{ "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n1\r\n.\r\n",
	  "f(Content-Type: message/rfc822|) hm(|) f(Content-Type: message/rfc822|) hm(|) f(A: b|) hl(|) t(1|) e "
	  "" },
	{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n.\r\n",
	  "f(Content-Type: message/rfc822|) f(Content-Transfer-Encoding: base64|) hl(|) t(1|) e " },
	{ "Content-Type: message/partial\r\n\r\n1\r\n"
	  ".\r\n", "f(Content-Type: message/partial|) ho(|) t(1|) e " },
	{ "Content-Type: message/global\r\n\r\n1\r\n"
	  ".\r\n", "f(Content-Type: message/global|) hl(|) t(1|) e " },
	{ "Content-Type: multipart/digest;boundary=o\r\n\r\n--o\r\n\r\nA: b\r\n\r\n1\r\n--o\r\n"
	  "Content-Type: a/b\r\n\r\n2\r\n.\r\n",
	  "f(Content-Type: multipart/digest;boundary=o|) hp(|) b(--o|) hm(|) f(A: b|) hl(|) t(1|) b(--o|) "
	  "f(Content-Type: a/b|) hl(|) t(2|) e " },
	/* signed parts, and what follows them */
	{ "Content-Type: multipart/x;boundary=o\r\n\r\n--o\r\nContent-Type: multipart/signed; boundary=i\r\n"
	  "\r\n--i\r\nA: b\r\n\r\n1\r\n"
	  "--i--\r\n2\r\n--o\r\n\r\n3\r\n.\r\n",
	  "f(Content-Type: multipart/x;boundary=o|) hp(|) b(--o|) f(Content-Type: multipart/signed; boundary=i|) "
	  "hs(|) b(--i|) F(A: b|) Hl(|) T(1|) B(--i--|) -(2|) B(--o|) hl(|) t(3|) e " },
	/* the limits of the test: 3 multiparts, 8 bytes of a boundary, 80 of a field */
	{ "Content-Type: multipart/x;boundary=123456789\r\n\r\n--12345678x\r\n\r\n--12345678--\r\n.\r\n",
	  "f(Content-Type: multipart/x;boundary=123456789|) hp(|) b(--12345678x|) hl(|) b(--12345678--|) e " },
	{ "X: " LONG "\r\n 1\r\n 2 " LONG "\r\n 3\r\nY: z\r\n\r\n.\r\n",
	  "f(X: " LONG "|) f( 1| 2 " LONG "|) f( 3|) f(Y: z|) hl(|) e " },
};

static const struct mime_limits limits = { 80, 8, 3 };

static void show(struct buf *told, char what, char more, struct text text, bool sealed)
{
	buf_char(told, sealed && what >= 'a' ? what - 'a' + 'A' : what);
	if (more)
		buf_char(told, more);
	buf_char(told, '(');
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			buf_char(told, '|');
		else if (text.p[i] != '\r')
			buf_char(told, text.p[i]);
	buf_str(told, ") ");
}

static void tell(struct mime *m, enum mime_event event, struct text text, struct buf *told)
{
	static const char letters[] = "?fht-be", kinds[] = "lopsm";
	const struct mime_entity *e = mime_entity(m);

	if (event == MIME_END)
		buf_str(told, "e ");
	else
		show(told, letters[event], event == MIME_BODY ? kinds[e->kind] : '\0', text, e->sealed);
}

/* The same is told however the bytes are cut. */
START_TEST(test_tells)
{
	size_t length = strlen(rows[_i].wire);

	for (size_t step = 1; step <= length; step++) {
		struct mime *m = mime_new(&limits, true);
		struct buf told;

		buf_init(&told, 10000);
		for (size_t at = 0; at < length; at += step) {
			struct text wire = text_make(rows[_i].wire + at, at + step < length ? step : length - at), text;
			enum mime_event event;

			while ((event = mime_next(m, &wire, &text)) != MIME_MORE)
				tell(m, event, text, &told);
		}
		ck_assert_str_eq(buf_text(&told), rows[_i].told);
		buf_free(&told);
		mime_free(m);
	}
}
END_TEST

/* A line longer than what is kept of one comes in pieces, of which none parts a CR from its LF. */
START_TEST(test_long_lines)
{
	for (size_t n = 4090; n < 4110; n++) {
		struct mime *m = mime_new(&limits, true);
		char *line = mem_alloc(n + 1), *bytes;
		size_t told = 0;
		struct text wire, text;
		enum mime_event event;

		memset(line, 'x', n);
		bytes = mem_fmt("\r\n%s\r\n.\r\n", line);
		wire = text_of(bytes);
		ck_assert_int_eq(mime_next(m, &wire, &text), MIME_BODY);
		while ((event = mime_next(m, &wire, &text)) == MIME_TEXT) {
			ck_assert_int_ne(text.p[text.n - 1], '\r');
			told += text.n;
		}
		ck_assert_int_eq(event, MIME_END);
		ck_assert_uint_eq(told, n + 2);
		free(bytes);
		free(line);
		mime_free(m);
	}
}
END_TEST

/* A field in one line that is longer than what is looked at: pieces are parted at a blank, or between
 * characters. */
static const struct {
	const char *word, *fold;     /* what is taken out to have the field again */
} long_fields[] = {
	{ " b\xc3\xbc" "c", "\r\n" }, { "\xc3\xbc", "\r\n " }, { "\xe2\x82\xac", "\r\n " },
	{ "\xf0\x9f\x98\x80", "\r\n " }, { "x", "\r\n " },
};

START_TEST(test_long_fields)
{
	struct mime *m = mime_new(&limits, true);
	struct text wire, text;
	struct buf in, all, again;
	unsigned pieces = 0;

	buf_init(&in, 20000);
	buf_init(&all, 20000);
	buf_init(&again, 20000);
	buf_str(&in, "X:");
	while (in.len < 15000 + (size_t)_i)
		buf_str(&in, long_fields[_i].word);
	buf_str(&in, "\r\n.\r\n");
	wire = text_make(in.data, in.len);
	in.len -= strlen(".\r\n");
	while (mime_next(m, &wire, &text) == MIME_FIELD) {
		ck_assert(text.n > 2 && memcmp(text.p + text.n - 2, "\r\n", 2) == 0);
		ck_assert(text_is_utf8(text));
		ck_assert(pieces++ == 0 || *text.p == ' ');
		buf_add(&all, text.p, text.n);
	}
	ck_assert_uint_ge(pieces, 3);
	for (size_t i = 0; i < all.len; i++) {
		size_t n = strlen(long_fields[_i].fold);

		if (i + 2 < all.len && memcmp(all.data + i, long_fields[_i].fold, n) == 0)
			i += n - 1;
		else
			buf_char(&again, all.data[i]);
	}
	ck_assert_uint_eq(again.len, in.len);
	ck_assert_int_eq(memcmp(again.data, in.data, in.len), 0);
	buf_free(&in);
	buf_free(&all);
	buf_free(&again);
	mime_free(m);
}
END_TEST

START_TEST(test_nesting)
{
	for (int depth = 1; depth <= 4; depth++) {
		struct mime *m = mime_new(&limits, true);
		struct buf wire;
		struct text rest, text;

		buf_init(&wire, 1000);
		for (int i = 0; i < depth; i++)
			buf_fmt(&wire, "Content-Type: multipart/x;boundary=%d\r\n\r\n--%d\r\n", i, i);
		rest = text_make(wire.data, wire.len);
		while (mime_next(m, &rest, &text) != MIME_MORE)
			;
		ck_assert(mime_too_deep(m) == (depth > 3));
		buf_free(&wire);
		mime_free(m);
	}
}
END_TEST

static const struct {
	const char *value;
	enum mime_coding coding;
} codings[] = {
	{ " 7bit\r\n", MIME_7BIT }, { "8BIT", MIME_8BIT }, { "\r\n binary ", MIME_BINARY },
	{ "Quoted-Printable (as ever)", MIME_QUOTED_PRINTABLE }, { "(x) base64", MIME_BASE64 },
	{ "", MIME_MISNAMED }, { "8-bit", MIME_MISNAMED }, { "utf-8", MIME_MISNAMED }, { "7bit;", MIME_MISNAMED },
	{ "x-uuencode", MIME_PRIVATE }, { "uuencode", MIME_PRIVATE }, { "X-", MIME_PRIVATE },
};

START_TEST(test_codings)
{
	ck_assert_int_eq(mime_coding(text_of(codings[_i].value)), codings[_i].coding);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "tells", test_tells, UNIT_ROWS(rows), 0 },
		{ "long lines", test_long_lines, 1, 0 },
		{ "long fields", test_long_fields, UNIT_ROWS(long_fields), 0 },
		{ "nesting", test_nesting, 1, 0 },
		{ "codings", test_codings, UNIT_ROWS(codings), 0 },
	};

	return unit_main("format/mime", cases, UNIT_ROWS(cases));
}
