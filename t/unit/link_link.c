/* Both ends of a link on one loop, and a hostile other end that writes packets by hand. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "link/link.h"
#include "link/message.h"
#include "link/packet.h"

static struct loop *loop;
static struct link *queue, *courier;
static int heard_requests, heard_answers, heard_finishes, heard_other, breaks;
static struct request *last_request;
static int last_fd;
static char heard_text[400], why[400];
static int stop_after;

static void count(int *what)
{
	++*what;
	if (--stop_after == 0)
		loop_stop(loop);
}

static void on_request(void *arg, struct request *r, int fd)
{
	(void)arg;
	request_free(last_request);
	if (last_fd >= 0)
		close(last_fd);
	last_request = r;
	last_fd = fd;
	count(&heard_requests);
}

static void on_pair(void *arg, uint32_t destination, unsigned n)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %u", destination, n);
	count(&heard_other);
}

static void on_recall(void *arg, uint32_t destination, uint32_t request)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %u", destination, request);
	count(&heard_other);
}

static void on_stop(void *arg)
{
	(void)arg;
	count(&heard_other);
}

static void on_credit(void *arg, unsigned more)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u", more);
	count(&heard_other);
}

static void on_answer(void *arg, const struct answer *a)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u/%u %d %s %s %s %s %u %ld %ld %d %s", a->request, a->rcpt,
		a->verdict.outcome, a->verdict.dsn,
		a->verdict.text, a->relay, a->tls ? a->tls : "-", a->conn_use, (long)a->setup,
			(long)a->transmission, a->peer_reports,
		a->transcript ? a->transcript : "-");
	count(&heard_answers);
}

static struct finish last_finish;     /* its reason is gone */

static void on_finish(void *arg, const struct finish *f)
{
	(void)arg;
	last_finish = *f;
	snprintf(heard_text, sizeof heard_text, "%u %u %d %d %s %d %s", f->request, f->destination,
		f->connection, f->site,
		f->reason ? f->reason : "-", f->served, f->tls ? f->tls : "-");
	count(&heard_finishes);
}

static void on_text(void *arg, const char *text)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%s", text);
	count(&heard_other);
}

static void on_numbered(void *arg, uint32_t number, const char *text)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %s", number, text);
	count(&heard_other);
}

static void on_keep(void *arg, const char *key, const void *value, size_t n)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%s=%.*s", key, (int)n, (const char *)value);
	count(&heard_other);
}

static void on_broken(void *arg, const char *reason)
{
	(void)arg;
	breaks++;
	snprintf(why, sizeof why, "%s", reason);
	loop_stop(loop);
}

static const struct link_events at_queue = {
	.credit = on_credit, .answer = on_answer, .finish = on_finish, .closed = on_pair, .note = on_numbered,
	.lookup = on_numbered, .found = on_numbered, .keep = on_keep, .have = on_text, .broken = on_broken,
};
static const struct link_events at_courier = {
	.request = on_request, .close_idle = on_pair, .recall = on_recall, .stop = on_stop,
	.lookup = on_numbered, .found = on_numbered, .keep = on_keep, .have = on_text, .broken = on_broken,
};

static void too_late(void *arg)
{
	(void)arg;
	ck_abort_msg("nothing came");
}

/* Runs the loop until n things were heard, or the link broke. */
static void run_until(int n)
{
	struct loop_timer *limit = loop_timer_new(loop, too_late, NULL);

	stop_after = n;
	loop_timer_set(limit, 10000);
	loop_run(loop);
	loop_timer_free(limit);
}

