/* What is known of a pickup directory's names, when looks and events come in any order. */
#include "unit.h"

#include "fake_loop.h"
#include "spool/drop/odds.h"

enum { HOUR_MS = 3600 * 1000, LINKED_MS = 300 };

static const struct source source = { .pickup = true, .settle_ms = HOUR_MS };
static const struct stat file = { .st_ino = 7, .st_size = 100 };
static struct loop *loop;
static struct odds *odds;

static void begin(void)
{
	loop = loop_new();
	odds = odds_new(loop, &source);
}

static void end(void)
{
	odds_free(odds);
	loop_free(loop);
}

static struct drop_hint hint_after(int64_t ms)
{
	struct drop_hint hint = { 0 };

	fake_loop_until(loop, NULL, NULL, ms);
	odds_hint(odds, "q1", &hint);
	return hint;
}

START_TEST(test_linked)
{
	begin();
	odds_appeared(odds, "q1");
	ck_assert(odds_rests(odds, "q1"));
	ck_assert(hint_after(LINKED_MS).linked);
	ck_assert(!odds_rests(odds, "q1"));
	end();
}
END_TEST

/* A scan found the name, and its look ends after the event that tells of the same link was read. */
START_TEST(test_linked_while_it_is_looked_at)
{
	begin();
	ck_assert(!hint_after(0).linked);
	odds_appeared(odds, "q1");
	odds_settling(odds, "q1", &file);
	ck_assert(odds_rests(odds, "q1"));
	ck_assert(hint_after(LINKED_MS).linked);
	ck_assert(!odds_rests(odds, "q1"));
	end();
}
END_TEST

START_TEST(test_linked_and_a_long_look)
{
	begin();
	odds_appeared(odds, "q1");
	fake_loop_until(loop, NULL, NULL, 2 * LINKED_MS);
	odds_settling(odds, "q1", &file);
	ck_assert(hint_after(1).linked);
	ck_assert(!odds_rests(odds, "q1"));
	end();
}
END_TEST

/* What was linked and does not look finished is waited for like any other. */
START_TEST(test_linked_and_not_finished)
{
	begin();
	odds_appeared(odds, "q1");
	ck_assert(hint_after(LINKED_MS).linked);
	odds_settling(odds, "q1", &file);
	hint_after(HOUR_MS - 1);
	ck_assert(odds_rests(odds, "q1"));
	ck_assert_int_eq(hint_after(1).seen_ms, HOUR_MS);
	ck_assert(!odds_rests(odds, "q1"));
	end();
}
END_TEST

START_TEST(test_opened)
{
	begin();
	odds_appeared(odds, "q1");
	odds_opened(odds, "q1");
	ck_assert(!hint_after(LINKED_MS).linked);
	odds_settling(odds, "q1", &file);
	ck_assert(!hint_after(LINKED_MS).linked);
	ck_assert(odds_rests(odds, "q1"));
	end();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "linked", test_linked, 1, 0 },
		{ "linked while it is looked at", test_linked_while_it_is_looked_at, 1, 0 },
		{ "linked, and a long look", test_linked_and_a_long_look, 1, 0 },
		{ "linked and not finished", test_linked_and_not_finished, 1, 0 },
		{ "opened", test_opened, 1, 0 },
	};

	return unit_main("spool/odds", cases, UNIT_ROWS(cases));
}
