/* The resolver against a name server in a thread that knows a few names, and the hosts file. */
#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "net/hosts_file.h"
#include "net/resolver.h"

enum { A = 1, AAAA = 28, SERVFAIL = 2, NXDOMAIN = 3 };

/* Names by their first label: "both" A and AAAA, "four" A only, "fail" SERVFAIL, else NXDOMAIN. */
struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_int asked;
	atomic_bool stop;
};
static struct server server;

static size_t skip_name(const unsigned char *q, size_t at)
{
	while (q[at])
		at += q[at] + 1u;
	return at + 1;
}

static bool is_label(const unsigned char *q, const char *label)
{
	return q[12] == strlen(label) && strncasecmp((const char *)q + 13, label, q[12]) == 0;
}

static size_t put_address(unsigned char *q, size_t n, int type)
{
	static const unsigned char head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0 };
	size_t size = type == A ? 4 : 16;

	memcpy(q + n, head, sizeof head);
	q[n + 3] = (unsigned char)type;
	q[n + 11] = (unsigned char)size;
	memset(q + n + 12, 0, size);
	q[n + 12] = type == A ? 192 : 0x20;
	q[n + 12 + size - 1] = 7;
	q[7] = 1;
	return n + 12 + size;
}

static size_t reply(unsigned char *q)
{
	size_t n = skip_name(q, 12) + 4;
	int type = q[n - 3];

	q[2] = 0x85;
	q[3] = 0x80;
	memset(q + 6, 0, 6);
	if (is_label(q, "both") || (is_label(q, "four") && type == A))
		return put_address(q, n, type);
	if (is_label(q, "four"))
		return n;
	q[3] |= is_label(q, "fail") ? SERVFAIL : NXDOMAIN;
	return n;
}

static void *server_main(void *arg)
{
	struct server *s = arg;
	unsigned char q[1500];
	struct sockaddr_in from;
	struct pollfd p = { s->fd, POLLIN, 0 };

	while (!s->stop) {
		socklen_t size = sizeof from;
		ssize_t n;

		if (poll(&p, 1, 20) <= 0)
			continue;
		n = recvfrom(s->fd, q, 512, 0, (struct sockaddr *)&from, &size);
		if (n < 17)
			continue;
		s->asked++;
		sendto(s->fd, q, reply(q), 0, (struct sockaddr *)&from, size);
	}
	return NULL;
}

static void server_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;

	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&at, size), 0);
	getsockname(server.fd, (struct sockaddr *)&at, &size);
	server.port = ntohs(at.sin_port);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, server_main, &server), 0);
}

static struct loop *loop;
static struct resolver *resolver;
static char hosts_path[60], answer_text[600];
static int answers, awaited;

static void answered(void *arg, const struct resolver_answer *a)
{
	static const char *const results[] = { "found", "later", "nothing" };
	char address[ENDPOINT_TEXT_SIZE];

	(void)arg;
	snprintf(answer_text, sizeof answer_text, "%s", results[a->result]);
	for (size_t i = 0; i < a->count; i++) {
		strcat(answer_text, " ");
		strcat(answer_text, endpoint_text(&a->addresses[i], address));
	}
	ck_assert((a->result == RESOLVER_FOUND) == (a->text == NULL));
	if (++answers == awaited)
		loop_stop(loop);
}

static void start(bool ipv4, bool ipv6)
{
	char servers[40], *why = NULL;
	FILE *f;

	server_start();
	snprintf(hosts_path, sizeof hosts_path, "/tmp/causeway-hosts.%ld", (long)getpid());
	f = fopen(hosts_path, "w");
	fputs("# comment\n192.0.2.9 File.test file # file2\n2001:db8::9\tfile.test\nnonsense file.test\n192.0.2.10 other\n192.0.2.9 file\n", f);
	fclose(f);
	loop = loop_new();
	snprintf(servers, sizeof servers, "127.0.0.1@%u", server.port);
	resolver = resolver_new(loop, &(struct resolver_setup){ .servers = servers, .trust_anchor_file = "",
		.hosts_file = hosts_path,
		.ipv4 = ipv4, .ipv6 = ipv6 }, &why);
	ck_assert_msg(resolver != NULL, "%s", why);
	unlink(hosts_path);
}