static void pair_of(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void start(void)
{
	int fds[2];

	last_fd = -1;
	loop = loop_new();
	pair_of(fds);
	queue = link_new(loop, fds[0], &at_queue, NULL);
	courier = link_new(loop, fds[1], &at_courier, NULL);
}

static void finish(void)
{
	link_free(queue);
	link_free(courier);
	request_free(last_request);
	if (last_fd >= 0)
		close(last_fd);
	loop_free(loop);
}

static struct request *some_request(uint32_t number, size_t rcpts)
{
	struct request *r = request_new();

	r->number = number;
	r->destination = 7;
	r->queue_id = mem_str("3kQ9Xb2mT1");
	r->transport = mem_str("lmtp");
	r->nexthop = mem_str("unix:/run/x");
	r->trace = mem_str("Received: by x\r\n");
	r->trace_size = strlen(r->trace);
	r->content_at = 70;
	r->content_size = 4000;
	r->eight_bit = true;
	r->attempt = 3;
	r->age = 12345;
	r->client.helo = mem_str("client.test");
	r->envelope = envelope_new();
	free(r->envelope->sender);
	r->envelope->sender = mem_str("a@example.org");
	r->envelope->envid = mem_str("xyz");
	for (size_t i = 0; i < rcpts; i++)
		envelope_add(r->envelope, "\"odd name\"@example.org", i % 2 ? NULL : "rfc822;b@c",
			NOTIFY_FAILURE);
	return r;
}

static int some_file(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void send_one(uint32_t number, size_t rcpts)
{
	struct request *r = some_request(number, rcpts);
	int fd = some_file();

	link_send_request(queue, r, fd);
	close(fd);
	request_free(r);
}

static const size_t sizes[] = { 1, 2, 50, 5000, 100000 };

START_TEST(test_request)
{
	struct stat st;
	const struct envelope *e;

	start();
	send_one(4000000000u, sizes[_i]);
	run_until(1);
	e = last_request->envelope;
	ck_assert_str_eq(last_request->queue_id, "3kQ9Xb2mT1");
	ck_assert_str_eq(last_request->nexthop, "unix:/run/x");
	ck_assert_ptr_null(last_request->flags);
	ck_assert_mem_eq(last_request->trace, "Received: by x\r\n", last_request->trace_size);
	ck_assert_uint_eq(last_request->content_at, 70);
	ck_assert_uint_eq(last_request->content_size, 4000);
	ck_assert(last_request->eight_bit && !last_request->probe && last_request->age == 12345);
	ck_assert_str_eq(last_request->client.helo, "client.test");
	ck_assert_ptr_null(last_request->client.addr);
	ck_assert_str_eq(e->sender, "a@example.org");
	ck_assert_str_eq(e->envid, "xyz");
	ck_assert_uint_eq(e->count, sizes[_i]);
	ck_assert_str_eq(e->rcpts[e->count - 1].address, "\"odd name\"@example.org");
	ck_assert_str_eq(e->rcpts[0].orcpt, "rfc822;b@c");
	ck_assert_uint_eq(e->rcpts[e->count - 1].notify, NOTIFY_FAILURE);
	ck_assert(fstat(last_fd, &st) == 0 && S_ISCHR(st.st_mode));
	finish();
}
END_TEST

START_TEST(test_answer)
{
	char relay[] = "h[/x]", transcript[] = "Out: x\nIn: y", text[] = "451 no", reason[] = "many", tls[] = "Verified TLSv1.3 X";
	struct answer a = { .rcpt = 1, .conn_use = 4, .setup = 5, .transmission = 6, .relay = relay,
		.peer_reports = true, .transcript = transcript };
	struct finish f = { .destination = 7, .connection = CONNECTION_KEPT, .site = SITE_BUSY, .reason = reason,
		.served = true, .tls = tls };

	start();
	send_one(4000000000u, 2);
	run_until(1);
	a.request = f.request = last_request->number;
	a.verdict = (struct verdict){ .outcome = OUTCOME_DEFERRED, .stage = STAGE_DOT, .code = 451,
		.dsn = "4.2.0", .text = text };
	link_send_answer(courier, &a);
	run_until(1);
	ck_assert_str_eq(heard_text, "4000000000/1 2 4.2.0 451 no h[/x] - 4 5 6 1 Out: x\nIn: y");
	link_send_note(courier, a.request, "next host");
	run_until(1);
	ck_assert_str_eq(heard_text, "4000000000 next host");
	link_send_finish(courier, &f);
	run_until(1);
	ck_assert_str_eq(heard_text, "4000000000 7 1 1 many 1 Verified TLSv1.3 X");
	ck_assert_int_eq(heard_answers, 1);
	finish();
}
END_TEST

START_TEST(test_small_messages)
{
	start();
	link_send_credit(courier, 200);
	run_until(1);
	ck_assert_str_eq(heard_text, "200");
	link_send_closed(courier, 9, 3);
	run_until(1);
	ck_assert_str_eq(heard_text, "9 3");
	link_send_close_idle(queue, 8, 0);
	run_until(1);
	ck_assert_str_eq(heard_text, "8 0");
	link_send_lookup(queue, 5, "who");
	run_until(1);
	ck_assert_str_eq(heard_text, "5 who");
	link_send_found(courier, 5, "me");
	run_until(1);
	ck_assert_str_eq(heard_text, "5 me");
	link_send_keep(courier, "k", "val", 3);
	run_until(1);
	ck_assert_str_eq(heard_text, "k=val");
	link_send_have(queue, "k");
	link_send_stop(queue);
	run_until(2);
	ck_assert_int_eq(heard_other, 8);
	finish();
}
END_TEST

/* A request that was sent ahead is called back, or gets the connection of another one. */
START_TEST(test_ahead)
{
	struct finish f = { .destination = 7, .connection = CONNECTION_PASSED };

	start();
	send_one(4000000000u, 1);
	send_one(4000000001u, 1);
	run_until(2);
	link_send_recall(queue, 7, 4000000000u);
	run_until(1);
	ck_assert_str_eq(heard_text, "7 0");
	f.next = 1;
	link_send_finish(courier, &f);
	run_until(1);
	ck_assert_uint_eq(last_finish.next, 4000000001u);
	ck_assert_int_eq(last_finish.connection, CONNECTION_PASSED);
	f = (struct finish){ .request = 1, .destination = 7, .untried = true };
	link_send_finish(courier, &f);
	run_until(1);
	ck_assert(last_finish.untried);
	ck_assert_uint_eq(last_finish.request, 4000000001u);
	finish();
}
END_TEST

START_TEST(test_marks)
{
	struct finish f = { .destination = 7 };
	uint32_t number;

	start();
	send_one(77, 1);
	run_until(1);
	number = last_request->number;
	ck_assert(!link_dot_marked(queue, 77));
	link_mark_dot(courier, number);
	ck_assert(link_dot_marked(queue, 77));
	ck_assert(!link_dot_marked(queue, 78));
	f.request = number;
	link_send_finish(courier, &f);
	run_until(1);
	send_one(78, 1);
	run_until(1);
	ck_assert_uint_eq(last_request->number, number);
	ck_assert(!link_dot_marked(queue, 78));
	link_mark_dot(courier, number);
	link_free(courier);
	courier = NULL;
	run_until(-1);
	ck_assert_str_eq(why, "the other end has gone");
	ck_assert(link_dot_marked(queue, 78));
	finish();
}
END_TEST

/* More than the socket holds: the rest waits inside, nothing is lost, order is kept. */
START_TEST(test_waits)
{
	start();
	for (uint32_t i = 0; i < 3000; i++)
		send_one(i, 20);
	ck_assert_uint_gt(link_waiting(queue), 0);
	run_until(3000);
	ck_assert_uint_eq(link_waiting(queue), 0);
	ck_assert_uint_eq(last_request->number, 2999);
	finish();
}
END_TEST

/* A hostile courier: each row names a way to spoil a good message. */
enum spoil {
	SPOIL_NOTHING, SPOIL_SHORT, SPOIL_LONG, SPOIL_KIND, SPOIL_KIND_ZERO, SPOIL_WRONG_WAY, SPOIL_LENGTH,
	SPOIL_REQUEST, SPOIL_REQUEST_HUGE, SPOIL_RCPT, SPOIL_OUTCOME_KEEP, SPOIL_OUTCOME_NONE,
	SPOIL_DSN_CLASS, SPOIL_DSN_TEXT, SPOIL_NO_TEXT, SPOIL_CONTROL, SPOIL_NO_RELAY,
	SPOIL_FINISH_DESTINATION, SPOIL_FINISH_NO_REASON, SPOIL_HEIR, SPOIL_HEIR_UNKNOWN, SPOIL_CREDIT,
	SPOIL_DESCRIPTOR
};

static const struct spoil_row {
	enum spoil how;
	const char *why;
} spoils[] = {
	{ SPOIL_SHORT, "internal error (please report): message of kind 8: a message is shorter than its fields" },
	{ SPOIL_LONG, "internal error (please report): message of kind 8: a message is longer than its fields" },
	{ SPOIL_KIND, "internal error (please report): message of kind 0: a number is out of range" },
	{ SPOIL_KIND_ZERO, "internal error (please report): message of kind 0: it is not for the queue" },
	{ SPOIL_WRONG_WAY, "internal error (please report): message of kind 6: it is not for the queue" },
	{ SPOIL_LENGTH, "internal error (please report): message of kind 8: a field is too long" },
	{ SPOIL_REQUEST, "internal error (please report): message of kind 8: a request is not out" },
	{ SPOIL_REQUEST_HUGE, "internal error (please report): message of kind 8: a number is out of range" },
	{ SPOIL_RCPT, "internal error (please report): message of kind 8: an answer for a recipient that is not in the request" },
	{ SPOIL_OUTCOME_KEEP,
		"internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not fit" },
	{ SPOIL_OUTCOME_NONE,
		"internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not fit" },
	{ SPOIL_DSN_CLASS, "internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not fit" },
	{ SPOIL_DSN_TEXT, "internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not fit" },
	{ SPOIL_NO_TEXT, "internal error (please report): message of kind 8: an answer has no text" },
	{ SPOIL_CONTROL, "internal error (please report): message of kind 8: a line holds a control character" },
	{ SPOIL_NO_RELAY, "internal error (please report): message of kind 8: an answer has no relay" },
	{ SPOIL_FINISH_DESTINATION, "internal error (please report): message of kind 9: a request ends at another destination" },
	{ SPOIL_FINISH_NO_REASON,
		"internal error (please report): message of kind 9: a destination is called busy or dead without a reason" },
	{ SPOIL_HEIR, "internal error (please report): message of kind 9: a connection is passed to another destination" },
	{ SPOIL_HEIR_UNKNOWN, "internal error (please report): message of kind 9: a request is not out" },
	{ SPOIL_CREDIT, "internal error (please report): message of kind 7: a number is out of range" },
	{ SPOIL_DESCRIPTOR, "internal error (please report): a descriptor that belongs to no request" },
	{ SPOIL_NOTHING, "" },
};

static void spoil_answer(enum spoil how, struct answer *a)
{
	static char ok[] = "250 ok", fake[] = "250 ok\nfake line", none[] = "none";
	static const struct verdict good = { .outcome = OUTCOME_SENT, .stage = STAGE_DOT, .code = 250,
		.dsn = "2.0.0", .text = ok };

	*a = (struct answer){ .verdict = good, .relay = none };
	a->request = how == SPOIL_REQUEST ? 1 : how == SPOIL_REQUEST_HUGE ? LINK_SLOTS : 0;
	a->rcpt = how == SPOIL_RCPT ? 2 : 1;
	if (how == SPOIL_OUTCOME_KEEP || how == SPOIL_OUTCOME_NONE)
		a->verdict.outcome = how == SPOIL_OUTCOME_KEEP ? OUTCOME_KEEP : OUTCOME_NONE;
	if (how == SPOIL_DSN_CLASS || how == SPOIL_DSN_TEXT)
		strcpy(a->verdict.dsn, how == SPOIL_DSN_CLASS ? "4.0.0" : "2.0.");
	if (how == SPOIL_NO_TEXT || how == SPOIL_CONTROL)
		a->verdict.text = how == SPOIL_NO_TEXT ? NULL : fake;
	if (how == SPOIL_NO_RELAY)
		a->relay = NULL;
}

static void spoil_other(enum spoil how, struct buf *b)
{
	char reason[] = "r";
	struct finish f = { .destination = how == SPOIL_FINISH_DESTINATION ? 8 : 7, .site = SITE_DEAD,
		.reason = reason };
	size_t begin;

	if (how == SPOIL_FINISH_NO_REASON)
		f.reason = NULL;
	if (how == SPOIL_HEIR || how == SPOIL_HEIR_UNKNOWN)
		f.connection = CONNECTION_PASSED;
	f.next = how == SPOIL_HEIR_UNKNOWN ? 1 : 0;
	begin = message_begin(b, how == SPOIL_CREDIT ? MESSAGE_CREDIT :
		how == SPOIL_WRONG_WAY ? MESSAGE_STOP : MESSAGE_FINISH);
	if (how == SPOIL_CREDIT || how == SPOIL_WRONG_WAY) {
		pack_u32(b, 0);
		pack_u32(b, LINK_SLOTS + 1);
	} else {
		message_put_finish(b, &f);
	}
	message_end(b, begin);
}

static void spoiled_packet(enum spoil how, struct buf *b)
{
	struct answer a;
	size_t begin = message_begin(b, MESSAGE_ANSWER);

	spoil_answer(how, &a);
	message_put_answer(b, &a);
	if (how == SPOIL_SHORT)
		b->len -= 3;
	if (how == SPOIL_LONG)
		pack_u8(b, 0);
	message_end(b, begin);
	if (how == SPOIL_KIND || how == SPOIL_KIND_ZERO)
		b->data[0] = how == SPOIL_KIND ? 99 : 0;
	if (how == SPOIL_LENGTH)
		memset(b->data + 1, 0x7f, 4);
}

START_TEST(test_hostile_courier)
{
	enum spoil how = spoils[_i].how;
	struct buf b;
	int fds[2], extra = how == SPOIL_DESCRIPTOR ? some_file() : -1;

	last_fd = -1;
	loop = loop_new();
	pair_of(fds);
	queue = link_new(loop, fds[0], &at_queue, NULL);
	send_one(55, 2);
	buf_init(&b, PACKET_MAX);
	if (how == SPOIL_CREDIT || how == SPOIL_WRONG_WAY || how == SPOIL_FINISH_DESTINATION ||
		how == SPOIL_FINISH_NO_REASON || how == SPOIL_HEIR || how == SPOIL_HEIR_UNKNOWN)
		spoil_other(how, &b);
	else
		spoiled_packet(how, &b);
	ck_assert_int_eq(packet_send(fds[1], b.data, b.len, extra), 0);
	buf_free(&b);
	run_until(how == SPOIL_NOTHING || how == SPOIL_DESCRIPTOR ? 1 : -1);
	if (how == SPOIL_DESCRIPTOR && !breaks)
		run_until(-1);
	ck_assert_str_eq(why, spoils[_i].why);
	ck_assert_int_eq(heard_answers, how == SPOIL_NOTHING || how == SPOIL_DESCRIPTOR);
	if (extra >= 0)
		close(extra);
	close(fds[1]);
	courier = NULL;
	finish();
}
END_TEST

/* At the courier: what the queue's end must not send. Nobody to deliver to: behaviour R-4. */
enum odd {
	ODD_RCPT_FIRST, ODD_NO_HELLO, ODD_NO_FILE, ODD_VERSION, ODD_NO_PAGE, ODD_SMALL_PAGE, ODD_NO_RCPT, ODD_TWO
};

static const struct {
	enum odd how;
	const char *why;
} odds[] = {
	{ ODD_RCPT_FIRST, "internal error (please report): message of kind 3: a recipient without a request" },
	{ ODD_NO_HELLO, "internal error (please report): message of kind 2: a request at the wrong time" },
	{ ODD_NO_FILE, "internal error (please report): message of kind 2: a request without its file" },
	{ ODD_VERSION, "internal error (please report): message of kind 1: the other end is of another version" },
	{ ODD_NO_PAGE, "internal error (please report): message of kind 1: the page of dot marks did not come" },
	{ ODD_SMALL_PAGE, "internal error (please report): message of kind 1: the page of dot marks did not come" },
	{ ODD_NO_RCPT, "internal error (please report): message of kind 2: a request has no recipient" },
	{ ODD_TWO, "internal error (please report): message of kind 2: a request at the wrong time" },
};

static void put_hello(struct buf *b, uint32_t version)
{
	size_t begin = message_begin(b, MESSAGE_HELLO);

	pack_u32(b, version);
	message_end(b, begin);
}

static void put_request(struct buf *b, size_t rcpts)
{
	struct request *r = some_request(1, rcpts);
	size_t begin = message_begin(b, MESSAGE_REQUEST);

	message_put_request(b, r, 0);
	message_end(b, begin);
	request_free(r);
}

static void put_rcpt(struct buf *b)
{
	char address[] = "a@b";
	struct envelope_rcpt r = { .address = address };
	size_t begin = message_begin(b, MESSAGE_RCPT);

	message_put_rcpt(b, &r);
	message_end(b, begin);
}

START_TEST(test_hostile_queue)
{
	enum odd how = odds[_i].how;
	struct buf hello, rest;
	int fds[2], page = memfd_create("page", MFD_CLOEXEC), file = some_file();

	last_fd = -1;
	loop = loop_new();
	pair_of(fds);
	courier = link_new(loop, fds[1], &at_courier, NULL);
	ck_assert_int_eq(ftruncate(page, how == ODD_SMALL_PAGE ? 4096 : LINK_SLOTS), 0);
	buf_init(&hello, PACKET_MAX);
	buf_init(&rest, PACKET_MAX);
	put_hello(&hello, how == ODD_VERSION ? MESSAGE_VERSION + 1 : MESSAGE_VERSION);
	if (how != ODD_NO_HELLO)
		packet_send(fds[0], hello.data, hello.len, how == ODD_NO_PAGE ? -1 : page);
	if (how != ODD_RCPT_FIRST)
		put_request(&rest, how == ODD_NO_RCPT ? 0 : 2);
	put_rcpt(&rest);
	if (how == ODD_TWO)
		put_request(&rest, 2);
	packet_send(fds[0], rest.data, rest.len, how == ODD_NO_FILE ? -1 : file);
	run_until(-1);
	ck_assert_str_eq(why, odds[_i].why);
	ck_assert_int_eq(heard_requests, 0);
	buf_free(&hello);
	buf_free(&rest);
	close(page);
	close(file);
	close(fds[0]);
	queue = NULL;
	finish();
}
END_TEST

/* The courier has no room for the file: everybody may be tried again, nothing is lost. */
START_TEST(test_no_descriptor_left)
{
	struct rlimit limit, none;

	start();
	link_send_credit(courier, 1);
	run_until(1);
	send_one(66, 3);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	run_until(4);
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(heard_requests, 0);
	ck_assert_int_eq(heard_answers, 3);
	ck_assert_str_eq(heard_text, "66 7 0 0 - 0 -");
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "request", test_request, UNIT_ROWS(sizes), 0 },
		{ "answer and finish", test_answer, 1, 0 },
		{ "small messages", test_small_messages, 1, 0 },
		{ "sent ahead", test_ahead, 1, 0 },
		{ "dot marks", test_marks, 1, 0 },
		{ "waits", test_waits, 1, 0 },
		{ "hostile courier", test_hostile_courier, UNIT_ROWS(spoils), 0 },
		{ "hostile queue", test_hostile_queue, UNIT_ROWS(odds), 0 },
		{ "no descriptor left", test_no_descriptor_left, 1, 0 },
	};

	return unit_main("link/link", cases, UNIT_ROWS(cases));
}
