#include <stdlib.h>
#include <string.h>

#include "table/table.h"
#include "unit.h"

/* A list, a domain, and whether it is in the list. */
static const struct { const char *list, *domain; bool in; } domains[] = {
	{ "", "a.test", false },
	{ "a.test", "a.test", true },
	{ "A.Test", "a.tEST", true },
	{ "a.test", "b.test", false },
	{ "a.test", "sub.a.test", false },
	{ "a.test", "test", false },
	{ "a.test", "", false },
	{ ".a.test", "sub.a.test", true },
	{ ".a.test", "x.sub.a.test", true },
	{ ".a.test", "a.test", false },
	{ ".a.test", "ba.test", false },
	{ ".test", "a.test", true },
	{ "a.test .a.test", "a.test", true },
	{ "a.test,b.test ,, c.test\n\td.test", "d.test", true },
	{ "inline:{a.test=1}", "a.test", true },
	{ "inline:{.a.test=1}", "b.a.test", true },
	{ "inline:{a.test=1, b.test=2}, c.test", "b.test", true },
	{ "x.test inline:{a.test=1} c.test inline:{d.test=2}", "c.test", true },
	{ "x.test inline:{a.test=1} c.test inline:{d.test=2}", "d.test", true },
	{ "x.test inline:{a.test=1} c.test inline:{d.test=2}", "e.test", false },
	{ "[192.0.2.1]", "[192.0.2.1]", true },
	{ "[IPv6:2001:db8::1]", "[ipv6:2001:db8::1]", true },
	{ "*", "a.test", false },
	{ "regexp:{{/^a\\.test$/ x}}", "A.test", true },
	{ "regexp:{{/^a\\.test$/ x}}", "sub.a.test", false },
	{ "regexp:{{/a\\.test$/ x}}", "sub.a.test", true },
	{ "b.test regexp:{{/^\\./ x}}", "sub.a.test", false },
	{ "pcre:{{/^a\\.test$/ x}}, b.test", "b.test", true },
	{ "cidr:{{192.0.2.0/24 x}}", "192.0.2.1", true },
	{ "static:x", "a.test", true },
};

START_TEST(test_domain)
{
	const char *error = "unset";
	char *why = NULL;
	struct table_list *l = table_list_open(domains[_i].list, &why);

	ck_assert_msg(l, "%s", why);
	ck_assert_int_eq(table_list_has_domain(l, domains[_i].domain, &error), domains[_i].in);
	ck_assert_ptr_null(error);
	table_list_free(l);
}
END_TEST

static const struct { const char *list, *key, *value; } values[] = {
	{ "inline:{a=1} inline:{a=2, b=3}", "a", "1" },
	{ "inline:{a=1} inline:{a=2, b=3}", "b", "3" },
	{ "a inline:{a=2}", "a", "" },
	{ "inline:{a=2} a", "a", "2" },
	{ "inline:{a=2} b", "c", NULL },
	{ "regexp:{{/^a$/ one}}, inline:{a=2} static:{the rest}", "A", "one" },
	{ "regexp:{{/^b$/ one}}, inline:{a=2} static:{the rest}", "A", "2" },
	{ "regexp:{{/^b$/ one}}, inline:{a=2} static:{the rest}", "C", "the rest" },
	{ "cidr:{{10.0.0.0/8 net}}, inline:{10.1.1.1=host}", "10.1.1.1", "net" },
};

START_TEST(test_value)
{
	const char *error, *value;
	char *why = NULL;
	struct table_list *l = table_list_open(values[_i].list, &why);

	ck_assert_msg(l, "%s", why);
	value = table_list_get(l, values[_i].key, &error);
	ck_assert_ptr_null(error);
	if (values[_i].value)
		ck_assert_str_eq(value, values[_i].value);
	else
		ck_assert_ptr_null(value);
	table_list_free(l);
}
END_TEST

/* Parts of a key are for fixed strings only. */
START_TEST(test_part)
{
	const char *error, *list = "regexp:{{/a/ pattern}}, cidr:{{0.0.0.0/0 net}}, inline:{a=fixed, "
		"10.0.0.1=host}";
	char *why = NULL;
	struct table_list *l = table_list_open(list, &why);

	ck_assert_msg(l, "%s", why);
	ck_assert_str_eq(table_list_get(l, "a", &error), "pattern");
	ck_assert_str_eq(table_list_get_part(l, "A", &error), "fixed");
	ck_assert_str_eq(table_list_get_part(l, "10.0.0.1", &error), "host");
	ck_assert_ptr_null(table_list_get_part(l, "ba", &error));
	ck_assert_ptr_null(error);
	table_list_free(l);
}
END_TEST

static const struct { const char *list, *complaint; } refusals[] = {
	{ "a.test, hash:/etc/x", "hash" },
	{ "a.test, texthash:/nonexistent/x", "/nonexistent/x" },
	{ "/etc/domains", "neither files nor exceptions" },
	{ "a.test !b.test", "neither files nor exceptions" },
	{ "inline:{a}", "key=value" },
	{ "pcre:/nonexistent/x a.test", "/nonexistent/x" },
	{ "lmdb:/nonexistent/x a.test", "cannot open" },
};

START_TEST(test_refusal)
{
	char *why = NULL;

	ck_assert_ptr_null(table_list_open(refusals[_i].list, &why));
	ck_assert_msg(why && strstr(why, refusals[_i].complaint), "complaint: %s", why);
	free(why);
}
END_TEST

static const char *const no_tables[] = { "a.test", "inline:{a=1}, a.test", "/etc/x", "!static:x" };

START_TEST(test_tables_alone)
{
	char *why = NULL;
	struct table_list *l = table_list_open_tables("inline:{a=1}, static:x", &why);

	ck_assert_ptr_nonnull(l);
	table_list_free(l);
	ck_assert_ptr_null(table_list_open_tables(no_tables[_i], &why));
	ck_assert_msg(why && strstr(why, "is no lookup table"), "complaint: %s", why);
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "domain", test_domain, UNIT_ROWS(domains), 0 },
		{ "value", test_value, UNIT_ROWS(values), 0 },
		{ "part", test_part, 1, 0 },
		{ "refusal", test_refusal, UNIT_ROWS(refusals), 0 },
		{ "tables alone", test_tables_alone, UNIT_ROWS(no_tables), 0 },
	};

	return unit_main("table/table_list", cases, UNIT_ROWS(cases));
}
