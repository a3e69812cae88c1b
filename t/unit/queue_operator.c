/* The operator's questions and orders. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/operator/orders.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

static void count_each(void *arg, json_t *message)
{
	ck_assert(json_object_get(message, "recipients"));
	++*(size_t *)arg;
}

static bool ended;

static void note_end(void *arg)
{
	(void)arg;
	ended = true;
}

static const struct { struct queue_filter filter; size_t count; } filters[] = {
	{ { 0 }, 6 },
	{ { .state = "deferred" }, 6 },
	{ { .state = "active" }, 0 },
	{ { .to = "a.test" }, 4 },
	{ { .to = "A.TEST" }, 4 },
	{ { .to = "lmtp:inet:b" }, 2 },
	{ { .to = "inet:" }, 6 },
	{ { .to = "c.test" }, 0 },
	{ { .from = "one@sender.test" }, 4 },
	{ { .from = "two" }, 1 },
	{ { .from = "<>" }, 1 },
	{ { .older = 30 * 1000 }, 6 },
	{ { .older = 90 * 1000 }, 0 },
	{ { .reason = "NOT NOW" }, 6 },
	{ { .reason = "refused" }, 0 },
	{ { .to = "a.test", .from = "one" }, 2 },
};

static int times_full;

static bool full_at_first(void *arg)
{
	(void)arg;
	return times_full > 0 && times_full-- > 0;
}

static void six_messages(struct world *w)
{
	world_begin(w, NULL);
	world_open(w);
	world_drop(w, "one@sender.test", "later@a.test");
	world_drop(w, "one@sender.test", "later@a.test");
	world_drop(w, "one@sender.test", "later@b.test");
	world_drop(w, "one@sender.test", "later@b.test");
	world_drop(w, "two@sender.test", "later@a.test");
	world_drop(w, "", "later@a.test");
	world_run(w, MINUTE);
}

START_TEST(test_list)
{
	struct world w;
	size_t count = 0;

	six_messages(&w);
	ended = false;
	times_full = 3;
	queue_list(w.queue, &filters[_i].filter, count_each, full_at_first, note_end, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(world_until_set(&w, &ended, 1000));
	ck_assert_uint_eq(count, filters[_i].count);
	ck_assert_int_eq(times_full, 0);
	world_end(&w);
}
END_TEST

/* --- orders --- */

static void note_answer(void *arg, const struct queue_order_answer *a)
{
	*(struct queue_order_answer *)arg = *a;
	ended = true;
}

static struct queue_order_answer give(struct world *w, enum queue_order order, uint64_t id,
                                      const struct queue_filter *filter, bool dry_run)
{
	struct queue_order_answer answer = { 99, 99 };

	ended = false;
	queue_order(w->queue, order, id, filter, dry_run, note_answer, &answer);
	ck_assert(world_until_set(w, &ended, 1000));
	return answer;
}

START_TEST(test_retry)
{
	struct queue_order_answer answer;
	struct world w;
	unsigned before;

	six_messages(&w);
	before = w.deferred;
	for (int dry = 1; dry >= 0; dry--) {
		answer = give(&w, QUEUE_RETRY, 0, &filters[_i].filter, dry);
		ck_assert_uint_eq(answer.found, filters[_i].count);
		ck_assert_uint_eq(answer.changed, filters[_i].count);
		world_run(&w, 1000);
		ck_assert_uint_eq(w.deferred - before, dry ? 0 : filters[_i].count);
	}
	world_end(&w);
}
END_TEST

/* Two orders one after the other about a message that is deferred; how many the second one changes, what
 * becomes of the message, and of it after a restart. */
static const struct {
	enum queue_order first, second;
	size_t changed;
	const char *state, *restarted;
} pairs[] = {
	{ QUEUE_HOLD, QUEUE_HOLD, 0, "held", "held" },
	{ QUEUE_HOLD, QUEUE_RETRY, 0, "held", "held" },
	{ QUEUE_HOLD, QUEUE_RELEASE, 1, "deferred", "deferred" },
	{ QUEUE_HOLD, QUEUE_DELETE, 1, "gone", "gone" },
	{ QUEUE_RELEASE, QUEUE_RELEASE, 0, "deferred", "deferred" },
	{ QUEUE_RELEASE, QUEUE_HOLD, 1, "held", "held" },
	{ QUEUE_DELETE, QUEUE_RELEASE, 0, "gone", "gone" },
	{ QUEUE_RETRY, QUEUE_HOLD, 1, "held", "held" },
};

