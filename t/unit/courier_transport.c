#include "unit.h"

#include <string.h>

#include "courier/transport.h"
#include "format/smtp/ehlo.h"

static struct settings *settings;
static struct transports *transports;

static void set(const char *path, const char *value)
{
	const char *why;

	if (!settings_set(settings, path, value, &why))
		ck_abort_msg("%s: %s", path, why);
}

/* With one option set; NULL: refused. */
static const struct transport *lmtp_with(const char *path, const char *value)
{
	char *bad, *why;

	settings = settings_new();
	if (path)
		set(path, value);
	transports = transports_new(settings, false, &bad, &why);
	ck_assert_msg(transports != NULL, "%s: %s", transports ? "" : bad, transports ? "" : why);
	return transports_find(transports, "lmtp");
}

static void done(void)
{
	transports_free(transports);
	settings_free(settings);
}

/* The address that a connection to 192.0.2.1 (or, v6, 2001:db8::1) comes from; "": any. */
static const struct {
	const char *path, *value;
	bool v6;
	const char *from;
} sources[] = {
	{ NULL, NULL, false, "" },
	{ "lmtp.bind_address", "127.0.0.2", false, "127.0.0.2" },
	{ "lmtp.bind_address", "[127.0.0.2]", false, "127.0.0.2" },
	{ "lmtp.bind_address", "127.0.0.2", true, "" },
	{ "lmtp.bind_address6", "::1", true, "::1" },
	{ "lmtp.bind_address6", "[::1]", true, "::1" },
	{ "lmtp.bind_address6", "[ipv6:::1]", true, "::1" },
	{ "lmtp.bind_address6", "::1", false, "" },
	/* parameter inet_interfaces, behaviour C-3: the one address of a family by which this host is known */
	{ "inet_interfaces", "192.0.2.7", false, "192.0.2.7" },
	{ "inet_interfaces", "192.0.2.7", true, "" },
	{ "inet_interfaces", "192.0.2.7, 2001:db8::7", true, "2001:db8::7" },
	{ "inet_interfaces", "192.0.2.7, 192.0.2.8", false, "" },
	{ "inet_interfaces", "127.0.0.1", false, "" },
	{ "inet_interfaces", "::1", true, "" },
	{ "inet_interfaces", "all", false, "" },
};

START_TEST(test_C_3_source_address)
{
	const struct transport *t = lmtp_with(sources[_i].path, sources[_i].value);
	char text[ENDPOINT_TEXT_SIZE] = "";
	const struct endpoint *from;
	struct endpoint to;

	ck_assert(endpoint_inet(&to, sources[_i].v6 ? "2001:db8::1" : "192.0.2.1", 24));
	from = transport_from(t, &to);
	ck_assert_str_eq(from ? endpoint_text(from, text) : "", sources[_i].from);
	ck_assert(endpoint_unix(&to, "/s"));
	ck_assert_ptr_null(transport_from(t, &to));
	done();
}
END_TEST

static const struct {
	const char *list, *nexthop;
	bool kept;
} kept[] = {
	{ "", "unix:/s", false },
	{ "/s", "unix:/s", true },
	{ "unix:/s", "unix:/s", true },
	{ "/other, /s", "unix:/s", true },
	{ "/s", "unix:/s2", false },
	{ "store.test", "inet:store.test", true },
	{ "store.test", "store.test:2424", true },
	{ "store.test", "inet:[store.test]:2424", true },
	{ "store.test", "inet:STORE.test", true },
	{ "store.test", "inet:other.test, store.test", false },
	{ "store.test", "inet:store.test, other.test", true },
	{ "store.test", "inet:sub.store.test", false },
	{ "store.test", "inet:", false },
	{ "192.0.2.1", "inet:[192.0.2.1]:24", true },
	{ "2001:db8::1", "inet:[ipv6:2001:db8::1]:24", false },
	{ "inline:{store.test=x, /s=y}", "inet:store.test", true },
	{ "inline:{store.test=x, /s=y}", "unix:/s", true },
	{ "inline:{store.test=x}", "unix:/s", false },
};

START_TEST(test_J_1_kept_destinations)
{
	const struct transport *t;
	struct settings *s;

	t = lmtp_with("lmtp.connection_cache_destinations",
		strcmp(kept[_i].list, "2001:db8::1") == 0 ? "" : kept[_i].list);
	s = settings;
	ck_assert(transport_keeps(t, kept[_i].nexthop));
	settings = s;
	set("lmtp.connection_cache_on_demand", "no");
	ck_assert(transport_keeps(t, kept[_i].nexthop) == kept[_i].kept);
	done();
}
END_TEST

