#include "unit.h"

#include <string.h>

#include "format/address/address.h"

#define UE "\xc3\xbc"

static const struct { const char *address, *local, *domain; } good[] = {
	{ "a@b", "a", "b" }, { "postmaster", "postmaster", "" },
	{ "First.Last+Detail@Example.ORG", "First.Last+Detail", "Example.ORG" },
	{ "!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*+-/=?^_`{|}~", "x.y" }, { "a@_dmarc.x_y", "a", "_dmarc.x_y" },
	{ "a@1.2.3.4", "a", "1.2.3.4" },
	{ "\"\"@x", "\"\"", "x" }, { "\"a b\"@x", "\"a b\"", "x" }, { "\"a@b\"@x", "\"a@b\"", "x" },
	{ "\"a\\\"b\\\\c\\ \"@x", "\"a\\\"b\\\\c\\ \"", "x" },
	{ "\"<>,;:.()[]\"@x", "\"<>,;:.()[]\"", "x" }, { "\"quoted alone\"", "\"quoted alone\"", "" },
	{ "a@[192.0.2.1]", "a", "[192.0.2.1]" }, { "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]" },
	{ "a@[ipv6:::ffff:192.0.2.1]", "a", "[ipv6:::ffff:192.0.2.1]" },
	{ "a@[x-tag:any@thing!]", "a", "[x-tag:any@thing!]" },
	{ "gr" UE "n@b" UE "cher.example", "gr" UE "n", "b" UE "cher.example" },
	{ "\"" UE " x\"@x", "\"" UE " x\"", "x" },
};

START_TEST(test_good)
{
	struct text address = text_of(good[_i].address), local, domain;
	const char *why = NULL;

	ck_assert_msg(address_check(address, &why), "%s: %s", good[_i].address, why);
	address_split(address, &local, &domain);
	ck_assert(text_is(local, good[_i].local));
	ck_assert(text_is(domain, good[_i].domain));
}
END_TEST

static const struct { const char *address, *why; } bad[] = {
	{ "", "local part is empty or has a dot out of place" },
	{ "@", "local part is empty or has a dot out of place" },
	{ "@x", "local part is empty or has a dot out of place" },
	{ ".a@x", "local part is empty or has a dot out of place" },
	{ "a.@x", "local part is empty or has a dot out of place" },
	{ "a..b@x", "local part is empty or has a dot out of place" },
	{ "a@", "domain is empty or has a dot out of place" },
	{ "a@.x", "domain is empty or has a dot out of place" },
	{ "a@x..y", "domain is empty or has a dot out of place" },
	{ "a@x.", "domain is empty or has a dot out of place" },
	{ "a@-x", "domain label begins or ends with a hyphen" },
	{ "a@x-.y", "domain label begins or ends with a hyphen" },
	{ "a b@x", "address holds a character that is not allowed there" },
	{ "a@x y", "address holds a character that is not allowed there" },
	{ "a@b@c", "address holds a character that is not allowed there" },
	{ "a@x!", "address holds a character that is not allowed there" },
	{ "a(b)@x", "address holds a character that is not allowed there" },
	{ "a\"b\"@x", "address holds a character that is not allowed there" },
	{ "\"a\"b@x", "address holds a character that is not allowed there" },
	{ "<a@b>", "address holds a character that is not allowed there" },
	{ "a,b@x", "address holds a character that is not allowed there" },
	{ "a\\b@x", "address holds a character that is not allowed there" },
	{ "\"a@x", "quoted local part does not end" }, { "\"a\\", "quoted local part does not end" },
	{ "\"", "quoted local part does not end" },
	{ "a\n@x", "address holds a control character" }, { "a\r@x", "address holds a control character" },
	{ "\"a\tb\"@x", "address holds a control character" },
	{ "\"a\\\nb\"@x", "address holds a control character" },
	{ "a@x\x7f", "address holds a control character" },
	{ "a\xc2\x85@x", "address holds a control character" },
	{ "a@x\x01y", "address holds a control character" },
	{ "a@[192.0.2.1\n]", "address holds a control character" },
	{ "\xff@x", "address is not valid UTF-8" }, { "a\xc3@x", "address is not valid UTF-8" },
	{ "a@\xc0\xaf", "address is not valid UTF-8" },
	{ "\"\xed\xa0\x80\"@x", "address is not valid UTF-8" },
	{ "\"\\\xc3\xbc\"@x", "address holds a character that is not allowed there" },
	{ "a@[]", "address literal is not valid" }, { "a@[1.2.3]", "address literal is not valid" },
	{ "a@[1.2.3.256]", "address literal is not valid" },
	{ "a@[::1]", "address literal is not valid" }, { "a@[IPv6:]", "address literal is not valid" },
	{ "a@[IPv6:1.2.3.4]", "address literal is not valid" },
	{ "a@[IPv6:1::2::3]", "address literal is not valid" },
	{ "a@[tag:]", "address literal is not valid" }, { "a@[tag-:x]", "address literal is not valid" },
	{ "a@[1.2.3.4]x", "address holds a character that is not allowed there" },
	{ "a@[1.2.3.4", "address ends too early" },
	{ "a@[1.2.3.4]]", "address holds a character that is not allowed there" },
	{ "a@[1[2]", "address holds a character that is not allowed there" },
};