START_TEST(test_orders)
{
	struct world w;
	uint64_t id;
	unsigned requests;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	give(&w, pairs[_i].first, id, NULL, false);
	ck_assert_uint_eq(give(&w, pairs[_i].second, id, NULL, true).changed, pairs[_i].changed);
	ck_assert_uint_eq(give(&w, pairs[_i].second, id, NULL, false).changed, pairs[_i].changed);
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), pairs[_i].state);
	requests = world_host(&w, "inet:a")->requests;
	world_crash(&w);
	world_open(&w);
	world_run(&w, 1000);
	ck_assert_str_eq(world_state(&w, id), pairs[_i].restarted);
	world_run(&w, 6 * 24 * 60 * MINUTE);
	if (strcmp(pairs[_i].state, "deferred") != 0)
		ck_assert_uint_eq(world_host(&w, "inet:a")->requests, requests);
	ck_assert_uint_eq(world_journal("report "), strcmp(pairs[_i].state, "deferred") == 0);
	world_end(&w);
}
END_TEST

/* The same while its first recipient is at a courier and the others wait for their turn. */
static const struct {
	enum queue_order order;
	const char *soon, *later;
	unsigned sent;
} under_way[] = {
	{ QUEUE_HOLD, "active", "held", 1 },
	{ QUEUE_DELETE, "active", "gone", 1 },
	{ QUEUE_RETRY, "active", "gone", 3 },
	{ QUEUE_RELEASE, "active", "gone", 3 },
};

START_TEST(test_order_under_way)
{
	struct world w;
	uint64_t id;

	world_begin(&w, "lmtp.destination_recipient_limit", "1", "lmtp.destination_concurrency_limit", "1", NULL);
	world_open(&w);
	w.duration = 5000;
	id = world_drop_many(&w, "s@sender.test", "ok", "a.test", 3);
	world_run(&w, 1000);
	give(&w, under_way[_i].order, id, NULL, false);
	ck_assert_str_eq(world_state(&w, id), under_way[_i].soon);
	ck_assert(!order_applies(QUEUE_RELEASE, messages_find(w.queue->messages, id)) ||
	          under_way[_i].order == QUEUE_HOLD);
	world_run(&w, MINUTE);
	ck_assert_str_eq(world_state(&w, id), under_way[_i].later);
	ck_assert_uint_eq(w.sent, under_way[_i].sent);
	ck_assert_uint_eq(fake_spool_count(), strcmp(under_way[_i].later, "gone") != 0);
	if (under_way[_i].order == QUEUE_HOLD) {
		give(&w, QUEUE_RELEASE, id, NULL, false);
		ck_assert(world_until_left(&w, 0, MINUTE));
		ck_assert_uint_eq(w.sent, 3);
	}
	world_end(&w);
}
END_TEST

START_TEST(test_release_while_still_under_way)
{
	struct world w;
	uint64_t id;

	world_begin(&w, "lmtp.destination_recipient_limit", "1", "lmtp.destination_concurrency_limit", "1", NULL);
	world_open(&w);
	w.duration = 5000;
	id = world_drop_many(&w, "s@sender.test", "ok", "a.test", 3);
	world_run(&w, 1000);
	give(&w, QUEUE_HOLD, id, NULL, false);
	give(&w, QUEUE_RELEASE, id, NULL, false);
	ck_assert(world_until_left(&w, 0, MINUTE));
	ck_assert_uint_eq(w.sent, 3);
	world_end(&w);
}
END_TEST

/* Who waits for a dead host obeys at once. */
START_TEST(test_delete_at_a_dead_host)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_host(&w, "inet:a")->dead = true;
	for (int i = 0; i < 50; i++)
		world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 10 * 1000);
	ck_assert_uint_eq(give(&w, QUEUE_DELETE, 0, &(struct queue_filter){ .to = "a.test" }, false).changed, 50);
	world_run(&w, 10 * 1000);
	ck_assert_uint_eq(fake_spool_count(), 0);
	ck_assert_uint_eq(messages_total(w.queue->messages), 0);
	world_end(&w);
}
END_TEST

