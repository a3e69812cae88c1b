/* The resolver against a name server in a thread that knows a few names and misbehaves under others. */
#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "net/endpoint.h"
#include "net/resolver.h"

enum { A = 1, CNAME = 5, MX = 15, AAAA = 28, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

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

/* One record of the name in the question, or of "owner". */
static size_t put(unsigned char *q, size_t n, const char *owner, int type, const void *data, size_t size)
{
	unsigned char rest[] = { 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)size };

	if (owner) {
		memcpy(q + n, owner, strlen(owner) + 1);
		n += strlen(owner) + 1;
	} else {
		memcpy(q + n, "\xc0\x0c", 2);
		n += 2;
	}
	memcpy(q + n, rest, sizeof rest);
	memcpy(q + n + sizeof rest, data, size);
	q[7]++;
	return n + sizeof rest + size;
}

static size_t put_address(unsigned char *q, size_t n, const char *owner, int type)
{
	unsigned char data[16] = { 0 };
	size_t size = type == A ? 4 : 16;

	data[0] = type == A ? 192 : 0x20;
	data[size - 1] = 7;
	return put(q, n, owner, type, data, size);
}

/* What each name does: see the table of questions. 0: no answer. */
static size_t reply(unsigned char *q)
{
	size_t n = skip_name(q, 12) + 4;
	int type = q[n - 3];

	q[2] = 0x85;
	q[3] = 0x80;
	memset(q + 6, 0, 6);
	if (is_label(q, "silent"))
		return 0;
	if (is_label(q, "both") || (is_label(q, "four") && type == A))
		return put_address(q, n, NULL, type);
	if (is_label(q, "four") || is_label(q, "empty"))
		return n;
	if (is_label(q, "mx"))
		return put(q, n, NULL, MX, "\0\012\001a\004test", 10);
	if (is_label(q, "alias")) {
		n = put(q, n, NULL, CNAME, "\004four\004test", 11);
		return put_address(q, n, "\004four\004test", A);
	}
	if (is_label(q, "circle"))
		return put(q, n, NULL, CNAME, "\006circle\004test", 13);
	if (is_label(q, "stranger"))
		return put_address(q, n, "\005other\004test", A);
	if (is_label(q, "short"))
		return put(q, n, NULL, A, "\x7f\0", 2);
	if (is_label(q, "cut")) {
		q[7] = 1;
		return n + 5;
	}
	q[3] |= is_label(q, "fail") ? SERVFAIL : is_label(q, "refused") ? REFUSED : NXDOMAIN;
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
static char answer_text[600], complaint[600];
static int answers, awaited;

static void answered(void *arg, const struct resolver_answer *a)
{
	static const char *const results[] = { "found", "later", "nameless", "empty" };
	struct buf out;

	(void)arg;
	buf_init(&out, sizeof answer_text - 1);
	buf_str(&out, results[a->result]);
	for (size_t i = 0; i < a->count; i++) {
		buf_char(&out, '|');
		dnsrecord_print(a->name, &a->records[i], &out);
	}
	snprintf(answer_text, sizeof answer_text, "%s", buf_text(&out));
	snprintf(complaint, sizeof complaint, "%s", a->text ? a->text : "");
	buf_free(&out);
	ck_assert((a->result == RESOLVER_FOUND) == (a->text == NULL));
	ck_assert_int_eq(a->dnssec, DNSSEC_INSECURE);
	if (++answers == awaited)
		loop_stop(loop);
}

/* libunbound repeats a question after 376 ms, on a machine that stands still too. */
enum { REPEATS_MS = 300, SHORT_PATIENCE_MS = 300 };

static void start(int64_t patience)
{
	char servers[40], *why = NULL;

	server_start();
	loop = loop_new();
	snprintf(servers, sizeof servers, "127.0.0.1@%u", server.port);
	resolver = resolver_new(loop, &(struct resolver_setup){ .servers = servers, .trust_anchor_file = "",
		.patience = patience }, &why);
	ck_assert_msg(resolver != NULL, "%s", why);
}

static void finish(void)
{
	resolver_free(resolver);
	loop_free(loop);
	server.stop = true;
	pthread_join(server.thread, NULL);
	close(server.fd);
}

/* The answer, and what its text has to say. */
static const struct {
	const char *name;
	enum dnsmsg_type type;
	const char *wanted, *text;
} asks[] = {
	{ "both.test", DNSMSG_A, "found|both.test. 60 IN A 192.0.0.7", "" },
	{ "both.test", DNSMSG_AAAA, "found|both.test. 60 IN AAAA 2000::7", "" },
	{ "BOTH.example.org.", DNSMSG_A, "found|both.example.org. 60 IN A 192.0.0.7", "" },
	{ "_25._tcp.both.test", DNSMSG_A, "nameless", "Host not found" },
	{ "four.test", DNSMSG_AAAA, "empty", "no data record" },
	{ "mx.test", DNSMSG_MX, "found|mx.test. 60 IN MX 10 a.test.", "" },
	{ "alias.test", DNSMSG_A, "found|four.test. 60 IN A 192.0.0.7", "" },
	{ "nosuch.test", DNSMSG_A, "nameless", "Host not found" },
	{ "empty.test", DNSMSG_MX, "empty", "no data record" },
	/* nothing of this says that there is no such name */
	{ "fail.test", DNSMSG_A, "later", "SERVFAIL" },
	{ "refused.test", DNSMSG_A, "later", "try again" },
	{ "circle.test", DNSMSG_A, "later", "try again" },
	{ "short.test", DNSMSG_A, "later", "try again" },
	{ "cut.test", DNSMSG_A, "later", "try again" },
	{ "silent.test", DNSMSG_A, "later", "in time" },
	/* not asked at all */
	{ "127.0.0.1", DNSMSG_A, "nameless", "numeric" },
	{ "::1", DNSMSG_AAAA, "nameless", "numeric" },
	{ "bad..name", DNSMSG_A, "nameless", "not the name of a host" },
	{ "a b", DNSMSG_A, "nameless", "not the name of a host" },
	{ "", DNSMSG_MX, "nameless", "not the name of a host" },
};

START_TEST(test_N_22_ask)
{
	start(strcmp(asks[_i].text, "in time") == 0 ? SHORT_PATIENCE_MS : UNIT_PATIENCE_MS);
	awaited = 1;
	resolver_ask(resolver, asks[_i].name, asks[_i].type, answered, NULL);
	ck_assert_int_eq(answers, 0);
	loop_run(loop);
	ck_assert_str_eq(answer_text, asks[_i].wanted);
	ck_assert_msg(strstr(complaint, asks[_i].text), "%s", complaint);
	finish();
}
END_TEST

/* Who asks the same meanwhile shares the question; who has gone is not told; another type is another
 * question. */
START_TEST(test_shared)
{
	struct resolver_query *gone;
	int64_t began;

	start(UNIT_PATIENCE_MS);
	awaited = 3;
	began = loop_micros();
	resolver_ask(resolver, "four.test", DNSMSG_A, answered, NULL);
	gone = resolver_ask(resolver, "four.test", DNSMSG_A, answered, NULL);
	resolver_ask(resolver, "FOUR.test.", DNSMSG_A, answered, NULL);
	resolver_ask(resolver, "four.test", DNSMSG_AAAA, answered, NULL);
	resolver_cancel(gone);
	loop_run(loop);
	ck_assert_int_eq(answers, 3);
	if (loop_micros() - began < REPEATS_MS * 1000)
		ck_assert_int_eq(server.asked, 2);
	finish();
}
END_TEST

/* Who asks again while the first question hangs has a patience of his own. */
START_TEST(test_again)
{
	start(SHORT_PATIENCE_MS);
	for (awaited = 1; awaited <= 2; awaited++) {
		resolver_ask(resolver, "silent.test", DNSMSG_A, answered, NULL);
		loop_run(loop);
		ck_assert_str_eq(answer_text, "later");
		ck_assert_int_eq(answers, awaited);
	}
	finish();
}
END_TEST

/* With a question still open nothing is called any more. */
START_TEST(test_free_early)
{
	start(SHORT_PATIENCE_MS);
	resolver_ask(resolver, "silent.test", DNSMSG_A, answered, NULL);
	resolver_ask(resolver, "127.0.0.1", DNSMSG_A, answered, NULL);
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
		.trust_anchor_file = setups[_i].anchor, .patience = 300 }, &why);
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
		{ "ask", test_N_22_ask, UNIT_ROWS(asks), 0 },
		{ "shared", test_shared, 1, 0 },
		{ "again", test_again, 1, 0 },
		{ "free early", test_free_early, 1, 0 },
		{ "setup", test_setup, UNIT_ROWS(setups), 0 },
	};

	return unit_main("net/resolver", cases, UNIT_ROWS(cases));
}
