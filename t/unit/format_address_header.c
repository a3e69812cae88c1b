/* Where the addresses stand in a field, and what they are: each is written as [span=address]. */
#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "format/header/address_header.h"
#include "unit.h"

/* A value, and the same with what was found: what stands between < and > here is where it stands, and behind
 * = the address if it is not the same. Most rows are mistakes that people and programs make. */
static const struct { const char *value, *found; } rows[] = {
	/* as it should be */
	{ " a@b.test", " [a@b.test]" },
	{ " a@b.test, c@d.test", " [a@b.test], [c@d.test]" },
	{ " Name <a@b.test>", " Name <[a@b.test]>" },
	{ " \"A, B\" <a@b.test> (c, d@e.test)", " \"A, B\" <[a@b.test]> (c, d@e.test)" },
	{ " \"x@y.test\" <a@b.test>", " \"x@y.test\" <[a@b.test]>" },
	{ " group: a@b.test, N <c@d.test>;, e@f.test", " group: [a@b.test], N <[c@d.test]>;, [e@f.test]" },
	{ " undisclosed-recipients:;", " undisclosed-recipients:;" },
	{ " A:;,B: a@b.test;", " A:;,B: [a@b.test];" },
	{ " =?utf-8?q?J=C3=B6rg?= <a@b.test>,\r\n\tc@d.test",
		" =?utf-8?q?J=C3=B6rg?= <[a@b.test]>,\r\n\t[c@d.test]" },
	{ "\r\n a@b.test", "\r\n [a@b.test]" },
	{ " \"q q\"@b.test", " [\"q q\"@b.test]" },
	{ " \"plain\"@b.test", " [\"plain\"@b.test=plain@b.test]" },
	{ " \"a\\\"\\\\b\"@b.test", " [\"a\\\"\\\\b\"@b.test]" },
	{ " \"a\\b\"@b.test", " [\"a\\b\"@b.test=ab@b.test]" },
	{ " \"a\r\n b\"@b.test", " [\"a\r\n b\"@b.test=\"a b\"@b.test]" },
	{ " a@[192.0.2.1], b@[IPv6:::1]", " [a@[192.0.2.1]], [b@[IPv6:::1]]" },
	{ " a@[192.0.2.1]., b@c.test", " [a@[192.0.2.1].=a@[192.0.2.1]], [b@c.test]" },
	{ " a@[192.0.2.1].b@c.test, d@e.test", " a@[192.0.2.1].b@c.test, [d@e.test]" },
	{ " a@b.test c.(x, d@e.test), f@g.test", " [a@b.test] c.(x, d@e.test), [f@g.test]" },
	{ " j\xc3\xb6@b\xc3\xbc.test", " [j\xc3\xb6@b\xc3\xbc.test]" },
	{ " a+b@c.test, o'x@c.test, a/b=c@d.test", " [a+b@c.test], [o'x@c.test], [a/b=c@d.test]" },
	/* old forms (RFC 5322 section 4.4) */
	{ " <@r.test,@s.test:a@b.test>", " <[@r.test,@s.test:a@b.test=a@b.test]>" },
	{ " < @r.test : a@b.test >", " < [@r.test : a@b.test=a@b.test] >" },
	{ " a . b @ c . test", " [a . b @ c . test=a.b@c.test]" },
	{ " a (x) @ (y) b.test (z)", " [a (x) @ (y) b.test=a@b.test] (z)" },
	{ " Na (c) me (d(e)f) <(g)a@b.test(h)>", " Na (c) me (d(e)f) <(g)[a@b.test](h)>" },
	{ " ,,a@b.test,,", " ,,[a@b.test],," },
	{ " Mr. A. B. C <a@b.test>", " Mr. A. B. C <[a@b.test]>" },
	{ " \"a\".b.\"c d\"@e.test", " [\"a\".b.\"c d\"@e.test=\"a.b.c d\"@e.test]" },
	/* local parts alone */
	{ " root", " [root]" },
	{ " root (Cron Daemon)", " [root] (Cron Daemon)" },
	{ " root, <postmaster>, \"q q\"", " [root], <[postmaster]>, [\"q q\"]" },
	{ " g: root;", " g: [root];" },
	{ " not an address, a@b.test", " not an address, [a@b.test]" },
	{ " Mailing list", " Mailing list" },
	{ " a <b@c.test> d", " a <[b@c.test]> d" },
	/* mistakes */
	{ "", "" },
	{ " ", " " },
	{ " ,", " ," },
	{ " <>", " <>" },
	{ " <", " <" },
	{ " >", " >" },
	{ " @", " @" },
	{ " @b.test", " @b.test" },
	{ " a@", " a@" },
	{ " a@,b@c.test", " a@,[b@c.test]" },
	{ " <a@b.test", " <[a@b.test]" },
	{ " a@b.test>", " [a@b.test]>" },
	{ " <<a@b.test>>", " <<[a@b.test]>>" },
	{ " <a b@c.test>, d@e.test", " <a b@c.test>, [d@e.test]" },
	{ " a <b@c.test> d <e@f.test>", " a <[b@c.test]> d <[e@f.test]>" },
	{ " a@b.test c@d.test", " [a@b.test] [c@d.test]" },
	{ " a@b.test <c@d.test>", " a@b.test <[c@d.test]>" },
	{ " a@b.test;c@d.test", " [a@b.test];[c@d.test]" },
	{ " a@b@c.test, d@e.test", " a@b@c.test, [d@e.test]" },
	{ " a@b.test\"c\"@d.test, e@f.test", " a@b.test\"c\"@d.test, [e@f.test]" },
	{ " a@[192.0.2.1]b, c@d.test", " a@[192.0.2.1]b, [c@d.test]" },
	{ " a@b.test.", " [a@b.test.=a@b.test]" },
	{ " .a@b.test", " [.a@b.test=\".a\"@b.test]" },
	{ " a..b@c.test", " [a..b@c.test=\"a..b\"@c.test]" },
	{ " a@b..test, c@d.test", " a@b..test, [c@d.test]" },
	{ " a@-b.test", " a@-b.test" },
	{ " a\\b@c.test, d@e.test", " a\\b@c.test, [d@e.test]" },
	{ " a\\ b@c.test, d@e.test", " a\\ b@c.test, [d@e.test]" },
	{ " \"never ends a@b.test, c@d.test", " \"never ends a@b.test, c@d.test" },
	{ " \"", " \"" },
	{ " \"a\\", " \"a\\" },
	{ " a@b.test, \"never ends", " [a@b.test], \"never ends" },
	{ " a@b.test, (never ends", " [a@b.test], (never ends" },
	{ " a@b.test) c@d.test", " [a@b.test]) c@d.test" },
	{ " (a@b.test", " (a@b.test" },
	{ " a@[192.0.2.1, b@c.test", " a@[192.0.2.1, [b@c.test]" },
	{ " a@[x y]", " a@[x y]" },
	{ " a@[not.an.address]", " a@[not.an.address]" },
	{ " mailto:a@b.test", " mailto:[a@b.test]" },
	{ " <mailto:a@b.test>", " <mailto:a@b.test>" },
	{ " :a@b.test", " :[a@b.test]" },
	{ " a@b.test:c@d.test", " [a@b.test]:c@d.test" },
	{ " <,@r.test: a@b.test>, c@d.test", " <,@r.test: a@b.test>, [c@d.test]" },
	{ " <:a@b.test>", " <:a@b.test>" },
	{ " <@r.test,,@ s . test , : a@b.test>", " <[@r.test,,@ s . test , : a@b.test=a@b.test]>" },
	{ " <@r.test a@b.test>", " <@r.test a@b.test>" },
	{ " \x01" "a@b.test, c@d.test", " \x01" "a@b.test, [c@d.test]" },
	{ " a\x7f@b.test, c@d.test", " a\x7f@b.test, [c@d.test]" },
	{ " \xff@b.test, c@d.test", " \xff@b.test, [c@d.test]" },
	{ " J\xf6rg <a@b.test>", " J\xf6rg <[a@b.test]>" },
	{ " \"a\tb\"@c.test, d@e.test", " \"a\tb\"@c.test, [d@e.test]" },
};

