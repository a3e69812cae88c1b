/* Both ends of a link on one loop. */
#include "link_world.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

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
	char relay[] = "h[/x]", transcript[] = "Out: x\nIn: y", text[] = "451 no", reason[] = "many",
		tls[] = "Verified TLSv1.3 X";
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

/* As the daemon does it: each packet that waits holds a file. */
static void raise_limit(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* More than the socket holds: the rest waits inside, nothing is lost, order is kept. */
START_TEST(test_waits)
{
	raise_limit();
	start();
	for (uint32_t i = 0; i < 3000; i++)
		send_one(i, 20);
	ck_assert(link_is_behind(queue));
	run_until(3000);
	ck_assert(!link_is_behind(queue));
	ck_assert_uint_eq(last_request->number, 2999);
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
		{ "no descriptor left", test_no_descriptor_left, 1, 0 },
	};

	return unit_main("link/link", cases, UNIT_ROWS(cases));
}
