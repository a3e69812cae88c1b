/* A hostile other end of a link, which writes packets by hand. */
#include "link_world.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "link/message.h"
#include "link/packet.h"

/* A hostile courier: each row names a way to spoil a good message. */
enum spoil {
	SPOIL_NOTHING, SPOIL_SHORT, SPOIL_LONG, SPOIL_KIND, SPOIL_KIND_ZERO, SPOIL_WRONG_WAY, SPOIL_LENGTH,
	SPOIL_REQUEST, SPOIL_REQUEST_HUGE, SPOIL_RCPT, SPOIL_OUTCOME_KEEP, SPOIL_OUTCOME_NONE,
	SPOIL_DSN_CLASS, SPOIL_DSN_TEXT, SPOIL_NO_TEXT, SPOIL_CONTROL, SPOIL_NO_RELAY,
	SPOIL_FINISH_DESTINATION, SPOIL_FINISH_NO_REASON, SPOIL_FINISH_DSN, SPOIL_HEIR, SPOIL_HEIR_UNKNOWN,
	SPOIL_CREDIT, SPOIL_DESCRIPTOR
};

static const struct spoil_row {
	enum spoil how;
	const char *why;
} spoils[] = {
	{ SPOIL_SHORT,
		"internal error (please report): message of kind 8: a message is shorter than its fields" },
	{ SPOIL_LONG, "internal error (please report): message of kind 8: a message is longer than its fields" },
	{ SPOIL_KIND, "internal error (please report): message of kind 0: a number is out of range" },
	{ SPOIL_KIND_ZERO, "internal error (please report): message of kind 0: it is not for the queue" },
	{ SPOIL_WRONG_WAY, "internal error (please report): message of kind 6: it is not for the queue" },
	{ SPOIL_LENGTH, "internal error (please report): message of kind 8: a field is too long" },
	{ SPOIL_REQUEST, "internal error (please report): message of kind 8: a request is not out" },
	{ SPOIL_REQUEST_HUGE, "internal error (please report): message of kind 8: a number is out of range" },
	{ SPOIL_RCPT, "internal error (please report): message of kind 8: an answer for a recipient that is not "
		"in the request" },
	{ SPOIL_OUTCOME_KEEP,
		"internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not "
		"fit" },
	{ SPOIL_OUTCOME_NONE,
		"internal error (please report): message of kind 8: an answer's outcome and its enhanced code do not "
		"fit" },
	{ SPOIL_DSN_CLASS, "internal error (please report): message of kind 8: an answer's outcome and its "
		"enhanced code do not fit" },
	{ SPOIL_DSN_TEXT, "internal error (please report): message of kind 8: an answer's outcome and its "
		"enhanced code do not fit" },
	{ SPOIL_NO_TEXT, "internal error (please report): message of kind 8: an answer has no text" },
	{ SPOIL_CONTROL, "internal error (please report): message of kind 8: a line holds a control character" },
	{ SPOIL_NO_RELAY, "internal error (please report): message of kind 8: an answer has no relay" },
	{ SPOIL_FINISH_DESTINATION,
		"internal error (please report): message of kind 9: a request ends at another destination" },
	{ SPOIL_FINISH_DSN,
		"internal error (please report): message of kind 9: nobody waits with such a status" },
	{ SPOIL_FINISH_NO_REASON,
		"internal error (please report): message of kind 9: a destination is called busy or dead without a "
		"reason" },
	{ SPOIL_HEIR,
		"internal error (please report): message of kind 9: a connection is passed to another destination" },
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
	if (how == SPOIL_FINISH_DSN)
		strcpy(f.dsn, "5.0.0");
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
		how == SPOIL_FINISH_NO_REASON || how == SPOIL_FINISH_DSN || how == SPOIL_HEIR
		|| how == SPOIL_HEIR_UNKNOWN)
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
	{ ODD_SMALL_PAGE,
		"internal error (please report): message of kind 1: the page of dot marks did not come" },
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

int main(void)
{
	const struct unit_case cases[] = {
		{ "hostile courier", test_hostile_courier, UNIT_ROWS(spoils), 0 },
		{ "hostile queue", test_hostile_queue, UNIT_ROWS(odds), 0 },
	};

	return unit_main("link/hostile", cases, UNIT_ROWS(cases));
}