/* The value with all that was found in it; checks that spans follow each other and that addresses are
 * good. */
static char *marked(struct text value)
{
	struct address_header h;
	struct buf out;
	const char *done = value.p, *why;
	char *result;

	address_header_init(&h);
	address_header_begin(&h, value);
	buf_init(&out, 1 << 20);
	while (address_header_next(&h)) {
		ck_assert(h.at.p >= done && h.at.n > 0 && h.at.p + h.at.n <= value.p + value.n);
		ck_assert(address_check(text_make(h.address.data, h.address.len), &why));
		buf_add(&out, done, (size_t)(h.at.p - done));
		buf_fmt(&out, "[%.*s", (int)h.at.n, h.at.p);
		if (h.at.n != h.address.len || memcmp(h.at.p, h.address.data, h.at.n) != 0)
			buf_fmt(&out, "=%s", buf_text(&h.address));
		buf_char(&out, ']');
		done = h.at.p + h.at.n;
	}
	buf_add(&out, done, (size_t)(value.p + value.n - done));
	address_header_free(&h);
	result = mem_strn(buf_text(&out), out.len);
	buf_free(&out);
	return result;
}

START_TEST(test_found)
{
	char *found = marked(text_of(rows[_i].value));

	ck_assert_str_eq(found, rows[_i].found);
	free(found);
}
END_TEST

