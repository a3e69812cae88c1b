/* What an operator suspends and resumes: destinations that are there, that are not there yet, and names that
 * are none. */
#include <string.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

/* --- destinations --- */

struct suspended {
	bool answered;
	char state[20];           /* "" if it was refused */
	char said[200];           /* the note, or why it was refused */
};

static void note_suspended(void *arg, json_t *destination, const char *why)
{
	struct suspended *s = arg;

	ck_assert((destination != NULL) != (why != NULL));
	snprintf(s->state, sizeof s->state, "%s", destination ? json_string_value(json_object_get(destination,
	         "state")) : "");
	if (destination)
		why = json_string_value(json_object_get(destination, "note"));
	snprintf(s->said, sizeof s->said, "%s", why ? why : "");
	s->answered = true;
}

static void suspend(struct world *w, const char *name, bool suspended)
{
	struct suspended s = { 0 };

	queue_suspend(w->queue, name, suspended, note_suspended, &s);
	ck_assert(world_until_set(w, &s.answered, 1000));
	ck_assert_str_eq(s.state, suspended ? "suspended" : "alive");
}

static const struct { bool before_arrival; const char *rcpt; } suspensions[] = {
	{ true, "ok@a.test" }, { false, "later@a.test" },
};

/* Longer than anything may be in the queue: what the operator keeps back does not expire. */
START_TEST(test_suspend)
{
	struct world w;
	unsigned requests;

	world_begin(&w, NULL);
	world_open(&w);
	if (suspensions[_i].before_arrival)
		suspend(&w, "lmtp:inet:a", true);
	world_drop(&w, "s@sender.test", suspensions[_i].rcpt);
	world_drop(&w, "s@sender.test", "ok@b.test");
	world_run(&w, MINUTE);
	suspend(&w, "lmtp:inet:a", true);
	requests = world_host(&w, "inet:a")->requests;
	ck_assert_uint_eq(requests, !suspensions[_i].before_arrival);
	ck_assert_uint_eq(world_host(&w, "inet:b")->requests, 1);
	world_run(&w, 6 * 24 * 60 * MINUTE);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, requests);
	ck_assert_uint_eq(fake_spool_count(), 1);
	suspend(&w, "lmtp:inet:a", false);
	ck_assert(world_until_left(&w, 0, 2 * MINUTE));
	ck_assert_uint_gt(world_host(&w, "inet:a")->requests, requests);
	world_end(&w);
}
END_TEST

/* The operator is told when it is on the disk. */
START_TEST(test_suspend_is_answered_after_the_commit)
{
	struct suspended s = { 0 };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_run(&w, 10);
	fake_spool_hold = true;
	queue_suspend(w.queue, "lmtp:inet:a", true, note_suspended, &s);
	world_run(&w, 1000);
	ck_assert(!s.answered);
	fake_spool_hold = false;
	suspend(&w, "lmtp:inet:b", true);
	ck_assert(s.answered);
	world_end(&w);
}
END_TEST

/* The journal is not known yet, so what it says of the destination would come later and count. */
START_TEST(test_suspend_before_the_queue_is_read)
{
	struct suspended s = { .state = "?" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	queue_suspend(w.queue, "lmtp:inet:a", true, note_suspended, &s);
	ck_assert(s.answered);
	ck_assert_str_eq(s.state, "");
	world_end(&w);
}
END_TEST

static const struct { const char *name, *why; } no_destinations[] = {
	{ "", "'' is not a destination: it is written transport:nexthop" },
	{ "lmtp", "it is written transport:nexthop" }, { "lmtp:", "it is written transport:nexthop" },
	{ "inet", "it is written transport:nexthop" },
	{ "x:inet:a", "there is no transport 'x'" }, { ":inet:a", "there is no transport ''" },
	{ "ltmp:inet:a", "there is no transport 'ltmp'; did you mean lmtp?" },
	{ "l\nm:inet:a", "there is no transport 'l?m'" },
	{ "lmtp:unix:run/lmtp", "what stands behind unix: is not a path that begins with /" },
	{ "lmtp:unix:", "'lmtp:unix:' is not a destination: what stands behind unix: is not a path" },
	{ "lmtp:inet:", "it names no host" }, { "smtp:, ,", "it names no host" },
	{ "smtp:unix:/run/lmtp", "is not a destination: " }, { "lmtp:/run/lmtp", "is not a destination: " },
	{ "smtp:[a.test", "is not a destination: " }, { "smtp:a.test, b.test:0", "is not a destination: " },
};

START_TEST(test_suspend_refuses)
{
	struct suspended s = { .state = "?" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_run(&w, 10);
	queue_suspend(w.queue, no_destinations[_i].name, true, note_suspended, &s);
	ck_assert(s.answered);
	ck_assert_str_eq(s.state, "");
	ck_assert_msg(strstr(s.said, no_destinations[_i].why) != NULL, "%s", s.said);
	ck_assert_uint_eq(world_journal("suspend"), 0);
	world_end(&w);
}
END_TEST

static const struct { const char *name; bool suspended; const char *note; } strangers[] = {
	{ "lmtp:inet:a", true, "" }, { "lmtp:inet:a", false, "" },
	{ "lmtp:inet:aa", true, "nothing has been sent there lately; it is suspended from now on; did you mean "
		"lmtp:inet:a?" },
	{ "lmtp:inet:aa", false,
		"nothing has been sent there lately; it was not suspended; did you mean lmtp:inet:a?" },
	{ "smtp:elsewhere.test", true, "nothing has been sent there lately; it is suspended from now on" },
	{ "lmtp:unix:/run/lmtp", false, "nothing has been sent there lately; it was not suspended" },
};

/* The note is for the first order only: after that the destination is there. */
START_TEST(test_suspend_a_stranger)
{
	const char *notes[] = { strangers[_i].note, "" };
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	for (size_t i = 0; i < 2; i++) {
		struct suspended s = { 0 };

		queue_suspend(w.queue, strangers[_i].name, strangers[_i].suspended, note_suspended, &s);
		ck_assert(world_until_set(&w, &s.answered, 1000));
		ck_assert_str_eq(s.state, strangers[_i].suspended ? "suspended" : "alive");
		ck_assert_str_eq(s.said, notes[i]);
	}
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "suspend", test_suspend, UNIT_ROWS(suspensions), 0 },
		{ "suspend is answered after the commit", test_suspend_is_answered_after_the_commit, 0, 0 },
		{ "suspend before the queue is read", test_suspend_before_the_queue_is_read, 0, 0 },
		{ "suspend refuses", test_suspend_refuses, UNIT_ROWS(no_destinations), 0 },
		{ "suspend a stranger", test_suspend_a_stranger, UNIT_ROWS(strangers), 0 },
	};

	return unit_main("queue/suspend", cases, UNIT_ROWS(cases));
}
