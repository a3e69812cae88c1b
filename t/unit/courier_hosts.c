/* What a nexthop leads to, host by host; names come from a hosts file. */
#include "unit.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/hosts/hosts.h"

static struct loop *loop;
static struct hosts *hosts;
static char trail[1000];

static void found(void *arg, const struct host *h)
{
	char address[ENDPOINT_TEXT_SIZE], line[300];
	const char *dsn, *text;

	(void)arg;
	if (h) {
		snprintf(line, sizeof line, "%s[%s]:%u%s ", h->name, endpoint_text(&h->at, address),
			endpoint_port(&h->at), h->last ? "!" : "");
		strcat(trail, line);
		hosts_count_session(hosts);
		hosts_next(hosts, found, NULL);
		return;
	}
	text = hosts_failure(hosts, &dsn);
	if (text)
		strcat(trail, dsn);
	loop_stop(loop);
}

#define LONG_PATH \
	"/012345678901234567890123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345"

/* "!" follows the host of which it was known that it is the last. */
static const struct {
	const char *nexthop, *setting, *value, *wanted;
} rows[] = {
	{ "unix:/run/lmtp", NULL, NULL, "mx.test[/run/lmtp]:0! " },
	{ "unix:relative/path", NULL, NULL, "mx.test[relative/path]:0! " },
	{ "unix:/run/a,b c", NULL, NULL, "mx.test[/run/a,b c]:0! " },
	{ "unix:" LONG_PATH, NULL, NULL, "mx.test[" LONG_PATH "]:0! " },
	{ "unix:" LONG_PATH "x", NULL, NULL, "4.3.5" },
	{ "unix:", NULL, NULL, "4.3.5" },
	{ "UNIX:/run/lmtp", NULL, NULL, "4.3.5" },
	{ "inet:127.0.0.1", NULL, NULL, "127.0.0.1[127.0.0.1]:24! " },
	{ "127.0.0.1", NULL, NULL, "127.0.0.1[127.0.0.1]:24! " },
	{ "127.0.0.1", "tcp_port", "2424", "127.0.0.1[127.0.0.1]:2424! " },
	{ "127.0.0.1", "tcp_port", "lmtp", "127.0.0.1[127.0.0.1]:24! " },
	{ "inet:[127.0.0.1]:2525", NULL, NULL, "127.0.0.1[127.0.0.1]:2525! " },
	{ "inet:127.0.0.1:submission", NULL, NULL, "127.0.0.1[127.0.0.1]:587! " },
	{ "[::1]:2424", NULL, NULL, "::1[::1]:2424! " },
	{ "inet:[ipv6:2001:db8::1]", NULL, NULL, "2001:db8::1[2001:db8::1]:24! " },
	{ "inet:one.test:99", NULL, NULL, "one.test[192.0.2.1]:99! " },
	{ "[one.test]", NULL, NULL, "one.test[192.0.2.1]:24! " },
	{ "ONE.test.", NULL, NULL, "ONE.test.[192.0.2.1]:24! " },
	{ "one.test,127.0.0.1:99", NULL, NULL, "one.test[192.0.2.1]:24 127.0.0.1[127.0.0.1]:99! " },
	{ "one.test 127.0.0.1", NULL, NULL, "one.test[192.0.2.1]:24 127.0.0.1[127.0.0.1]:24! " },
	{ "bad-,one.test", NULL, NULL, "one.test[192.0.2.1]:24! " },
	{ "one.test,-bad-", NULL, NULL, "one.test[192.0.2.1]:24 4.3.5" },
	{ "nosuch.test", NULL, NULL, "5.4.4" },
	{ "nosuch.test", "fallback_relay", "nosuch2.test", "4.3.5" },
	{ "two.test", "address_preference", "ipv4", "two.test[192.0.2.2]:24 two.test[2001:db8::2]:24! " },
	{ "two.test", "address_preference", "ipv6", "two.test[2001:db8::2]:24 two.test[192.0.2.2]:24! " },
	{ "two.test", "mx_address_limit", "1", "" },
	{ "two.test", "mx_session_limit", "1", "" },
	/* fallback_relay, behind the nexthop and with its syntax: F-1, F-2, F-4 */
	{ "one.test", "fallback_relay", "127.0.0.1:99", "one.test[192.0.2.1]:24 127.0.0.1[127.0.0.1]:99! " },
	{ "one.test", "fallback_relay", "[127.0.0.1], [::1]",
		"one.test[192.0.2.1]:24 127.0.0.1[127.0.0.1]:24 ::1[::1]:24! " },
	{ "one.test", "fallback_relay", "[127.0.0.1", "one.test[192.0.2.1]:24 4.3.5" },
	{ "unix:/run/lmtp", "fallback_relay", "one.test", "mx.test[/run/lmtp]:0! " },
	{ "-bad-", "fallback_relay", "one.test", "one.test[192.0.2.1]:24! " },
	{ "", "fallback_relay", "one.test", "4.3.5" },
	/* known_tcp_ports: D-5 */
	{ "one.test:store", NULL, NULL, "one.test[192.0.2.1]:2424! " },
	{ "", NULL, NULL, "4.3.5" },
	{ " , ,", NULL, NULL, "4.3.5" },
	{ "inet:", NULL, NULL, "4.3.5" },
	{ "[127.0.0.1", NULL, NULL, "4.3.5" },
	{ "[127.0.0.1]x", NULL, NULL, "4.3.5" },
	{ "127.0.0.1:0", NULL, NULL, "4.3.5" },
	{ "127.0.0.1:65536", NULL, NULL, "4.3.5" },
	{ "127.0.0.1:nosuchservice", NULL, NULL, "4.3.5" },
	{ "127.0.0.1:", NULL, NULL, "4.3.5" },
	{ "one..test", NULL, NULL, "4.3.5" },
	{ "[one.test]:99:98", NULL, NULL, "4.3.5" },
};

