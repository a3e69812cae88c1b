#include "unit.h"

#include "courier/hosts/ports.h"

#define KNOWN "lmtp=24, smtp=25,smtps=submissions=465 mail=2525"

static const struct {
	const char *service;
	unsigned port;   /* 0: there is none */
} rows[] = {
	{ "24", 24 }, { "65535", 65535 }, { "lmtp", 24 }, { "smtps", 465 }, { "submissions", 465 },
	{ "mail", 2525 }, { "", 0 }, { "0", 0 }, { "65536", 0 }, { "-1", 0 }, { "24 ", 0 }, { "465", 465 },
	{ "lmtp=24", 0 }, { "LMTP", 0 }, { "nosuchservice", 0 },
};

START_TEST(test_find)
{
	uint16_t port;
	bool found = port_find(KNOWN, rows[_i].service, &port);

	ck_assert(found == (rows[_i].port > 0));
	ck_assert_uint_eq(port, rows[_i].port);
}
END_TEST

static const struct {
	const char *list;
	bool good;
} lists[] = {
	{ KNOWN, true }, { "", true }, { "a=1", true }, { "a=b=c=1", true }, { "a", false }, { "a=", false },
	{ "a=b", false }, { "=1", false }, { "a==1", false }, { "a=0", false }, { "a=65536", false },
	{ "a=1 a=2", false }, { "a=b=1, b=1", false }, { "a=a=1", false }, { "a=1, 25", false },
};

START_TEST(test_list)
{
	const char *why = NULL;

	ck_assert(port_list_check(lists[_i].list, &why) == lists[_i].good);
	ck_assert(!why == lists[_i].good);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "find", test_find, UNIT_ROWS(rows), 0 },
		{ "list", test_list, UNIT_ROWS(lists), 0 },
	};

	return unit_main("courier/ports", cases, UNIT_ROWS(cases));
}
