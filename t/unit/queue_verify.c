/* What becomes of the operator's questions about addresses, and that they leave nothing behind. */
#include "queue/operator/verify.h"

#include <string.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

/* An answer as it comes. */
struct answer_seen {
	unsigned count;
	char status[40], dsn[20], text[400], relay[100], destination[100];
	char why[200];
	size_t notes;
};

static void copy(const json_t *o, const char *key, char *to, size_t size)
{
	const char *value = json_string_value(json_object_get(o, key));

	snprintf(to, size, "%s", value ? value : "null");
}

static void answered(void *arg, json_t *o, const char *why)
{
	struct answer_seen *a = arg;

	a->count++;
	snprintf(a->why, sizeof a->why, "%s", why ? why : "");
	if (!o)
		return;
	copy(o, "status", a->status, sizeof a->status);
	copy(o, "dsn", a->dsn, sizeof a->dsn);
	copy(o, "text", a->text, sizeof a->text);
	copy(o, "relay", a->relay, sizeof a->relay);
	copy(o, "destination", a->destination, sizeof a->destination);
	a->notes = json_array_size(json_object_get(o, "notes"));
}

static void begin(struct world *w)
{
	world_begin(w, NULL);
	world_open(w);
}

/* Nothing was written, sent or kept. */
static void check_no_traces(struct world *w)
{
	ck_assert_uint_eq(fake_spool_count(), 0);
	ck_assert_uint_eq(world_journal("report "), 0);
	ck_assert_uint_eq(world_journal("\ns ") + world_journal("\nb ") + world_journal("\nd "), 0);
	ck_assert_uint_eq(world_held(w), 0);
}

static const struct {
	const char *address, *status, *dsn, *text;
} asked[] = {
	{ "ok@a.test", "deliverable", "2.0.0", "250 2.0.0 Saved" },
	{ "never@a.test", "undeliverable", "5.1.1", "550 5.1.1 nobody of that name" },
	{ "later@a.test", "deferred", "4.2.0", "450 4.2.0 not now" },
	{ "lost@a.test", "deferred", "4.4.2", "lost connection" },
	{ "x@nowhere.test", "deferred", "4.3.5", "nosuch" },
};

START_TEST(test_answers)
{
	struct answer_seen a = { 0 };
	struct world w;

	begin(&w);
	queue_verify(w.queue, asked[_i].address, MINUTE, answered, &a);
	world_run(&w, MINUTE / 2);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_str_eq(a.status, asked[_i].status);
	ck_assert_str_eq(a.dsn, asked[_i].dsn);
	ck_assert_ptr_nonnull(strstr(a.text, asked[_i].text));
	check_no_traces(&w);
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(a.count, 1);
	world_end(&w);
}
END_TEST

static const char *const no_addresses[] = { "", "a b", "@", "a@", "x@-.test", "a\nb@c.test", "<a@b.test>" };

START_TEST(test_no_address)
{
	struct answer_seen a = { 0 };
	struct world w;

	begin(&w);
	queue_verify(w.queue, no_addresses[_i], MINUTE, answered, &a);
	ck_assert_uint_eq(a.count, 1);
	ck_assert(a.why[0] != '\0' && a.status[0] == '\0');
	world_run(&w, 2 * MINUTE);
	ck_assert_uint_eq(a.count, 1);
	world_end(&w);
}
END_TEST

/* A dead destination is asked by the question itself, ahead of mail that waits and of its turn. */
START_TEST(test_dead_destination)
{
	struct answer_seen a = { 0 }, b = { 0 };
	struct world w;
	struct host *h;

	begin(&w);
	h = world_host(&w, "inet:a");
	h->dead = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &a);
	world_run(&w, 1000);
	ck_assert_str_eq(a.status, "deferred");
	ck_assert_str_eq(a.dsn, "4.4.1");
	h->dead = false;
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &b);
	world_run(&w, 1000);
	ck_assert_str_eq(b.status, "deliverable");
	/* one success, and what waited moves */
	ck_assert_uint_eq(fake_spool_count(), 0);
	world_end(&w);
}
END_TEST

