/* Parameters of MIME fields, in pieces and with a charset (RFC 2045 section 5.1, RFC 2231). */
#include "unit.h"

#include <string.h>

#include "format/header/mime_value.h"

#define MOST 32

static const struct { const char *rest, *value; } found[] = {
	{ "boundary=x", "x" }, { "a=b; BOUNDARY = \"x y\" ; c=d", "x y" }, { "boundary=\"a\\\"b\"", "a\"b" },
	{ "boundary=x; boundary=y", "x" }, { "boundary=\"\"; boundary=y", "" },
	/* a charset */
	{ "boundary*=utf-8''x", "x" }, { "boundary*=us-ascii'en'a%20b%3D", "a b=" },
	{ "Boundary*=''%c3%A4", "\xc3\xa4" },
	{ "boundary*=\"utf-8''a b\"", "a b" }, { "boundary*=utf-8''it's", "it's" }, { "boundary*=a%62c", "abc" },
	{ "boundary*=it's", "it's" }, { "boundary*=utf-8''%", "%" }, { "boundary*=''%4", "%4" },
	{ "boundary*=''%4g%zz%41", "%4g%zzA" },
	{ "boundary*=''", "" }, { "boundary*=", "" },
	/* what is not encoded stays as it is */
	{ "boundary=utf-8''a%20b", "utf-8''a%20b" }, { "boundary*0=utf-8''a%20b", "utf-8''a%20b" },
	/* pieces, in any order, each in quotes or not, encoded or not */
	{ "boundary*0=ab; boundary*1=cd; boundary*2=\"e f\"", "abcde f" },
	{ "boundary*1=cd; x=y; boundary*0=ab", "abcd" },
	{ "boundary*0*=utf-8'en'a%20; boundary*1=b%20; boundary*2*=c%20'd'", "a b%20c 'd'" },
	{ "boundary*00=a; boundary*01=b", "ab" }, { "boundary*0=a; boundary*0=b; boundary*1=c", "ac" },
	{ "boundary*0=; boundary*1=a", "a" }, { "boundary*0=a; boundary*2=c", "a" },
	{ "boundary*0=a; BOUNDARY*1=b", "ab" },
	/* which of them counts */
	{ "boundary*0=a; boundary=x", "x" }, { "boundary*=''a; boundary=x", "x" },
	{ "boundary=x; boundary*=''a", "x" },
	{ "boundary*0=a; boundary*=''b", "b" }, { "boundary*=''a; boundary*=''b", "a" },
	/* too long for the buffer: as much as fits, also at what was encoded */
	{ "boundary*0=\"0123456789012345\"; boundary*1*=%30%31%32%33%34%35%36%37%38%39%30%31%32%33%34%35; "
		"boundary*2=6",
	  "01234567890123450123456789012345" },
};

static const char *const none[] = {
	"", "boundary", "boundary; x=y", "bound=x", "xboundary=x", "boundary*1=a", "boundary*x=a",
	"boundary*0x=a", "boundary**=a",
	"boundary*0**=a", "boundary0=a", "boundary*-1=a", "boundary*64=a", "boundary*18446744073709551616=a",
	"boundaryx*=''a", "boundary *0=a", "*0=a", "*=a", "=a",
};

START_TEST(test_found)
{
	struct buf b;

	buf_init(&b, MOST);
	mime_parameter(text_of(found[_i].rest), "boundary", &b);
	ck_assert_str_eq(buf_text(&b), found[_i].value);
	ck_assert(b.over == (_i == UNIT_ROWS(found) - 1));
	buf_free(&b);
}
END_TEST

START_TEST(test_none)
{
	struct buf b;

	buf_init(&b, MOST);
	mime_parameter(text_of(none[_i]), "boundary", &b);
	ck_assert_msg(b.len == 0, "%s: %s", none[_i], buf_text(&b));
	buf_free(&b);
}
END_TEST

/* All 64 pieces and no more, last ones first. */
START_TEST(test_many)
{
	struct buf field, value;

	buf_init(&field, 10000);
	buf_init(&value, 1000);
	for (int i = 99; i >= 0; i--)
		buf_fmt(&field, "x*%d%s=%c;", i, i % 3 ? "" : "*", "abcdefghij"[i % 10]);
	mime_parameter(text_make(field.data, field.len), "x", &value);
	ck_assert_uint_eq(value.len, 64);
	for (size_t i = 0; i < value.len; i++)
		ck_assert_int_eq(value.data[i], "abcdefghij"[i % 10]);
	buf_free(&field);
	buf_free(&value);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "found", test_found, UNIT_ROWS(found), 0 },
		{ "none", test_none, UNIT_ROWS(none), 0 },
		{ "many pieces", test_many, 1, 0 },
	};

	return unit_main("format/mime_value", cases, UNIT_ROWS(cases));
}