static const struct {
	const char *words, *maps, *peer;
	unsigned mask;
} masks[] = {
	{ "", "", "/s", 0 },
	{ "dsn", "", "/s", EHLO_DSN },
	{ "DSN, Pipelining", "", "/s", EHLO_DSN | EHLO_PIPELINING },
	{ "dsn, nonsense silent-discard", "", "/s", EHLO_DSN | EHLO_SILENT },
	{ "dsn", "inline:{/s=size}", "/s", EHLO_SIZE },
	{ "dsn", "inline:{/s=size}", "/t", EHLO_DSN },
	{ "dsn", "inline:{{192.0.2.1 = pipelining silent-discard}}", "192.0.2.1", EHLO_PIPELINING | EHLO_SILENT },
	{ "dsn", "inline:{192.0.2.1=nothing}", "192.0.2.1", 0 },
};

START_TEST(test_E_15_discarded_keywords)
{
	const struct transport *t;
	char *bad, *why;
	const char *complaint;
	unsigned mask;

	settings = settings_new();
	set("lmtp.discard_lhlo_keywords", masks[_i].words);
	set("lmtp.discard_lhlo_keyword_address_maps", masks[_i].maps);
	transports = transports_new(settings, false, &bad, &why);
	t = transports_find(transports, "lmtp");
	ck_assert(transport_discards(t, masks[_i].peer, &mask, &complaint));
	ck_assert_uint_eq(mask, masks[_i].mask);
	done();
}
END_TEST

/* J-21: the smaller of the two. */
START_TEST(test_J_21_idle_time)
{
	ck_assert_int_eq(lmtp_with(NULL, NULL)->idle_time, 2000);
	done();
	ck_assert_int_eq(lmtp_with("lmtp.connection_cache_time_limit", "10s")->idle_time, 2000);
	done();
	ck_assert_int_eq(lmtp_with("lmtp.connection_cache_time_limit", "1s")->idle_time, 1000);
	done();
	ck_assert_int_eq(lmtp_with("connection_cache_ttl_limit", "1s")->idle_time, 1000);
	done();
}
END_TEST

static const struct {
	const char *path, *value, *blamed, *word;
} bad[] = {
	{ "lmtp.bind_address", "localhost", "lmtp.bind_address", "IPv4" },
	{ "lmtp.bind_address", "::1", "lmtp.bind_address", "IPv4" },
	{ "lmtp.bind_address", "[127.0.0.1", "lmtp.bind_address", "IPv4" },
	{ "smtp.bind_address6", "127.0.0.1", "smtp.bind_address6", "IPv6" },
	{ "lmtp.tcp_port", "nosuchservice", "lmtp.tcp_port", "nosuchservice" },
	{ "lmtp.tcp_port", "0", "lmtp.tcp_port", "0" },
	{ "lmtp.discard_lhlo_keyword_address_maps", "nosuch:/x", "lmtp.discard_lhlo_keyword_address_maps",
		"nosuch" },
	{ "smtp.discard_ehlo_keyword_address_maps", "texthash:/nonexistent",
		"smtp.discard_ehlo_keyword_address_maps", "nonexistent" },
	{ "lmtp.reply_filter", "texthash:/nonexistent", "lmtp.reply_filter", "nonexistent" },
	{ "lmtp.reply_filter", "word", "lmtp.reply_filter", "word" },
	{ "lmtp.connection_cache_destinations", "texthash:/nonexistent", "lmtp.connection_cache_destinations",
		"nonexistent" },
};

START_TEST(test_refused)
{
	char *path = NULL, *why = NULL;

	settings = settings_new();
	set(bad[_i].path, bad[_i].value);
	ck_assert_ptr_null(transports_new(settings, false, &path, &why));
	ck_assert_str_eq(path, bad[_i].blamed);
	ck_assert_ptr_nonnull(strstr(why, bad[_i].word));
	free(path);
	free(why);
	settings_free(settings);
}
END_TEST

START_TEST(test_find)
{
	lmtp_with(NULL, NULL);
	ck_assert_ptr_null(transports_find(transports, "nosuch"));
	ck_assert_ptr_eq(transports_find(transports, "smtp")->manner, settings->smtp);
	done();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "source address", test_C_3_source_address, UNIT_ROWS(sources), 0 },
		{ "kept destinations", test_J_1_kept_destinations, UNIT_ROWS(kept), 0 },
		{ "discarded keywords", test_E_15_discarded_keywords, UNIT_ROWS(masks), 0 },
		{ "idle time", test_J_21_idle_time, 1, 0 },
		{ "refused", test_refused, UNIT_ROWS(bad), 0 },
		{ "find", test_find, 1, 0 },
	};

	return unit_main("courier/transport", cases, UNIT_ROWS(cases));
}
