#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "format/dns/dnsmsg.h"

/* Pieces of a message; counts are those of questions and answers. */
#define HEAD(flags, questions, answers) "\0\7" flags "\0" questions "\0" answers "\0\0\0\0"
#define RESPONSE "\x81\x80"
#define QUESTION "\3www\1x\0\0\1\0\1"
#define PACKET(s) s, sizeof(s) - 1

/* The answers as text: "owner type ttl value;", then "." at a good end or "!" at a bad one; "?" if it
 * cannot be opened. */
static const struct { const char *packet; size_t size; const char *out; } rows[] = {
	{ PACKET(HEAD(RESPONSE, "\0", "\0")), "." },
	{ PACKET(HEAD(RESPONSE, "\1", "\1") QUESTION "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"),
	  "www.x 1 300 192.0.2.1;." },
	{ PACKET(HEAD(RESPONSE, "\1",
	  "\1") QUESTION "\xc0\x0c\0\x1c\0\1\0\0\0\1\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	  "www.x 28 1 2001:db8::1;." },
	{ PACKET(HEAD(RESPONSE, "\1", "\2") QUESTION "\xc0\x0c\0\5\0\1\0\0\0\1\0\4\1a\xc0\x10"
	  "\xc0\x23\0\1\0\1\0\0\0\1\0\4\1\2\3\4"), "www.x 5 1 a.x;a.x 1 1 1.2.3.4;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\x0f\0\1\0\0\0\1\0\5\0\x0a\1m\0"), ". 15 1 10 m;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\4a.\\\n\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4"),
	  "a\\046\\092\\010 1 1 1.2.3.4;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\1\0\1\xff\0\0\0\0\4\1\2\3\4"), ". 1 0 1.2.3.4;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\2") "\0\0\1\0\3\0\0\0\1\0\1x" "\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4"),
	  ". 1 1 1.2.3.4;." },
	/* of another length or kind than it says */
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\1\0\1\0\0\0\1\0\5\1\2\3\4\5"), ". 1 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\x1c\0\1\0\0\0\1\0\4\1\2\3\4"), ". 28 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\5\0\1\0\0\0\1\0\0"), ". 5 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\5\0\1\0\0\0\1\0\4\1a\0x"), ". 5 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\5\0\1\0\0\0\1\0\2\1a\0"), ". 5 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\5\0\1\0\0\0\1\0\2\xc0\x17"), ". 5 1 -;." },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\5\0\1\0\0\0\1\0\2\xc0\xff"), ". 5 1 -;." },
	/* damaged */
	{ PACKET(""), "?" }, { PACKET("\0\7" RESPONSE), "?" }, { PACKET(HEAD("\1\0", "\0", "\0")), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0")), "?" }, { PACKET(HEAD(RESPONSE, "\2", "\0") QUESTION), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\3www\1x\0\0\1\0"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\3ww"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\xc0\x0c\0\1\0\1"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\xc0"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\x40x\0\0\1\0\1"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\x80x\0\0\1\0\1"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\1a\xc0\x0c\0\1\0\1"), "?" },
	{ PACKET(HEAD(RESPONSE, "\1", "\0") "\xc0\x0e\xc0\x0c\0\1\0\1"), "?" },
	{ PACKET(HEAD(RESPONSE, "\0", "\1")), "!" },
	{ PACKET(HEAD(RESPONSE, "\0", "\2") "\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4"), ". 1 1 1.2.3.4;!" },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\1\0\1\0\0\0\1\0\4\1\2\3"), "!" },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\1\0\1\0\0\0\1\0"), "!" },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\0\0\1\0\1\0\0\0\1\xff\xff\1\2\3\4"), "!" },
	{ PACKET(HEAD(RESPONSE, "\0", "\1") "\xc0\xff\0\1\0\1\0\0\0\1\0\4\1\2\3\4"), "!" },
};

static void print_record(const struct dnsmsg *m, const struct dnsmsg_record *r, char *out)
{
	char name[DNSMSG_NAME_SIZE], address[INET6_ADDRSTRLEN];

	out += sprintf(out, "%s %d %u ", r->owner, r->type, (unsigned)r->ttl);
	if (r->type == DNSMSG_A && r->size == 4)
		sprintf(out, "%s;", inet_ntop(AF_INET, r->data, address, sizeof address));
	else if (r->type == DNSMSG_AAAA && r->size == 16)
		sprintf(out, "%s;", inet_ntop(AF_INET6, r->data, address, sizeof address));
	else if (r->type == DNSMSG_CNAME && dnsmsg_target(m, r, 0, name))
		sprintf(out, "%s;", name);
	else if (r->type == DNSMSG_MX && dnsmsg_target(m, r, 2, name))
		sprintf(out, "%d %s;", dnsmsg_number(r, 0), name);
	else
		sprintf(out, "-;");
}

