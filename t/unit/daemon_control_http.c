#include "unit.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "daemon/control/control_http.h"

enum { GUESTS_MAX = 64 };

struct world {
	struct loop *loop;
	struct http_server *server;
	struct http_call *kept;             /* of a request for /later */
	struct loop_timer *answer, *patience;
	struct loop_watch *watch;
	struct sockaddr_un address;
	socklen_t address_size;
	struct buf came;
	int client;
};

/* --- the server's side --- */

static void answer_later(void *arg)
{
	struct world *w = arg;

	http_reply_text(w->kept, "text/plain", "late", 4);
}

static void answer_list(struct http_call *call)
{
	json_t *element = json_string("x");

	http_array_begin(call);
	for (int i = 0; i < 3 && !http_array_full(call); i++)
		http_array_add(call, element);
	http_array_end(call);
	json_decref(element);
}

static void answer_query(struct http_call *call)
{
	static const char *const known[] = { "name", NULL };
	const char *unknown = http_call_unknown(call, known), *name = http_call_query(call, "name");

	if (unknown)
		http_reply_error(call, 400, "unknown %s", unknown);
	else
		http_reply_text(call, "text/plain", name ? name : "none", strlen(name ? name : "none"));
}

static void handle(void *arg, struct http_call *call)
{
	struct world *w = arg;
	const char *path = http_call_path(call);

	if (strcmp(path, "/later") == 0) {
		w->kept = call;
		loop_timer_set(w->answer, 20);
	} else if (strcmp(path, "/list") == 0) {
		answer_list(call);
	} else if (strcmp(path, "/query") == 0) {
		answer_query(call);
	} else if (strcmp(path, "/json") == 0) {
		http_reply_json(call, 200, json_pack("{s:s}", "method", http_call_method(call)));
	} else {
		http_reply_error(call, 404, "nothing at %s", path);
	}
}

/* --- the client's side --- */

static void heard(void *arg, bool readable, bool writable)
{
	struct world *w = arg;
	char bytes[4096];
	ssize_t n = read(w->client, bytes, sizeof(bytes));

	(void)readable, (void)writable;
	if (n > 0)
		buf_add(&w->came, bytes, (size_t)n);
	else
		loop_stop(w->loop);
}

static void out_of_patience(void *arg)
{
	(void)arg;
	ck_abort_msg("no end of the connection");
}

static int connect_to(const struct world *w)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&w->address, w->address_size), 0);
	return fd;
}

static void world_begin(struct world *w)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*w = (struct world){ .loop = loop_new(), .address.sun_family = AF_UNIX,
		.address_size = sizeof(w->address) };
	buf_init(&w->came, 1024 * 1024);
	/* the kernel chooses a name, which needs no file */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&w->address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&w->address, &w->address_size), 0);
	ck_assert_int_eq(listen(fd, 2 * GUESTS_MAX), 0);
	w->server = http_server_new(w->loop, handle, w);
	ck_assert(http_server_listen(w->server, fd));
	w->answer = loop_timer_new(w->loop, answer_later, w);
	w->patience = loop_timer_new(w->loop, out_of_patience, w);
	loop_timer_set(w->patience, UNIT_PATIENCE_MS);
}

/* Sends the request and runs the loop until the server has closed the connection. */
static const char *ask(struct world *w, const char *request)
{
	buf_clear(&w->came);
	w->client = connect_to(w);
	ck_assert_int_eq(write(w->client, request, strlen(request)), (ssize_t)strlen(request));
	w->watch = loop_watch_new(w->loop, w->client, heard, w);
	loop_watch_want(w->watch, true, false);
	loop_run(w->loop);
	loop_watch_free(w->watch);
	close(w->client);
	return buf_text(&w->came);
}

static void world_end(struct world *w)
{
	http_server_free(w->server);
	loop_timer_free(w->answer);
	loop_timer_free(w->patience);
	loop_free(w->loop);
	buf_free(&w->came);
}

/* --- tests --- */

static const struct { const char *request, *status, *part; } asked[] = {
	{ "GET /json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n{\"method\":\"GET\"}\n" },
	{ "GET /json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\nContent-Type: application/json\r\n" },
	{ "GET /json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\nConnection: close\r\n" },
	{ "POST /json HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\n", "{\"method\":\"POST\"}" },
	{ "HEAD /json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 17\r\n" },
	{ "GET /later HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n", "\r\n\r\nlate" },
	{ "GET /list HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n", "\r\n\r\n[\n\"x\",\n\"x\",\n\"x\"\n]\n" },
	{ "GET /query?name=a%20b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\na b" },
	{ "GET /query HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "none" },
	{ "GET /query?other=1 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n",
		"{\"error\":\"unknown other\"}" },
	{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "nothing at /" },
	{ "GET /%1b%0d%0aA: HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "nothing at /???A:" },
	{ "GET http://x/json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "GET" },
	{ "nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "" },
	{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "" },
	{ "POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 ", "" },
	{ "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "" },
	{ "BREW / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n", "" },
	/* one request a connection */
	{ "GET /later HTTP/1.1\r\n\r\nGET /json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nlate" },
};

START_TEST(test_answers)
{
	struct world w;
	const char *came;

	world_begin(&w);
	came = ask(&w, asked[_i].request);
	ck_assert_msg(strncmp(came, asked[_i].status, strlen(asked[_i].status)) == 0, "%s", came);
	ck_assert_msg(strstr(came, asked[_i].part) != NULL, "%s", came);
	world_end(&w);
}
END_TEST

START_TEST(test_head_has_no_body)
{
	struct world w;

	world_begin(&w);
	ck_assert_str_eq(strstr(ask(&w, "HEAD /json HTTP/1.1\r\n\r\n"), "\r\n\r\n"), "\r\n\r\n");
	world_end(&w);
}
END_TEST

/* The client has gone before it is answered. */
START_TEST(test_answer_for_nobody)
{
	struct world w;
	int fd;

	world_begin(&w);
	fd = connect_to(&w);
	ck_assert_int_eq(write(fd, "GET /later HTTP/1.1\r\n\r\n", 23), 23);
	ask(&w, "GET /json HTTP/1.1\r\n\r\n");
	ck_assert_ptr_nonnull(w.kept);
	close(fd);
	ask(&w, "GET /json HTTP/1.1\r\n\r\n");
	loop_timer_stop(w.answer);
	answer_later(&w);
	ck_assert_ptr_nonnull(strstr(ask(&w, "GET /json HTTP/1.1\r\n\r\n"), "GET"));
	world_end(&w);
}
END_TEST

/* All places are taken by those who say nothing: they have to go, and who asks is served. */
START_TEST(test_a_full_house)
{
	struct world w;
	int silent[GUESTS_MAX];

	world_begin(&w);
	for (int i = 0; i < GUESTS_MAX; i++)
		silent[i] = connect_to(&w);
	ck_assert_ptr_nonnull(strstr(ask(&w, "GET /json HTTP/1.1\r\n\r\n"), "GET"));
	for (int i = 0; i < GUESTS_MAX; i++) {
		char c;

		ck_assert_int_eq(recv(silent[i], &c, 1, MSG_DONTWAIT), 0);
		close(silent[i]);
	}
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "answers", test_answers, UNIT_ROWS(asked), 0 },
		{ "head has no body", test_head_has_no_body, 1, 0 },
		{ "answer for nobody", test_answer_for_nobody, 1, 0 },
		{ "a full house", test_a_full_house, 1, 0 },
	};

	return unit_main("daemon/control_http", cases, UNIT_ROWS(cases));
}
