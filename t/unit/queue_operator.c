/* The operator's questions and orders. */
#include <string.h>

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
	queue_list(w.queue, &filters[_i].filter, count_each, note_end, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(world_until_set(&w, &ended, 1000));
	ck_assert_uint_eq(count, filters[_i].count);
	world_end(&w);
}
END_TEST

static void note_count(void *arg, size_t count)
{
	*(size_t *)arg = count;
	ended = true;
}

START_TEST(test_retry)
{
	struct world w;
	size_t count = 99;
	unsigned before;

	six_messages(&w);
	before = w.deferred;
	for (int dry = 1; dry >= 0; dry--) {
		ended = false;
		queue_retry(w.queue, 0, &filters[_i].filter, dry, note_count, &count);
		ck_assert(world_until_set(&w, &ended, 1000));
		ck_assert_uint_eq(count, filters[_i].count);
		world_run(&w, 1000);
		ck_assert_uint_eq(w.deferred - before, dry ? 0 : filters[_i].count);
	}
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

int main(void)
{
	const struct unit_case cases[] = {
		{ "list", test_list, UNIT_ROWS(filters), 0 },
		{ "retry", test_retry, UNIT_ROWS(filters), 0 },
		{ "show", test_show, 1, 0 },
		{ "status and metrics", test_status_and_metrics, 1, 0 },
	};

	return unit_main("queue/operator", cases, UNIT_ROWS(cases));
}
