/* How much is logged about TLS with one host. */
#include <stdlib.h>

#include "courier/tls/tls_loglevel.h"
#include "talk/tls_log.h"
#include "unit.h"

enum { USUAL = TLS_LOG_CACHE, ONE = TLS_LOG_SUMMARY };

static const struct {
	const char *tables, *name, *address;
	bool below;
	unsigned level;
} rows[] = {
	{ "inline:{mx.a.test=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{mx.a.test=1}", "MX.A.Test", "192.0.2.1", false, ONE },
	{ "inline:{mx.a.test=1}", "mx2.a.test", "192.0.2.1", false, USUAL },
	{ "inline:{.a.test=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{.test=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{.a.test=1}", "a.test", "192.0.2.1", false, USUAL },
	{ "inline:{a.test=1}", "mx.a.test", "192.0.2.1", false, USUAL },
	{ "inline:{a.test=1}", "mx.a.test", "192.0.2.1", true, ONE },
	{ "inline:{192.0.2.1=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{192.0.2=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{192=1}", "mx.a.test", "192.0.2.1", false, ONE },
	{ "inline:{192.0.2=1}", "mx.a.test", "192.0.21.1", false, USUAL },
	{ "inline:{2001:db8=1}", "mx.a.test", "2001:db8::5", false, ONE },
	{ "cidr:{{192.0.2.0/24 1}}", "mx.a.test", "192.0.2.1", false, ONE },
	/* the first one counts, the name ahead of the address */
	{ "inline:{mx.a.test=0, 192.0.2.1=1}", "mx.a.test", "192.0.2.1", false, 0 },
	{ "inline:{mx.a.test=none, .a.test=1}", "mx.a.test", "192.0.2.1", false, 0 },
	{ "inline:{.a.test=dunno, 192.0.2.1=1}", "mx.a.test", "192.0.2.1", false, USUAL },
	{ "inline:{mx.a.test=loud}", "mx.a.test", "192.0.2.1", false, 0 },
	{ "inline:{{mx.a.test=1, cache}}", "mx.a.test", "192.0.2.1", false, ONE | TLS_LOG_CACHE },
	{ "inline:{/run/lmtp=1}", "me.test", "/run/lmtp", false, ONE },
	{ "inline:{me.test=1}", "me.test", "/run/lmtp", false, ONE },
};

START_TEST(test_level)
{
	char *why = NULL;
	struct table_list *tables = table_list_open(rows[_i].tables, &why);

	ck_assert_msg(tables, "%s", why);
	ck_assert_uint_eq(tls_loglevel_of(tables, rows[_i].below, rows[_i].name, rows[_i].address, USUAL),
		rows[_i].level);
	table_list_free(tables);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "level", test_level, UNIT_ROWS(rows), 0 },
	};

	return unit_main("courier/tls_loglevel", cases, UNIT_ROWS(cases));
}