static struct settings *settings;
static struct hosts_setup setup;
static struct transport transport;
static const struct hosts_watch nobody;

static void write_hosts(const char *path)
{
	FILE *f = fopen(path, "w");

	fputs("192.0.2.1 one.test\n192.0.2.2 two.test\n2001:db8::2 two.test\n", f);
	for (int i = 0; i < 6; i++) {
		fprintf(f, "2001:db8::%d six.test\n2001:db8::%d both.test\n", i, i);
		fprintf(f, "192.0.2.%d both.test\n192.0.2.%d four.test\n", i, i);
	}
	fputs("192.0.2.9 six.test\n", f);
	fclose(f);
}

static void set(const char *name, const char *value)
{
	const char *why;
	char *path = mem_fmt("lmtp.%s", name);

	ck_assert_msg(settings_set(settings, path, value, &why), "%s: %s", name, why);
	free(path);
}

static void begin(void)
{
	const char *why;
	char path[60], *complaint;

	snprintf(path, sizeof path, "/tmp/causeway-hosts.%ld", (long)getpid());
	write_hosts(path);
	settings = settings_new();
	settings_set(settings, "myhostname", "mx.test", &why);
	settings_set(settings, "known_tcp_ports", "lmtp=24, store=tiny=2424, submission=587", &why);
	settings_set(settings, "resolver.servers", "127.0.0.1@9", &why);
	settings_set(settings, "resolver.trust_anchor_file", "", &why);
	settings_set(settings, "resolver.hosts_file", path, &why);
	loop = loop_new();
	ck_assert(hosts_setup_open(&setup, loop, NULL, settings, &complaint));
	unlink(path);
	transport = (struct transport){ .manner = settings->lmtp, .native = true };
}

static void look_for(const char *nexthop, void (*what)(void *arg, const struct host *))
{
	hosts = hosts_new(&setup, &transport, nexthop, &nobody);
	hosts_next(hosts, what, NULL);
	loop_run(loop);
	hosts_free(hosts);
}

static void end(void)
{
	hosts_setup_close(&setup);
	settings_free(settings);
	loop_free(loop);
}

START_TEST(test_hosts)
{
	begin();
	if (rows[_i].setting)
		set(rows[_i].setting, rows[_i].value);
	look_for(rows[_i].nexthop, found);
	if (rows[_i].wanted[0])
		ck_assert_str_eq(trail, rows[_i].wanted);
	else
		/* one of the two, in random order */
		ck_assert_ptr_eq(strchr(trail, ' '), strrchr(trail, ' '));
	end();
}
END_TEST

