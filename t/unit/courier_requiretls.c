/* requiretls_policy (behaviour ). */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "courier/tls/requiretls.h"

#define USUAL "inline:{{example.org=opportunistic}, {.example.org=opportunistic}, " \
	"{localhost=opportunistic}}, " \
	"cidr:{{0.0.0.0/0 opportunistic}, {::/0 opportunistic}}, enforce"
#define ACTIONS "inline:{a.test=opportunistic+starttls, .a.test=disable, .b.a.test=Enforce, e.test=error}"

static const struct { const char *list, *nexthop; enum requiretls action; const char *why; } found[] = {
	{ USUAL, "example.org", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "EXAMPLE.org", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "a.b.example.org", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "localhost", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "192.0.2.1", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "2001:db8::1", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ USUAL, "other.org", REQUIRETLS_ENFORCE, NULL }, { USUAL, "badexample.org", REQUIRETLS_ENFORCE, NULL },
	{ USUAL, "a.localhost", REQUIRETLS_ENFORCE, NULL },
	{ ACTIONS, "a.test", REQUIRETLS_STARTTLS, NULL }, { ACTIONS, "x.a.test", REQUIRETLS_OFF, NULL },
	{ ACTIONS, "b.a.test", REQUIRETLS_OFF, NULL }, { ACTIONS, "x.b.a.test", REQUIRETLS_ENFORCE, NULL },
	{ ACTIONS, "x.y.b.a.test", REQUIRETLS_ENFORCE, NULL }, { ACTIONS, "test", REQUIRETLS_ENFORCE, NULL },
	{ "inline:{xn--bcher-kva.test=disable}", "b\303\274cher.test", REQUIRETLS_OFF, NULL },
	{ "", "a.test", REQUIRETLS_ENFORCE, NULL }, { "disable", "a.test", REQUIRETLS_OFF, NULL },
	{ "disable, enforce", "a.test", REQUIRETLS_OFF, NULL },
	{ "static:opportunistic", "a.test", REQUIRETLS_OPPORTUNISTIC, NULL },
	{ ACTIONS, "e.test", REQUIRETLS_ERROR, "error" }, { "error", "a.test", REQUIRETLS_ERROR, "error" },
	{ "inline:{a.test=strict}", "a.test", REQUIRETLS_ERROR, "no action 'strict'" },
	{ "inline:{{a.test=enforce, disable}}", "a.test", REQUIRETLS_ERROR, "no action" },
	{ "inline:{a.test=static:enforce}, disable", "a.test", REQUIRETLS_ERROR, "no action" },
	{ "static:{}, disable", "a.test", REQUIRETLS_ERROR, "no action" },
};

START_TEST(test_Q_2_and_5_found)
{
	char *why = NULL;
	struct requiretls_policy *p = requiretls_policy_open(found[_i].list, &why);

	ck_assert_msg(p != NULL, "%s", why);
	ck_assert_int_eq(requiretls_policy_find(p, found[_i].nexthop, &why), found[_i].action);
	ck_assert_msg(found[_i].why ? why && strstr(why, found[_i].why) : !why, "%s", why ? why : "no complaint");
	free(why);
	requiretls_policy_free(p);
}
END_TEST

static const struct { const char *list, *why; } bad[] = {
	{ "enforced", "'enforced' is neither" }, { "disable enforce opportunistic starttls",
		"'starttls' is neither" },
	{ "opportunistic+", "'opportunistic+' is neither" }, { "/etc/file", "'/etc/file' is neither" },
	{ "!enforce", "'!enforce' is neither" }, { "none", "'none' is neither" },
	{ "nothing:x", "no lookup table type" },
	{ "inline:{}", "empty" }, { "cidr:{{0.0.0.0/33 enforce}}", "prefix" },
	{ "texthash:/nowhere", "cannot open" },
	{ "enforce, inline:{a}", "key=value" },
};

START_TEST(test_bad)
{
	char *why = NULL;

	ck_assert_ptr_null(requiretls_policy_open(bad[_i].list, &why));
	ck_assert_msg(why && strstr(why, bad[_i].why), "%s", why ? why : "no complaint");
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "actions", test_Q_2_and_5_found, UNIT_ROWS(found), 0 },
		{ "lists that make no sense", test_bad, UNIT_ROWS(bad), 0 },
	};

	return unit_main("courier/requiretls", cases, UNIT_ROWS(cases));
}