static void finish(void)
{
	resolver_free(resolver);
	loop_free(loop);
	server.stop = true;
	pthread_join(server.thread, NULL);
	close(server.fd);
}

static const struct {
	const char *host;
	bool ipv4, ipv6;
	const char *wanted;
} asks[] = {
	{ "both.test", true, true, "found 192.0.0.7 2000::7" },
	{ "both.test", false, true, "found 2000::7" },
	{ "both.test", true, false, "found 192.0.0.7" },
	{ "BOTH.example.org.", true, false, "found 192.0.0.7" },
	{ "four.test", true, true, "found 192.0.0.7" },
	{ "four.test", false, true, "nothing" },
	{ "nosuch.test", true, true, "nothing" },
	{ "fail.test", true, true, "later" },
	{ "both.test", false, false, "nothing" },
	{ "127.0.0.1", true, true, "found 127.0.0.1" },
	{ "::1", true, true, "found ::1" },
	{ "::1", true, false, "nothing" },
	{ "FILE.test", true, true, "found 192.0.2.9 2001:db8::9" },
	{ "file", true, true, "found 192.0.2.9" },
	{ "file.test", false, true, "found 2001:db8::9" },
	{ "file2", true, true, "nothing" },
	{ "bad..name", true, true, "nothing" },
	{ "a b", true, true, "nothing" },
	{ "", true, true, "nothing" },
};

START_TEST(test_ask)
{
	start(asks[_i].ipv4, asks[_i].ipv6);
	awaited = 1;
	resolver_ask(resolver, asks[_i].host, answered, NULL);
	ck_assert_int_eq(answers, 0);
	loop_run(loop);
	ck_assert_str_eq(answer_text, asks[_i].wanted);
	finish();
}
END_TEST

/* Who asks for the same name meanwhile shares the look-up; who has gone is not told. */
START_TEST(test_shared)
{
	struct resolver_query *gone;

	start(true, false);
	awaited = 2;
	resolver_ask(resolver, "four.test", answered, NULL);
	gone = resolver_ask(resolver, "four.test", answered, NULL);
	resolver_ask(resolver, "FOUR.test.", answered, NULL);
	resolver_cancel(gone);
	loop_run(loop);
	ck_assert_int_eq(answers, 2);
	ck_assert_int_eq(server.asked, 1);
	finish();
}
END_TEST

/* With a question still open nothing is called any more. */
START_TEST(test_free_early)
{
	start(true, true);
	resolver_ask(resolver, "both.test", answered, NULL);
	resolver_ask(resolver, "127.0.0.1", answered, NULL);
	finish();
	ck_assert_int_eq(answers, 0);
}
END_TEST

static const struct {
	const char *servers, *anchor;
} setups[] = { { "nonsense", "" }, { "127.0.0.1@x", "" }, { "127.0.0.1", "/dev/null/x" } };

START_TEST(test_setup)
{
	char *why = NULL;

	loop = loop_new();
	resolver = resolver_new(loop, &(struct resolver_setup){ .servers = setups[_i].servers,
		.trust_anchor_file = setups[_i].anchor,
		.hosts_file = "/nonexistent", .ipv4 = true }, &why);
	ck_assert_int_eq(resolver != NULL, setups[_i].anchor[0] != '\0');
	if (!resolver)
		ck_assert_ptr_nonnull(strstr(why, setups[_i].servers));
	free(why);
	resolver_free(resolver);
	loop_free(loop);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "ask", test_ask, UNIT_ROWS(asks), 0 },
		{ "shared", test_shared, 1, 0 },
		{ "free early", test_free_early, 1, 0 },
		{ "setup", test_setup, UNIT_ROWS(setups), 0 },
	};

	return unit_main("net/resolver", cases, UNIT_ROWS(cases));
}
