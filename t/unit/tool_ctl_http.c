#include "unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tool/ctl_http.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* An answer as it comes and its body. */
static const struct {
	const char *answer;
	int status;
	const char *body;
} good[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", 200, "hello" },
	{ OK "Content-Length: 5\r\n\r\nhello, and more", 200, "hello" },
	{ OK "content-length:0\r\n\r\n", 200, "" },
	{ OK "\r\nuntil the end", 200, "until the end" },
	{ OK "\r\n", 200, "" },
	{ "HTTP/1.0 404 Not Found\n\nLF only", 404, "LF only" },
	{ "HTTP/1.1 501\r\n\r\n", 501, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "" },
	{ OK "Transfer-Encoding: Chunked\r\nContent-Length: 2\r\n\r\n2\r\nhe\r\n00A;x=y\r\nllo, "
		"world\r\n0\r\n\r\n", 200, "hello, world" },
	{ OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n", 200, "\n" },
	{ OK "A: b\r\nC:\r\nContent-Length: 1\r\n\r\nx", 200, "x" },
};

/* An answer and a word of the complaint; at_body: the head is good. */
static const struct {
	const char *answer;
	bool at_body;
	const char *why;
} bad[] = {
	{ "", false, "too early" },
	{ "HTTP/1.1 200 OK", false, "too early" },
	{ OK, false, "too early" },
	{ OK "A: b\r\n", false, "too early" },
	{ "nonsense\r\n\r\n", false, "not HTTP" },
	{ "HTTP/2 200\r\n\r\n", false, "not HTTP" },
	{ "HTTP/1.1 OK\r\n\r\n", false, "not HTTP" },
	{ "HTTP/1.1 1000 OK\r\n\r\n", false, "not HTTP" },
	{ "HTTP/1.1\r\n\r\n", false, "not HTTP" },
	{ "220 mx.example.org ESMTP\r\n", false, "not HTTP" },
	{ OK "no colon\r\n\r\n", false, "colon" },
	{ OK "Content-Length: five\r\n\r\n", false, "length" },
	{ OK "Content-Length: -5\r\n\r\n", false, "length" },
	{ OK "Content-Length: 5 5\r\n\r\n", false, "length" },
	{ OK "Content-Length: 99999999999999999999999\r\n\r\n", false, "length" },
	{ OK "Transfer-Encoding: gzip\r\n\r\n", false, "encoded" },
	{ OK "Content-Length: 6\r\n\r\nhello", true, "too early" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n", true, "too early" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", true, "too early" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, "too early" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello, world\r\n0\r\n\r\n", true, "wrong size" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nfive\r\n", true, "bad chunk" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n-5\r\n", true, "bad chunk" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n+5\r\n", true, "bad chunk" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", true, "bad chunk" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5g\r\n", true, "bad chunk" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", true, "bad chunk" },
};

/* A socket from which answer can be read, and then its end; the request can be read from *peer. */
static int served(const char *answer, int *peer)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], answer, strlen(answer)), (ssize_t)strlen(answer));
	shutdown(ends[1], SHUT_WR);
	*peer = ends[1];
	return ends[0];
}

/* Reads the body in slices of n bytes; -1 on error. */
static int read_body(struct ctl_http *h, size_t n, struct buf *out, char **why)
{
	char bytes[64];
	ssize_t got;

	while ((got = ctl_http_read(h, bytes, n, why)) > 0)
		buf_add(out, bytes, (size_t)got);
	return (int)got;
}

START_TEST(test_reads)
{
	for (size_t n = 1; n <= 64; n = n == 1 ? 7 : n + 57) {
		struct ctl_http *h;
		struct buf out;
		char *why;
		int peer, fd = served(good[_i].answer, &peer);

		buf_init(&out, 4096);
		h = ctl_http_ask(fd, "GET", "/status", &why);
		ck_assert_msg(h != NULL, "%s", why);
		ck_assert_int_eq(ctl_http_status(h), good[_i].status);
		ck_assert_msg(read_body(h, n, &out, &why) == 0, "%s", why);
		ck_assert_str_eq(buf_text(&out), good[_i].body);
		ctl_http_free(h);
		buf_free(&out);
		close(peer);
	}
}
END_TEST

START_TEST(test_refuses)
{
	struct ctl_http *h;
	struct buf out;
	char *why;
	int peer, fd = served(bad[_i].answer, &peer);

	buf_init(&out, 4096);
	h = ctl_http_ask(fd, "GET", "/status", &why);
	ck_assert_int_eq(h != NULL, bad[_i].at_body);
	if (h)
		ck_assert_int_eq(read_body(h, 64, &out, &why), -1);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
	free(why);
	ctl_http_free(h);
	buf_free(&out);
	close(peer);
}
END_TEST

START_TEST(test_sends)
{
	static const char expected[] =
		"POST /retry?id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	char request[500] = "";
	char *why;
	int peer, fd = served(OK "\r\n", &peer);
	struct ctl_http *h = ctl_http_ask(fd, "POST", "/retry?id=1", &why);

	ck_assert_ptr_nonnull(h);
	ck_assert_int_gt(read(peer, request, sizeof(request) - 1), 0);
	ck_assert_str_eq(request, expected);
	ctl_http_free(h);
	close(peer);
}
END_TEST

/* A header that does not end is given up. */
START_TEST(test_endless)
{
	struct buf answer;
	char *why;
	int peer, fd;

	buf_init(&answer, 100000);
	buf_str(&answer, OK);
	for (int i = 0; i < 20000; i++)
		buf_str(&answer, _i == 0 ? "a" : "a:\r\n");
	fd = served(buf_text(&answer), &peer);
	ck_assert_ptr_null(ctl_http_ask(fd, "GET", "/", &why));
	ck_assert_msg(strstr(why, "too long") || strstr(why, "too many"), "%s", why);
	free(why);
	buf_free(&answer);
	close(peer);
}
END_TEST

START_TEST(test_connect)
{
	char path[300];
	char *why;

	ck_assert_int_eq(ctl_http_connect("/nonexistent/control", &why), -1);
	ck_assert_msg(strstr(why, "/nonexistent/control: no daemon") != NULL, "%s", why);
	free(why);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ctl_http_connect(path, &why), -1);
	ck_assert_msg(strstr(why, "too long") != NULL, "%s", why);
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads", test_reads, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
		{ "sends", test_sends, 1, 0 },
		{ "endless", test_endless, 2, 0 },
		{ "connect", test_connect, 1, 0 },
	};

	return unit_main("tool/ctl_http", cases, UNIT_ROWS(cases));
}
