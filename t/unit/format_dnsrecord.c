/* The records of a question out of a DNS message: aliases, other people's records, damage, and the form for
 * filters. */
#include "unit.h"

#include <string.h>

#include "format/dns/dnsrecord.h"

#define HEAD(n) "\1\2\x81\x80\0\0\0" n "\0\0\0\0"
#define FIXED(type, size) "\0" type "\0\1\0\0\0\x3c\0" size
#define A_NAME "\1a\4test\0"
#define B_NAME "\1b\4test\0"

struct packet {
	const char *bytes;
	size_t n;
};
#define PACKET(text) { text, sizeof text - 1 }

static const struct {
	struct packet packet;
	enum dnsmsg_type type;
	enum dnsrecord_result result;
	const char *wanted;
} rows[] = {
	{ PACKET(HEAD("\0")), DNSMSG_A, DNSRECORD_READ, "a.test:" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\1", "\4") "\300\0\2\1"), DNSMSG_A, DNSRECORD_READ,
		"a.test: a.test. 60 IN A 192.0.2.1" },
	{ PACKET(HEAD("\1") "\1A\4TEST\0" FIXED("\1", "\4") "\300\0\2\1"), DNSMSG_A, DNSRECORD_READ,
		"a.test: a.test. 60 IN A 192.0.2.1" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\34", "\20") "\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), DNSMSG_AAAA,
		DNSRECORD_READ, "a.test: a.test. 60 IN AAAA 2001:db8::1" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\17", "\012") "\0\12\1b\4test\0"), DNSMSG_MX, DNSRECORD_READ,
		"a.test: a.test. 60 IN MX 10 b.test." },
	{ PACKET(HEAD("\1") A_NAME FIXED("\17", "\3") "\0\0\0"), DNSMSG_MX, DNSRECORD_READ,
		"a.test: a.test. 60 IN MX 0 ." },
	{ PACKET(HEAD("\1") A_NAME FIXED("\41", "\016") "\0\1\0\2\2\113\1b\4test\0"), DNSMSG_SRV, DNSRECORD_READ,
		"a.test: a.test. 60 IN SRV 1 2 587 b.test." },
	{ PACKET(HEAD("\1") A_NAME FIXED("\64", "\5") "\3\1\1\253\315"), DNSMSG_TLSA, DNSRECORD_READ,
		"a.test: a.test. 60 IN TLSA 3 1 1 ABCD" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\5", "\10") B_NAME), DNSMSG_CNAME, DNSRECORD_READ,
		"a.test: a.test. 60 IN CNAME b.test." },
	{ PACKET(HEAD("\1") A_NAME FIXED("\20", "\2") "\1x"), DNSMSG_TXT, DNSRECORD_READ,
		"a.test: a.test. 60 IN TXT 0178" },
	/* aliases, in any order; one that leads to a name without records */
	{ PACKET(HEAD("\2") A_NAME FIXED("\5", "\10") B_NAME B_NAME FIXED("\1", "\4") "\300\0\2\1"), DNSMSG_A,
		DNSRECORD_READ, "b.test: b.test. 60 IN A 192.0.2.1" },
	{ PACKET(HEAD("\2") B_NAME FIXED("\1", "\4") "\300\0\2\1" A_NAME FIXED("\5", "\10") B_NAME), DNSMSG_A,
		DNSRECORD_READ, "b.test: b.test. 60 IN A 192.0.2.1" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\5", "\10") B_NAME), DNSMSG_A, DNSRECORD_READ, "b.test:" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\5", "\10") A_NAME), DNSMSG_A, DNSRECORD_CIRCLE, NULL },
	{ PACKET(HEAD("\2") A_NAME FIXED("\5", "\10") B_NAME B_NAME FIXED("\5", "\10") A_NAME), DNSMSG_A,
		DNSRECORD_CIRCLE, NULL },
	/* somebody else's records */
	{ PACKET(HEAD("\1") B_NAME FIXED("\1", "\4") "\300\0\2\1"), DNSMSG_A, DNSRECORD_STRANGE, NULL },
	{ PACKET(HEAD("\2") A_NAME FIXED("\1", "\4") "\300\0\2\1" B_NAME FIXED("\1", "\4") "\300\0\2\2"),
		DNSMSG_A, DNSRECORD_READ, "a.test: a.test. 60 IN A 192.0.2.1" },
	{ PACKET(HEAD("\1") A_NAME FIXED("\17", "\012") "\0\12\1b\4test\0"), DNSMSG_A, DNSRECORD_READ,
		"a.test:" },
	/* too many: two are asked for */
	{ PACKET(HEAD("\3") A_NAME FIXED("\1", "\4") "\1\1\1\1" A_NAME FIXED("\1", "\4") "\2\2\2\2"
	         A_NAME FIXED("\1", "\4") "\3\3\3\3"), DNSMSG_A, DNSRECORD_READ,
		"a.test: a.test. 60 IN A 1.1.1.1 a.test. 60 IN A 2.2.2.2 and more" },
	/* damage */
	{ PACKET(HEAD("\2") A_NAME FIXED("\1", "\4") "\300\0\2\1"), DNSMSG_A, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\1", "\3") "\300\0\2"), DNSMSG_A, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\1", "\5") "\300\0\2\1\1"), DNSMSG_A, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\34", "\4") "\300\0\2\1"), DNSMSG_AAAA, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\17", "\1") "\0"), DNSMSG_MX, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\17", "\012") "\0\12\1b\5test\0"), DNSMSG_MX, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\41", "\6") "\0\1\0\2\2\113"), DNSMSG_SRV, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\5", "\1") "\1"), DNSMSG_A, DNSRECORD_DAMAGED, NULL },
	{ PACKET(HEAD("\1") A_NAME FIXED("\1", "\4") "\300\0"), DNSMSG_A, DNSRECORD_DAMAGED, NULL },
};