/* parameter balance_inet_protocols: the families of the addresses given, in order. "both" has six of each,
 * "six" six of one and one of the other. */
static const struct {
	const char *nexthop, *limit, *balance, *prefer, *wanted;
} shares[] = {
	{ "six.test", "5", "yes", "ipv6", "66664" },
	{ "six.test", "5", "no", "ipv6", "66666" },
	{ "six.test", "5", "yes", "ipv4", "46666" },
	{ "six.test", "0", "yes", "ipv6", "6666664" },
	{ "six.test", "7", "yes", "ipv6", "6666664" },
	{ "six.test", "2", "yes", "ipv6", "64" },
	{ "six.test", "1", "yes", "ipv6", "6" },
	{ "both.test", "5", "yes", "ipv6", "66644" },
	{ "both.test", "5", "yes", "ipv4", "44466" },
	{ "both.test", "4", "yes", "any", "4466" },
	{ "both.test", "12", "yes", "any", "444444666666" },
	{ "both.test", "5", "no", "ipv4", "44444" },
	{ "four.test", "5", "yes", "ipv6", "44444" },
};

static char families[40];

static void found_family(void *arg, const struct host *h)
{
	(void)arg;
	if (!h) {
		loop_stop(loop);
		return;
	}
	strcat(families, endpoint_is_v6(&h->at) ? "6" : "4");
	hosts_next(hosts, found_family, NULL);
}

START_TEST(test_A_5_balance)
{
	begin();
	set("randomize_addresses", "no");
	set("mx_address_limit", shares[_i].limit);
	set("balance_inet_protocols", shares[_i].balance);
	set("address_preference", shares[_i].prefer);
	look_for(shares[_i].nexthop, found_family);
	ck_assert_str_eq(families, shares[_i].wanted);
	end();
}
END_TEST

/* in random order each address is first now and then, without it always the same one. */
static const char *const orders[] = { "yes", "no" };
static unsigned firsts;

static void found_first(void *arg, const struct host *h)
{
	(void)arg;
	firsts |= 1u << (ntohl(h->at.at.v4.sin_addr.s_addr) & 7);
	loop_stop(loop);
}

START_TEST(test_A_2_randomize)
{
	begin();
	set("randomize_addresses", orders[_i]);
	for (int i = 0; i < 300; i++)
		look_for("four.test", found_first);
	ck_assert_uint_eq(firsts, _i == 0 ? 0x3f : 1);
	end();
}
END_TEST

/* An address that let a connection run out of time goes behind the others, and is not left out. */
START_TEST(test_dead_last)
{
	struct endpoint dead;

	begin();
	set("randomize_addresses", "no");
	endpoint_inet(&dead, "192.0.2.2", 24);
	dead_addresses_add(setup.dead, &dead);
	look_for("two.test", found);
	ck_assert_str_eq(trail, "two.test[2001:db8::2]:24 two.test[192.0.2.2]:24! ");
	trail[0] = '\0';
	look_for("inet:two.test:99", found);
	ck_assert_str_eq(trail, "two.test[192.0.2.2]:99 two.test[2001:db8::2]:99! ");
	trail[0] = '\0';
	dead_addresses_remove(setup.dead, &dead);
	look_for("two.test", found);
	ck_assert_str_eq(trail, "two.test[192.0.2.2]:24 two.test[2001:db8::2]:24! ");
	end();
}
END_TEST

/* Asked for and then not wanted any more. */
START_TEST(test_free_early)
{
	static const char *const nexthops[] = { "one.test", "unix:/x", "nosuch.test", "[127.0.0.1]" };

	begin();
	for (size_t i = 0; i < UNIT_ROWS(nexthops); i++) {
		hosts = hosts_new(&setup, &transport, nexthops[i], &nobody);
		hosts_next(hosts, found, NULL);
		hosts_free(hosts);
	}
	end();
	ck_assert_str_eq(trail, "");
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hosts", test_hosts, UNIT_ROWS(rows), 0 },
		{ "balance", test_A_5_balance, UNIT_ROWS(shares), 0 },
		{ "randomize", test_A_2_randomize, UNIT_ROWS(orders), 0 },
		{ "dead last", test_dead_last, 1, 0 },
		{ "free early", test_free_early, 1, 0 },
	};

	return unit_main("courier/hosts", cases, UNIT_ROWS(cases));
}