/* Whether what the log on standard error has taken in says so. */
static bool log_says(const char *path, const char *text)
{
	char *lines = unit_read(path);
	bool found;

	found = strstr(lines, text);
	free(lines);
	return found;
}

/* A crash before the commit brings the message back: until then the log does not call it removed. */
START_TEST(test_delete_is_logged_after_its_commit)
{
	char path[] = "/tmp/causeway-log-XXXXXX";
	int log = mkstemp(path);
	struct world w;

	ck_assert_int_ge(log, 0);
	ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	fake_spool_hold = true;
	ended = false;
	queue_order(w.queue, QUEUE_DELETE, 0, NULL, false, note_answer, &(struct queue_order_answer){ 0 });
	world_run(&w, MINUTE);
	ck_assert(log_says(path, "deleted by the operator") && !log_says(path, "removed"));
	fake_spool_hold = false;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_set(&w, &ended, MINUTE));
	ck_assert(log_says(path, ": removed"));
	world_end(&w);
	unlink(path);
}
END_TEST

START_TEST(test_order_is_answered_after_its_commit)
{
	struct queue_order_answer answer;
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	fake_spool_hold = true;
	ended = false;
	queue_order(w.queue, QUEUE_HOLD, id, NULL, false, note_answer, &answer);
	world_run(&w, MINUTE);
	ck_assert(!ended);
	fake_spool_hold = false;
	world_drop(&w, "s@sender.test", "ok@a.test");
	ck_assert(world_until_set(&w, &ended, MINUTE));
	ck_assert_uint_eq(answer.changed, 1);
	world_end(&w);
}
END_TEST

static const struct { const char *address, *rule, *nexthop; } ways[] = {
	{ "u@a.test", "mailbox_transport", "inet:a" },
	{ "u@b.test", "transport_maps", "inet:b" },
	{ "u", "mailbox_transport", "inet:a" },
	{ "u@elsewhere.test", "default_transport", "elsewhere.test" },
	{ "u@nowhere.test", "transport_maps", NULL },
	{ "", NULL, NULL },
	{ "u@@a.test", NULL, NULL },
	{ "u@a.test\n", NULL, NULL },
};

static json_t *explained;

static void keep_way(void *arg, json_t *way)
{
	(void)arg;
	explained = json_incref(way);
}

/* What the courier adds is seen end to end; here it may never answer, and what the queue knows is told all
 * the same. */
START_TEST(test_explain)
{
	const char *why = NULL, *nexthop;
	struct world w;
	bool asked;

	world_begin(&w, NULL);
	world_open(&w);
	asked = queue_explain(w.queue, ways[_i].address, keep_way, NULL, &why);
	ck_assert_int_eq(asked, ways[_i].rule != NULL);
	ck_assert_int_eq(why != NULL, ways[_i].rule == NULL);
	world_run(&w, 2 * MINUTE);
	ck_assert_int_eq(explained != NULL, asked);
	if (asked) {
		ck_assert_str_eq(json_string_value(json_object_get(explained, "rule")), ways[_i].rule);
		nexthop = json_string_value(json_object_get(explained, "nexthop"));
		ck_assert_pstr_eq(nexthop, ways[_i].nexthop);
		ck_assert_int_eq(json_object_get(explained, "failure") != NULL, nexthop != NULL);
	}
	json_decref(explained);
	world_end(&w);
}
END_TEST

static void note_message(void *arg, json_t *message)
{
	*(json_t **)arg = json_incref(message);
	ended = true;
}