static char *show(const struct dnsrecord_set *set)
{
	struct buf out;

	buf_init(&out, 2000);
	buf_fmt(&out, "%s:", set->owner);
	for (size_t i = 0; i < set->count; i++) {
		buf_char(&out, ' ');
		dnsrecord_print(set->owner, &set->records[i], &out);
	}
	if (set->cut)
		buf_str(&out, " and more");
	return buf_take(&out);
}

START_TEST(test_records)
{
	struct dnsrecord_set set;
	struct dnsmsg m;
	char *text;

	ck_assert(dnsmsg_open(&m, rows[_i].packet.bytes, rows[_i].packet.n));
	ck_assert_int_eq(dnsrecord_read(&m, "a.test", rows[_i].type, 2, &set), rows[_i].result);
	text = show(&set);
	if (rows[_i].wanted)
		ck_assert_str_eq(text, rows[_i].wanted);
	free(text);
	dnsrecord_clear(&set);
}
END_TEST

static const struct { const char *word; enum dnsmsg_type type; } types[] = {
	{ "MX", DNSMSG_MX }, { "tlsa", DNSMSG_TLSA }, { "aaaa", DNSMSG_AAAA }, { "", 0 }, { "MXX", 0 },
	{ "TYPE15", 0 },
};

START_TEST(test_types)
{
	char name[16];

	ck_assert_int_eq(dnsmsg_type_of(types[_i].word), types[_i].type);
	if (types[_i].type)
		ck_assert_int_eq(dnsmsg_type_of(dnsmsg_type_name(types[_i].type, name)), types[_i].type);
	ck_assert_str_eq(dnsmsg_type_name((enum dnsmsg_type)65280, name), "TYPE65280");
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "records", test_records, UNIT_ROWS(rows), 0 },
		{ "types", test_types, UNIT_ROWS(types), 0 },
	};

	return unit_main("format/dnsrecord", cases, UNIT_ROWS(cases));
}
