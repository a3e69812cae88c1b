#include "unit.h"

#include "format/address/xtext.h"

static const struct { const char *in; bool utf8, ok; } checks[] = {
	{ "plain@x", false, true }, { "", false, true }, { "a+2Bb+3Dc+20", false, true },
	{ "a+2b", false, true }, { "+C3+BC", false, true },
	{ "gr\xc3\xbcn", true, true }, { "\\x{FC}", false, true },
	{ "a b", false, false }, { "a=b", false, false }, { "a+", false, false }, { "a+2", false, false },
	{ "a+2G", false, false }, { "a+G2", false, false },
	{ "+0A", false, false }, { "+00", false, false }, { "+7F", false, false }, { "a\tb", false, false },
	{ "\x7f", false, false },
	{ "gr\xc3\xbcn", false, false }, { "\xff", true, false }, { "\xc2\x85", true, false },
	{ "\xc3", true, false }, { "a\nb", true, false },
};

START_TEST(test_check)
{
	ck_assert_msg(xtext_check(text_of(checks[_i].in), checks[_i].utf8) == checks[_i].ok, "%s",
		checks[_i].in);
}
END_TEST

/* behaviour AD-10 */
static const struct { const char *plain, *encoded; } codes[] = {
	{ "", "" }, { "a@b.c", "a@b.c" }, { "a+b=c d", "a+2Bb+3Dc+20d" }, { "\xc3\xbc", "+C3+BC" },
	{ "\n", "+0A" }, { "~!", "~!" }, { "\x7f", "+7F" },
};

START_TEST(test_encode)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert(xtext_encode(text_of(codes[_i].plain), &b));
	ck_assert_str_eq(buf_text(&b), codes[_i].encoded);
	buf_clear(&b);
	ck_assert(xtext_decode(text_of(codes[_i].encoded), &b));
	ck_assert_str_eq(buf_text(&b), codes[_i].plain);
	buf_free(&b);
}
END_TEST

/* RFC 6533 section 3 */
static const struct { const char *plain, *encoded; } utf8_codes[] = {
	{ "", "" }, { "a@b.c", "a@b.c" }, { "gr\xc3\xbcn@x", "gr\\x{FC}n@x" },
	{ "a+b=c d", "a\\x{2B}b\\x{3D}c\\x{20}d" },
	{ "\\", "\\x{5C}" }, { "\xe2\x82\xac", "\\x{20AC}" }, { "\xf0\x9f\x98\x80", "\\x{1F600}" },
};

START_TEST(test_encode_utf8)
{
	struct buf b;

	buf_init(&b, 100);
	xtext_encode_utf8(text_of(utf8_codes[_i].plain), &b);
	ck_assert_str_eq(buf_text(&b), utf8_codes[_i].encoded);
	buf_clear(&b);
	ck_assert(xtext_decode_utf8(text_of(utf8_codes[_i].encoded), &b));
	ck_assert_str_eq(buf_text(&b), utf8_codes[_i].plain);
	buf_free(&b);
}
END_TEST

/* What is no character stays as it was written. */
static const struct { const char *in, *out; } utf8_forms[] = {
	{ "gr\xc3\xbcn@x", "gr\xc3\xbcn@x" }, { "\\x{0000FC}", "\xc3\xbc" },
	{ "\\x{10FFFF}", "\xf4\x8f\xbf\xbf" },
	{ "\\x{fc}", "\xc3\xbc" },
	{ "\\x{110000}", "\\x{110000}" }, { "\\x{D800}", "\\x{D800}" }, { "\\x{00000FC}", "\\x{00000FC}" },
	{ "\\x{F}", "\\x{F}" }, { "\\x{}", "\\x{}" }, { "\\x{FC", "\\x{FC" }, { "\\x{FG}", "\\x{FG}" },
		{ "\\x", "\\x" },
	{ "\\", "\\" }, { "\\x{00}", "\\x{00}" },
};

START_TEST(test_decode_utf8)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert(xtext_decode_utf8(text_of(utf8_forms[_i].in), &b));
	ck_assert_str_eq(buf_text(&b), utf8_forms[_i].out);
	buf_clear(&b);
	b.max = 1;
	ck_assert(!xtext_decode_utf8(text_of("gr\xc3\xbcn"), &b));
	buf_free(&b);
}
END_TEST

START_TEST(test_every_byte)
{
	char bytes[256];
	struct buf encoded, back;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	buf_init(&encoded, 1000);
	buf_init(&back, 1000);
	ck_assert(xtext_encode(text_make(bytes, 256), &encoded));
	ck_assert(xtext_decode(text_make(encoded.data, encoded.len), &back));
	ck_assert_uint_eq(back.len, 256);
	ck_assert_mem_eq(back.data, bytes, 256);
	buf_free(&encoded);
	buf_free(&back);
}
END_TEST

static const struct { const char *in, *out; } odd[] = {
	{ "a+", "a+" }, { "+2", "+2" }, { "+zz", "+zz" }, { "++20", "+ " },
};

START_TEST(test_decode_odd)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert(xtext_decode(text_of(odd[_i].in), &b));
	ck_assert_str_eq(buf_text(&b), odd[_i].out);
	buf_free(&b);
}
END_TEST

START_TEST(test_ceiling)
{
	struct buf b;

	buf_init(&b, 2);
	ck_assert(!xtext_encode(text_of("abc"), &b));
	buf_clear(&b);
	ck_assert(!xtext_encode(text_of("+"), &b));
	buf_clear(&b);
	ck_assert(!xtext_decode(text_of("+20bc"), &b));
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "checks", test_check, UNIT_ROWS(checks), 0 },
		{ "encodes and decodes", test_encode, UNIT_ROWS(codes), 0 },
		{ "carries every byte", test_every_byte, 1, 0 },
		{ "encodes and decodes addresses in UTF-8", test_encode_utf8, UNIT_ROWS(utf8_codes), 0 },
		{ "knows both forms of these", test_decode_utf8, UNIT_ROWS(utf8_forms), 0 },
		{ "leaves bad sequences alone", test_decode_odd, UNIT_ROWS(odd), 0 },
		{ "keeps the ceiling", test_ceiling, 1, 0 },
	};

	return unit_main("format/xtext", cases, UNIT_ROWS(cases));
}