START_TEST(test_show)
{
	json_t *message = NULL;
	struct world w;
	uint64_t id;

	world_begin(&w, NULL);
	world_open(&w);
	id = world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	ended = false;
	queue_show(w.queue, id, true, note_message, &message);
	ck_assert(world_until_set(&w, &ended, 1000));
	ck_assert_str_eq(json_string_value(json_object_get(message, "sender")), "s@sender.test");
	ck_assert_str_eq(json_string_value(json_object_get(message, "content")), "Subject: test\n\nbody\n");
	ck_assert_str_eq(json_string_value(json_object_get(message, "reason")), "450 4.2.0 not now");
	json_decref(message);
	ended = false;
	queue_show(w.queue, id + 1, true, note_message, &message);
	ck_assert(world_until_set(&w, &ended, 1000));
	ck_assert_ptr_null(message);
	world_end(&w);
}
END_TEST

START_TEST(test_status_and_metrics)
{
	struct world w;
	struct buf page;
	json_t *o;

	six_messages(&w);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_drop(&w, "s@sender.test", "never@a.test");
	world_run(&w, MINUTE);
	buf_init(&page, 1 << 20);
	queue_metrics(w.queue, &page);
	ck_assert_ptr_nonnull(strstr(buf_text(&page),
	                             "causeway_deliveries_total{transport=\"lmtp\",status=\"sent\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page),
	                             "causeway_deliveries_total{transport=\"lmtp\",status=\"bounced\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page), "causeway_queue_messages{state=\"deferred\"} 6\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&page), "causeway_delivery_seconds_count 2\n"));
	buf_free(&page);
	o = queue_status(w.queue);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "queue"), "deferred")), 6);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "deliveries"), "sent")), 2);
	json_decref(o);
	o = queue_destinations(w.queue);
	ck_assert_uint_eq(json_array_size(o), 3);
	json_decref(o);
	world_end(&w);
}
END_TEST

/* --- the oldest --- */

static int64_t oldest_ms(struct world *w)
{
	json_t *o = queue_status(w->queue);
	double seconds = json_number_value(json_object_get(o, "oldest_seconds"));

	json_decref(o);
	return (int64_t)(seconds * 1000 + 0.5);
}

/* The truth, from all of them. */
static uint64_t oldest_id(const struct world *w)
{
	const struct message *at, *oldest = NULL;
	size_t cursor = 0;

	while ((at = messages_each(w->queue->messages, &cursor)))
		if (!oldest || at->arrived < oldest->arrived)
			oldest = at;
	return oldest ? oldest->id : 0;
}

/* Of more messages than are remembered one goes after the other, and some come meanwhile. */
START_TEST(test_oldest)
{
	struct world w;
	uint64_t id;
	size_t gone = 0;

	world_begin(&w, NULL);
	world_open(&w);
	ck_assert_int_eq(oldest_ms(&w), 0);
	for (int i = 0; i < 300; i++) {
		world_drop(&w, "s@sender.test", "later@a.test");
		world_run(&w, 100);
	}
	for (; (id = oldest_id(&w)); gone++) {
		ck_assert_int_eq(oldest_ms(&w), message_age(messages_find(w.queue->messages, id),
		                                            queue_now(w.queue)));
		give(&w, QUEUE_DELETE, id, NULL, false);
		world_run(&w, 10);
		if (gone % 100 == 0)
			world_drop(&w, "s@sender.test", "later@a.test");
		world_run(&w, 10);
	}
	ck_assert_uint_ge(gone, 300);
	ck_assert_int_eq(oldest_ms(&w), 0);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "list", test_list, UNIT_ROWS(filters), 0 },
		{ "retry", test_retry, UNIT_ROWS(filters), 0 },
		{ "orders", test_orders, UNIT_ROWS(pairs), 0 },
		{ "order under way", test_order_under_way, UNIT_ROWS(under_way), 0 },
		{ "release under way", test_release_while_still_under_way, 1, 0 },
		{ "delete is logged after its commit", test_delete_is_logged_after_its_commit, 1, 0 },
		{ "delete at a dead host", test_delete_at_a_dead_host, 1, 0 },
		{ "answer after the commit", test_order_is_answered_after_its_commit, 1, 0 },
		{ "explain", test_explain, UNIT_ROWS(ways), 0 },
		{ "show", test_show, 1, 0 },
		{ "status and metrics", test_status_and_metrics, 1, 0 },
		{ "oldest", test_oldest, 1, 0 },
	};

	return unit_main("queue/operator", cases, UNIT_ROWS(cases));
}
