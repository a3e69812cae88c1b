#include "unit.h"

#include <string.h>

#include "format/smtp/ehlo.h"

static const struct { const char *text; struct ehlo e; } rows[] = {
	{ "250 mx.example.org", { .name = "mx.example.org" } },
	{ "250-mx.example.org Hello\n250-PIPELINING\n250-SIZE "
		"1000\n250-8bitmime\n250-DSN\n250-ENHANCEDSTATUSCODES\n250 SMTPUTF8",
	  { .name = "mx.example.org", .size = 1000,
	    .offers = EHLO_PIPELINING | EHLO_SIZE | EHLO_8BITMIME | EHLO_DSN | EHLO_ENHANCEDSTATUSCODES
	    | EHLO_SMTPUTF8 } },
	{ "250-x\n250-STARTTLS junk\n250-CHUNKING\n250-REQUIRETLS\n250-XCLIENT A B\n250-ETRN\n250-VRFY\n250 VERP",
	  { .name = "x",
	    .offers = EHLO_STARTTLS | EHLO_CHUNKING | EHLO_REQUIRETLS | EHLO_XCLIENT | EHLO_ETRN | EHLO_VRFY
	    | EHLO_VERP } },
	{ "250-x\n250-AUTH PLAIN LOGIN\n250-AUTH=LOGIN CRAM-MD5\n250 auth", { .name = "x",
	  .offers = EHLO_AUTH, .auth = "PLAIN LOGIN CRAM-MD5" } },
	{ "250-x\n250 AUTH", { .name = "x", .offers = EHLO_AUTH } },
	{ "250-x\n250 XFORWARD NAME ADDR port Proto HELO IDENT SOURCE OTHER", { .name = "x",
	  .offers = EHLO_XFORWARD, .xforward = 127 } },
	{ "250-x\n250-SIZE 5\n250 SIZE 7", { .name = "x", .offers = EHLO_SIZE, .size = 7 } },
	{ "250-x\n250 SIZE", { .name = "x", .offers = EHLO_SIZE } },
	{ "250-x\n250 SIZE 0", { .name = "x", .offers = EHLO_SIZE } },
	{ "250-x\n250 SIZE=12", { .name = "x", .offers = EHLO_SIZE, .size = 12 } },
	/* no limit in these */
	{ "250-x\n250 SIZE big", { .name = "x", .offers = EHLO_SIZE } },
	{ "250-x\n250 SIZE 12k", { .name = "x", .offers = EHLO_SIZE } },
	{ "250-x\n250 SIZE -1", { .name = "x", .offers = EHLO_SIZE } },
	{ "250-x\n250 SIZE 18446744073709551616", { .name = "x", .offers = EHLO_SIZE } },
	/* nothing known in these */
	{ "", { 0 } }, { "250", { 0 } }, { "250 ", { 0 } }, { "garbage", { 0 } },
	{ "250-PIPELINING SIZE\n250 x", { .name = "PIPELINING" } },
	{ "250-x\nPIPELINING\n250 y", { .name = "x" } }, { "250-x\n25 PIPELINING\n250 y", { .name = "x" } },
	{ "250-x\n250\tPIPELINING\n250 y", { .name = "x" } },
	{ "250-x\n250-PIPELININGS\n250-XSIZE 4\n250-8BIT\n250", { .name = "x" } },
	{ "250-x\n250 silent-discard", { .name = "x" } },
	{ "250-x\n250-\n250 =SIZE", { .name = "x" } },
};

START_TEST(test_parse)
{
	struct ehlo e = { .offers = ~0u, .size = 99, .name = "old", .auth = "OLD", .xforward = 1 };

	ehlo_parse(&e, rows[_i].text);
	ck_assert_uint_eq(e.offers, rows[_i].e.offers);
	ck_assert_uint_eq(e.size, rows[_i].e.size);
	ck_assert_uint_eq(e.xforward, rows[_i].e.xforward);
	ck_assert_str_eq(e.name, rows[_i].e.name);
	ck_assert_str_eq(e.auth, rows[_i].e.auth);
}
END_TEST

/* Names and lists longer than there is room for are cut, whole words each. */
START_TEST(test_room)
{
	char text[4000] = "250-", *p = text + 4;
	struct ehlo e;

	for (int i = 0; i < 300; i++)
		*p++ = 'n';
	p += sprintf(p, "\n250 AUTH");
	for (int i = 0; i < 100; i++)
		p += sprintf(p, " MECHANISM-%d", i);
	ehlo_parse(&e, text);
	ck_assert_uint_eq(strlen(e.name), sizeof e.name - 1);
	ck_assert_uint_lt(strlen(e.auth), sizeof e.auth);
	ck_assert_uint_gt(strlen(e.auth), sizeof e.auth - 16);
	ck_assert_ptr_nonnull(strstr(e.auth, "MECHANISM-1 "));
	ck_assert_ptr_null(strstr(e.auth, "MECHANISM-99"));
}
END_TEST

static const struct { const char *list; unsigned mask; } masks[] = {
	{ "pipelining, 8BITMIME silent-discard", EHLO_PIPELINING | EHLO_8BITMIME | EHLO_SILENT },
	{ "starttls,auth", EHLO_STARTTLS | EHLO_AUTH },
	{ "", 0 }, { "unknown", 0 }, { "PIPELININGX,PIPE", 0 }, { ", ,", 0 },
};

START_TEST(test_mask)
{
	ck_assert_uint_eq(ehlo_mask(masks[_i].list), masks[_i].mask);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads announcements", test_parse, UNIT_ROWS(rows), 0 },
		{ "keeps to its room", test_room, 1, 0 },
		{ "reads masks", test_mask, UNIT_ROWS(masks), 0 },
	};

	return unit_main("format/ehlo", cases, UNIT_ROWS(cases));
}
