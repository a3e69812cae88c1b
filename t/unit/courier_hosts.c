/* What a nexthop leads to, host by host; names come from a hosts file. */
#include "unit.h"

#include <string.h>
#include <unistd.h>

#include "courier/hosts.h"

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

#define LONG_PATH "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"

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
	{ "two.test", "address_preference", "ipv4", "two.test[192.0.2.2]:24 two.test[2001:db8::2]:24! " },
	{ "two.test", "address_preference", "ipv6", "two.test[2001:db8::2]:24 two.test[192.0.2.2]:24! " },
	{ "two.test", "mx_address_limit", "1", "" },
	{ "two.test", "mx_session_limit", "1", "" },
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

static struct resolver *make_resolver(void)
{
	char path[60], *why;
	struct resolver *r;
	FILE *f;

	snprintf(path, sizeof path, "/tmp/causeway-hosts.%ld", (long)getpid());
	f = fopen(path, "w");
	fputs("192.0.2.1 one.test\n192.0.2.2 two.test\n2001:db8::2 two.test\n", f);
	fclose(f);
	r = resolver_new(loop, &(struct resolver_setup){ .servers = "127.0.0.1@9", .trust_anchor_file = "",
		.hosts_file = path, .ipv4 = true,
		.ipv6 = true }, &why);
	ck_assert_ptr_nonnull(r);
	unlink(path);
	return r;
}

START_TEST(test_hosts)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct hosts_setup setup = { .myhostname = "mx.test", .known_tcp_ports = "lmtp=24, submission=587" };
	const char *why;

	loop = setup.loop = loop_new();
	setup.resolver = make_resolver();
	if (rows[_i].setting)
		ck_assert(manner_set(m, rows[_i].setting, rows[_i].value, &why));
	hosts = hosts_new(&setup, m, rows[_i].nexthop);
	hosts_next(hosts, found, NULL);
	ck_assert_str_eq(trail, "");
	loop_run(loop);
	if (rows[_i].wanted[0])
		ck_assert_str_eq(trail, rows[_i].wanted);
	else
		/* one of the two, in random order */
		ck_assert_ptr_eq(strchr(trail, ' '), strrchr(trail, ' '));
	hosts_free(hosts);
	resolver_free(setup.resolver);
	manner_free(m);
	loop_free(loop);
}
END_TEST

/* Asked for and then not wanted any more. */
START_TEST(test_free_early)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct hosts_setup setup = { .myhostname = "mx.test", .known_tcp_ports = "lmtp=24, submission=587" };

	loop = setup.loop = loop_new();
	setup.resolver = make_resolver();
	hosts = hosts_new(&setup, m, "one.test");
	hosts_next(hosts, found, NULL);
	hosts_free(hosts);
	hosts = hosts_new(&setup, m, "unix:/x");
	hosts_next(hosts, found, NULL);
	hosts_free(hosts);
	resolver_free(setup.resolver);
	manner_free(m);
	loop_free(loop);
	ck_assert_str_eq(trail, "");
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hosts", test_hosts, UNIT_ROWS(rows), 0 },
		{ "free early", test_free_early, 1, 0 },
	};

	return unit_main("courier/hosts", cases, UNIT_ROWS(cases));
}
