/* Addresses and paths that a connection goes to. */
#include "unit.h"

#include <string.h>

#include "net/endpoint.h"

static const struct {
	const char *text;
	bool good, v6;
} numerics[] = {
	{ "127.0.0.1", true, false }, { "::1", true, true }, { "2001:db8::25", true, true },
	{ "", false, false }, { "127.1", false, false }, { "127.0.0.1:25", false, false },
	{ "[::1]", false, false }, { "localhost", false, false }, { "1.2.3.4.5", false, false },
};

START_TEST(test_endpoint)
{
	struct endpoint e;
	char text[ENDPOINT_TEXT_SIZE];

	ck_assert_int_eq(endpoint_inet(&e, numerics[_i].text, 2525), numerics[_i].good);
	if (!numerics[_i].good)
		return;
	ck_assert_str_eq(endpoint_text(&e, text), numerics[_i].text);
	ck_assert_uint_eq(endpoint_port(&e), 2525);
	ck_assert_int_eq(endpoint_is_v6(&e), numerics[_i].v6);
}
END_TEST

START_TEST(test_endpoint_path)
{
	struct endpoint e;
	char path[110] = "";

	ck_assert(!endpoint_unix(&e, path));
	memset(path, 'x', 107);
	ck_assert(endpoint_unix(&e, path));
	path[107] = 'x';
	ck_assert(!endpoint_unix(&e, path));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "endpoint", test_endpoint, UNIT_ROWS(numerics), 0 },
		{ "endpoint path", test_endpoint_path, 1, 0 },
	};

	return unit_main("net/endpoint", cases, UNIT_ROWS(cases));
}