START_TEST(test_nul_is_a_mistake_as_others)
{
	static const char value[] = " a@b.test, \0c@d.test, <\0>, e@f.test";
	char *found = marked(text_make(value, sizeof value - 1));

	ck_assert_int_eq(memcmp(found, " [a@b.test], \0c@d.test, <\0>, [e@f.test]", 40), 0);
	free(found);
}
END_TEST

/* A local part too long, an address too long, many elements, deep comments: each is passed over in linear
 * time. */
START_TEST(test_sizes)
{
	static const struct { const char *unit; size_t times; const char *rest; size_t found; } sizes[] = {
		{ "a", 900, "@b.test", 1 }, { "a", 1100, "@b.test", 0 }, { "a", 5000, "@b.test, c@d.test", 1 },
		{ "a@b.test,", 50000, "", 50000 }, { "a@b.test ", 50000, "", 50000 }, { "(", 100000, "a@b.test", 0 },
		{ "<", 100000, "a@b.test", 1 }, { "a ", 100000, ", b@c.test", 1 }, { "a:", 100000, "b@c.test", 1 },
		{ "a <b> ", 50000, "<c@d.test>", 50001 }, { "\"", 99999, "a@b.test", 0 },
		{ "@a,", 50000, ":b@c.test", 1 },
		{ "a.", 50000, "b@c.test", 0 }, { "a@", 50000, "b.test", 0 }, { "[", 100000, "", 0 },
	};
	struct address_header h;
	struct buf value;
	size_t count = 0;

	buf_init(&value, 1 << 20);
	for (size_t i = 0; i < sizes[_i].times; i++)
		buf_str(&value, sizes[_i].unit);
	buf_str(&value, sizes[_i].rest);
	address_header_init(&h);
	address_header_begin(&h, text_make(value.data, value.len));
	while (address_header_next(&h))
		count++;
	ck_assert_uint_eq(count, sizes[_i].found);
	address_header_free(&h);
	buf_free(&value);
}
END_TEST

static const struct { const char *name; bool is; } names[] = {
	{ "From", true }, { "to", true }, { "CC", true }, { "Bcc", true }, { "Sender", true },
	{ "Reply-To", true },
	{ "Resent-From", true }, { "Resent-Bcc", true }, { "Return-Path", true }, { "Errors-To", true },
	{ "Apparently-To", true }, { "Mail-Followup-To", true }, { "Disposition-Notification-To", true },
	{ "", false }, { "F", false }, { "Fromm", false }, { "From ", false }, { "Subject", false },
	{ "Received", false },
	{ "Delivered-To", false }, { "X-Original-To", false }, { "Message-ID", false }, { "References", false },
	{ "Mail-Reply-To", false }, { "List-Post", false }, { "X-From", false }, { "Resent-Date", false },
	{ "Resent-Message-ID", false }, { "In-Reply-To", false }, { "Content-Type", false }, { "To:", false },
};

START_TEST(test_names)
{
	ck_assert_int_eq(address_header_is(text_of(names[_i].name)), names[_i].is);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "found", test_found, UNIT_ROWS(rows), 0 },
		{ "NUL is a mistake as others", test_nul_is_a_mistake_as_others, 1, 0 },
		{ "sizes", test_sizes, 15, 0 },
		{ "names", test_names, UNIT_ROWS(names), 0 },
	};

	return unit_main("format/address_header", cases, UNIT_ROWS(cases));
}