START_TEST(test_bad)
{
	const char *why = "accepted";

	ck_assert_msg(!address_check(text_of(bad[_i].address), &why), "%s", bad[_i].address);
	ck_assert_str_eq(why, bad[_i].why);
}
END_TEST

/* Sizes of local part, first label, and how often ".abcdefg" follows; what is said of it. */
static const struct { size_t local, label, more; const char *why; } limits[] = {
	{ 64, 63, 0, NULL }, { 300, 63, 0, NULL }, { 744, 63, 24, NULL }, { 936, 63, 0, NULL },
	{ 1, 63, 24, NULL },
	{ 937, 63, 0, "address is longer than 1000 bytes" },
	{ 2000, 1, 0, "address is longer than 1000 bytes" },
	{ 1, 64, 0, "domain label is longer than 63 bytes" },
	{ 1, 63, 25, "domain is longer than 255 bytes" },
	{ 1, 200, 0, "domain label is longer than 63 bytes" },
};

START_TEST(test_limits)
{
	const char *why = NULL;
	struct buf b;

	buf_init(&b, 10000);
	for (size_t i = 0; i < limits[_i].local; i++)
		buf_char(&b, 'l');
	buf_char(&b, '@');
	for (size_t i = 0; i < limits[_i].label; i++)
		buf_char(&b, 'd');
	for (size_t i = 0; i < limits[_i].more; i++)
		buf_str(&b, ".abcdefg");
	ck_assert(address_check(text_of(b.data), &why) == !limits[_i].why);
	if (limits[_i].why)
		ck_assert_str_eq(why, limits[_i].why);
	buf_free(&b);
}
END_TEST

static const struct { const char *in, *address, *rest, *why; } paths[] = {
	{ "<a@b> X", "a@b", " X", NULL }, { "<>", "", "", NULL }, { "<postmaster>", "postmaster", "", NULL },
	{ "<\"a>b\"@c>d", "\"a>b\"@c", "d", NULL },
	{ "<@x,@y.z:a@b>", "a@b", "", NULL }, { "<@[1.2.3.4]:a@b>", "a@b", "", NULL },
	{ "", NULL, NULL, "address is not between < and >" },
	{ "a@b", NULL, NULL, "address is not between < and >" },
	{ "<", NULL, NULL, "local part is empty or has a dot out of place" },
	{ "<a@b", NULL, NULL, "address ends too early" },
	{ "<a", NULL, NULL, "address ends too early" },
	{ "< a@b>", NULL, NULL, "address holds a character that is not allowed there" },
	{ "<a@b >", NULL, NULL, "address holds a character that is not allowed there" },
	{ "<<a@b>>", NULL, NULL, "address holds a character that is not allowed there" },
	{ "<a@>", NULL, NULL, "domain is empty or has a dot out of place" },
	{ "<@>", NULL, NULL, "source route is not valid" },
	{ "<@x>", NULL, NULL, "source route is not valid" },
	{ "<@x:>", NULL, NULL, "local part is empty or has a dot out of place" },
	{ "<@x,y:a@b>", NULL, NULL, "source route is not valid" },
	{ "<@x,:a@b>", NULL, NULL, "source route is not valid" },
	{ "<a@b\r\n>", NULL, NULL, "address holds a control character" },
};

START_TEST(test_path)
{
	struct text from = text_of(paths[_i].in), address;
	const char *why = NULL;
	bool ok = address_path(&from, &address, &why);

	ck_assert_msg(ok == !paths[_i].why, "%s: %s", paths[_i].in, why);
	if (!ok) {
		ck_assert_str_eq(why, paths[_i].why);
		return;
	}
	ck_assert(text_is(address, paths[_i].address));
	ck_assert(text_is(from, paths[_i].rest));
}
END_TEST

/* behaviour AD-2 and AD-4 */
static const struct { const char *plain, *wire; } quotings[] = {
	{ "a", "a" }, { "a.b", "a.b" }, { UE, UE }, { "", "\"\"" }, { "a b", "\"a b\"" },
	{ "a..b", "\"a..b\"" }, { ".a", "\".a\"" }, { "a@b", "\"a@b\"" },
	{ "a\"b\\c", "\"a\\\"b\\\\c\"" }, { "a\nb", NULL }, { "a\x7f", NULL }, { "\xff", NULL },
	{ "\xc2\x80", NULL }, { "\x1b", NULL },
};

START_TEST(test_quote)
{
	struct buf b;
	const char *why;

	buf_init(&b, 100);
	ck_assert(address_quote(text_of(quotings[_i].plain), &b) == (quotings[_i].wire != NULL));
	if (!quotings[_i].wire) {
		buf_free(&b);
		return;
	}
	ck_assert_str_eq(buf_text(&b), quotings[_i].wire);
	ck_assert(address_check(text_of(buf_text(&b)), &why));
	buf_clear(&b);
	ck_assert(address_unquote(text_of(quotings[_i].wire), &b));
	ck_assert_str_eq(buf_text(&b), quotings[_i].plain);
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "accepts and splits", test_good, UNIT_ROWS(good), 0 },
		{ "refuses", test_bad, UNIT_ROWS(bad), 0 },
		{ "keeps the limits", test_limits, UNIT_ROWS(limits), 0 },
		{ "reads paths", test_path, UNIT_ROWS(paths), 0 },
		{ "quotes and unquotes", test_quote, UNIT_ROWS(quotings), 0 },
	};

	return unit_main("format/address", cases, UNIT_ROWS(cases));
}