/* Suspended is said at once, before a question and while one waits. */
START_TEST(test_suspended)
{
	struct answer_seen a = { 0 }, b = { 0 };
	struct world w;

	begin(&w);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, 1000);
	world_suspend(&w, "lmtp:inet:a", true);
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &a);
	world_run(&w, 1000);
	ck_assert_str_eq(a.status, "deferred");
	ck_assert_ptr_nonnull(strstr(a.text, "suspended by the operator"));
	world_suspend(&w, "lmtp:inet:a", false);
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &b);
	world_run(&w, 1000);
	ck_assert_str_eq(b.status, "deliverable");
	world_end(&w);
}
END_TEST

/* The time limit says where it got stuck; what comes later reaches nobody and breaks nothing. */
static const struct {
	bool holds, no_courier;
	const char *text;
} stuck[] = {
	{ true, false, "is being asked, and has not answered yet" },
	{ false, true, "no courier takes requests" },
};

START_TEST(test_time_limit)
{
	struct answer_seen a = { 0 };
	struct world w;

	begin(&w);
	w.hold_answers = stuck[_i].holds;
	if (stuck[_i].no_courier) {
		world_kill(&w, w.last_pid, 0);
		world_run(&w, 10);
	}
	queue_verify(w.queue, "ok@a.test", 500, answered, &a);
	world_run(&w, 400);
	ck_assert_uint_eq(a.count, 0);
	world_run(&w, 200);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_str_eq(a.status, "deferred");
	ck_assert_str_eq(a.dsn, "4.4.7");
	ck_assert_str_eq(a.relay, "none");
	ck_assert_ptr_nonnull(strstr(a.text, stuck[_i].text));
	world_run(&w, 1000);
	ck_assert_uint_eq(a.count, 1);
	world_end(&w);
}
END_TEST

/* A courier that ends takes no question with it: the next one is asked. */
START_TEST(test_courier_ends)
{
	struct answer_seen a = { 0 };
	struct world w;

	begin(&w);
	w.hold_answers = true;
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &a);
	world_run(&w, 100);
	ck_assert_uint_eq(world_held(&w), 1);
	w.hold_answers = false;
	world_kill(&w, w.last_pid, 0);
	world_courier(&w, 0);
	world_run(&w, MINUTE / 2);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_str_eq(a.status, "deliverable");
	check_no_traces(&w);
	world_end(&w);
}
END_TEST

/* Many at once share the destination's window and get an answer each. */
START_TEST(test_many)
{
	enum { MANY = 200 };
	struct answer_seen a[MANY] = { 0 };
	struct world w;

	begin(&w);
	for (size_t i = 0; i < MANY; i++)
		queue_verify(w.queue, i % 2 ? "ok@a.test" : "never@a.test", MINUTE, answered, &a[i]);
	world_run(&w, MINUTE / 2);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_uint_eq(a[i].count, 1);
		ck_assert_str_eq(a[i].status, i % 2 ? "deliverable" : "undeliverable");
	}
	ck_assert_uint_le(world_host(&w, "inet:a")->open_max, 20);
	check_no_traces(&w);
	world_end(&w);
}
END_TEST

static void note_stop(void *arg)
{
	*(bool *)arg = true;
}

/* The daemon's end answers whoever waits, and frees what is left. */
START_TEST(test_end)
{
	struct answer_seen a = { 0 };
	bool over = false;
	struct world w;

	begin(&w);
	w.hold_answers = true;
	queue_verify(w.queue, "ok@a.test", MINUTE, answered, &a);
	world_run(&w, 100);
	queue_stop(w.queue, 1000, note_stop, &over);
	ck_assert(world_until_set(&w, &over, MINUTE));
	ck_assert_uint_eq(a.count, 1);
	ck_assert_str_eq(a.status, "deferred");
	ck_assert_ptr_nonnull(strstr(a.text, "the daemon stops"));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "answers", test_answers, UNIT_ROWS(asked), 0 },
		{ "no address", test_no_address, UNIT_ROWS(no_addresses), 0 },
		{ "dead destination", test_dead_destination, 1, 0 },
		{ "suspended", test_suspended, 1, 0 },
		{ "time limit", test_time_limit, UNIT_ROWS(stuck), 0 },
		{ "courier ends", test_courier_ends, 1, 0 },
		{ "many", test_many, 1, 0 },
		{ "end", test_end, 1, 0 },
	};

	return unit_main("queue/verify", cases, UNIT_ROWS(cases));
}