START_TEST(test_read)
{
	char *copy = malloc(rows[_i].size + 1), out[5000] = "";
	enum dnsmsg_result result;
	struct dnsmsg_record r;
	struct dnsmsg m;

	copy = realloc(copy, rows[_i].size ? rows[_i].size : 1);
	memcpy(copy, rows[_i].packet, rows[_i].size);
	if (!dnsmsg_open(&m, copy, rows[_i].size)) {
		ck_assert_str_eq("?", rows[_i].out);
		free(copy);
		return;
	}
	while ((result = dnsmsg_next(&m, &r)) == DNSMSG_RECORD)
		print_record(&m, &r, out + strlen(out));
	strcat(out, result == DNSMSG_END ? "." : "!");
	ck_assert_str_eq(out, rows[_i].out);
	ck_assert_int_eq(dnsmsg_next(&m, &r), DNSMSG_END);
	free(copy);
}
END_TEST

static const struct { const char *flags; unsigned rcode; bool truncated, authentic; } flags[] = {
	{ "\x81\x80", DNSMSG_NOERROR, false, false }, { "\x81\x83", DNSMSG_NXDOMAIN, false, false },
	{ "\x83\x82", DNSMSG_SERVFAIL, true, false },
	{ "\x81\xa0", DNSMSG_NOERROR, false, true },
};

START_TEST(test_flags)
{
	char packet[12] = "";
	struct dnsmsg m;

	memcpy(packet + 2, flags[_i].flags, 2);
	ck_assert(dnsmsg_open(&m, packet, sizeof packet));
	ck_assert_uint_eq(m.rcode, flags[_i].rcode);
	ck_assert(m.truncated == flags[_i].truncated && m.authentic == flags[_i].authentic);
}
END_TEST

/* Labels of 63 bytes that need escapes: the longest text there is; one more label is too much. */
START_TEST(test_longest_name)
{
	unsigned char packet[600] = { 0, 7, 0x81, 0x80, 0, 0, 0, 1 };
	char name[DNSMSG_NAME_SIZE];
	struct dnsmsg m;
	size_t after, at = 12;

	for (int labels = 0; labels < 4; labels++) {
		size_t n = labels < 3 ? 63 : 61;

		packet[at++] = (unsigned char)n;
		memset(packet + at, 1, n);
		at += n;
	}
	ck_assert(dnsmsg_open(&m, packet, sizeof packet));
	ck_assert(dnsmsg_name(&m, 12, name, &after));
	ck_assert_uint_eq(after, 12 + 255);
	ck_assert_uint_eq(strlen(name), 250 * 4 + 3);
	packet[12 + 3 * 64] = 62;
	ck_assert(!dnsmsg_name(&m, 12, name, &after));
}
END_TEST

/* A chain of pointers, each to the one before it, is followed; it always ends. */
START_TEST(test_pointer_chain)
{
	unsigned char packet[4096] = { 0, 7, 0x81, 0x80 };
	char name[DNSMSG_NAME_SIZE];
	struct dnsmsg m;
	size_t after;

	packet[12] = 0;
	for (size_t at = 14; at < sizeof packet; at += 2) {
		packet[at] = (unsigned char)(0xc0 | (at - 2) >> 8);
		packet[at + 1] = (unsigned char)(at - 2);
	}
	packet[13] = 0;
	ck_assert(dnsmsg_open(&m, packet, sizeof packet));
	ck_assert(dnsmsg_name(&m, sizeof packet - 2, name, &after));
	ck_assert_str_eq(name, ".");
	ck_assert_uint_eq(after, sizeof packet);
}
END_TEST

START_TEST(test_number)
{
	struct dnsmsg_record r = { .data = (const uint8_t *)"\1\2\3", .size = 3 };

	ck_assert_uint_eq(dnsmsg_number(&r, 0), 0x102);
	ck_assert_uint_eq(dnsmsg_number(&r, 1), 0x203);
	ck_assert_uint_eq(dnsmsg_number(&r, 2), 0);
	ck_assert_uint_eq(dnsmsg_number(&r, (size_t)-1), 0);
	r.size = 1;
	ck_assert_uint_eq(dnsmsg_number(&r, 0), 0);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads answers", test_read, UNIT_ROWS(rows), 0 },
		{ "reads flags", test_flags, UNIT_ROWS(flags), 0 },
		{ "bounds names", test_longest_name, 1, 0 },
		{ "follows pointers backwards", test_pointer_chain, 1, 0 },
		{ "reads numbers", test_number, 1, 0 },
	};

	return unit_main("format/dnsmsg", cases, UNIT_ROWS(cases));
}
