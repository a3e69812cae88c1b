#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "tool/address_list.h"

/* What comes out, one address a word. */
static const struct {
	const char *list, *addresses;
} good[] = {
	{ "", "" },
	{ " \t\r\n ", "" },
	{ ",,;,", "" },
	{ "a@example.org", "a@example.org " },
	{ "a@example.org,b@example.org", "a@example.org b@example.org " },
	{ "a@example.org;\r\n\tb@example.org,", "a@example.org b@example.org " },
	{ "local", "local " },
	{ "<a@example.org>", "a@example.org " },
	{ "One <a@example.org>", "a@example.org " },
	{ "One Two\n <a@example.org>", "a@example.org " },
	{ "John Q. Public <a@example.org>", "a@example.org " },
	{ "\"Last, First\" <a@example.org>", "a@example.org " },
	{ "\"a \\\" <x@y>\" <a@example.org>", "a@example.org " },
	{ "=?utf-8?q?J=C3=B6rg?= <a@example.org>", "a@example.org " },
	{ "Jörg <jörg@exämple.org>", "jörg@exämple.org " },
	{ "friends: a@example.org, B <b@example.org>;", "a@example.org b@example.org " },
	{ "undisclosed recipients:;", "" },
	{ "one:;, two: a@example.org;, b@example.org", "a@example.org b@example.org " },
	{ "(note) a@example.org (nested (twice) \\) still)", "a@example.org " },
	{ "a (x) . b (y) @ (z) example . org", "a.b@example.org " },
	{ "< a . b @ example.org >", "a.b@example.org " },
	{ "<@one.test,@two.test:a@example.org>", "a@example.org " },
	{ "\"a b\"@example.org", "\"a b\"@example.org " },
	{ "a\\", "\"a\\\\\" " },
	{ "\"a.b\"@example.org", "a.b@example.org " },
	{ "a.\"b\".c@example.org", "a.b.c@example.org " },
	{ "a..b@example.org", "\"a..b\"@example.org " },
	{ "a@[192.0.2.1], b@[IPv6:2001:db8::1]", "a@[192.0.2.1] b@[IPv6:2001:db8::1] " },
	{ "a+Detail@example.org", "a+Detail@example.org " },
	{ "-a@example.org", "-a@example.org " },
	{ "a@example.org (comment, with comma)", "a@example.org " },
};

static const struct {
	const char *list, *element, *why;
} bad[] = {
	{ "a b", "a b", "side by side" },
	{ "a b@example.org", "a b@", "side by side" },
	{ "ok@example.org, a b@example.org, c", "a b@", "side by side" },
	{ "a@", "a@", "no domain" },
	{ "a@, b", "a@,", "no domain" },
	{ "@example.org", "@", "no local part" },
	{ "@", "@", "no local part" },
	{ "<>", "<>", "no local part" },
	{ "Name <>", "Name <>", "no local part" },
	{ "<a@example.org", "<a@example.org", "no >" },
	{ "Name <a b@example.org>", "Name <a b@", "side by side" },
	{ "<a@example.org> tail", "<a@example.org> tail", "behind the address" },
	{ "a@example.org b@example.org", "a@example.org b", "behind the address" },
	{ "a@b@c", "a@b@", "behind the address" },
	{ "a>", "a>", "behind the address" },
	{ "a@example.org>", "a@example.org>", "behind the address" },
	{ "a (never ends", "a (never ends", "does not end" },
	{ "\"never ends@example.org", "\"never ends@example.org", "does not end" },
	{ "\"ends in backslash\\", "\"ends in backslash\\", "does not end" },
	{ "a@[192.0.2.1", "a@[192.0.2.1", "no domain" },
	{ "a@[192.0.2.256]", "a@[192.0.2.256]", "literal" },
	{ "a@[]", "a@[]", "literal" },
	{ "a@example..org", "a@example..org", "dot out of place" },
	{ "a@.org", "a@.org", "dot out of place" },
	{ "a@-x.org", "a@-x.org", "hyphen" },
	{ "a@exa mple.org", "a@exa mple", "behind the address" },
	{ "a@ex$ample.org", "a@ex$ample.org", "not allowed" },
	{ "a\x01@example.org", "a\x01@example.org", "control" },
	{ "\"a\r\n b\"@example.org", "\"a\r\n b\"@example.org", "control" },
	{ "a@example\x7f.org", "a@example\x7f.org", "control" },
	{ "\xff@example.org", "\xff@example.org", "UTF-8" },
	{ "a@\xc3.org", "a@\xc3.org", "UTF-8" },
	{ "[192.0.2.1]", "[192.0.2.1]", "no local part" },
	{ "group: a@example.org; b c", "b c", "side by side" },
	{ ":", ":", "no local part" },
	{ "(a):b", ":", "no local part" },
};

static void add(void *arg, const char *address)
{
	buf_fmt(arg, "%s ", address);
}

START_TEST(test_finds)
{
	struct address_list_fault fault = { { NULL, 0 }, "" };
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_msg(
		address_list(text_of(good[_i].list), add, &out, &fault), "%s: %s", good[_i].list, fault.why);
	ck_assert_str_eq(buf_text(&out), good[_i].addresses);
	buf_free(&out);
}
END_TEST

START_TEST(test_refuses)
{
	struct address_list_fault fault = { { NULL, 0 }, NULL };
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_msg(!address_list(text_of(bad[_i].list), add, &out, &fault), "%s gave %s", bad[_i].list,
		buf_text(&out));
	ck_assert_ptr_nonnull(fault.why);
	ck_assert_msg(strstr(fault.why, bad[_i].why) != NULL, "%s: %s", bad[_i].list, fault.why);
	ck_assert_msg(strncmp(fault.element.p, bad[_i].element, strlen(bad[_i].element)) == 0, "%s: %.*s",
		bad[_i].list, (int)fault.element.n, fault.element.p);
	buf_free(&out);
}
END_TEST

/* Lengths around the limits of format/address/address.h, and far beyond. */
static const struct {
	size_t local, domain;
	bool good;
} lengths[] = {
	{ 64, 11, true },
	{ 300, 11, true },
	{ 988, 11, true },
	{ 989, 11, false },
	{ 5000, 11, false },
	{ 100000, 11, false },
	{ 1, 100000, false },
};

START_TEST(test_lengths)
{
	struct address_list_fault fault = { { NULL, 0 }, "" };
	struct buf list, out;

	buf_init(&list, 1000000);
	buf_init(&out, 1000000);
	for (size_t i = 0; i < lengths[_i].local; i++)
		buf_char(&list, 'a');
	buf_char(&list, '@');
	for (size_t i = 0; i < lengths[_i].domain; i++)
		buf_str(&list, i % 4 == 3 ? "." : "x");
	ck_assert_msg(address_list(text_of(buf_text(&list)), add, &out, &fault) == lengths[_i].good, "%s",
		fault.why);
	buf_free(&list);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "finds", test_finds, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
		{ "lengths", test_lengths, UNIT_ROWS(lengths), 0 },
	};

	return unit_main("tool/address_list", cases, UNIT_ROWS(cases));
}
