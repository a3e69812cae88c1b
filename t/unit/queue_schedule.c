#include <stdlib.h>

#include "base/mem.h"
#include "queue/message/schedule.h"
#include "unit.h"

enum { SECOND = 1000, LEAST = 300 * SECOND, MOST = 4000 * SECOND };

/* age, bounds, and between what the wait must lie whatever the dice say. */
static const struct { int64_t age, least, most, from, to; } waits[] = {
	{ 0, LEAST, MOST, LEAST, LEAST + LEAST / 10 },
	{ -5 * SECOND, LEAST, MOST, LEAST, LEAST + LEAST / 10 },
	{ LEAST, LEAST, MOST, LEAST, LEAST + LEAST / 10 },
	{ 600 * SECOND, LEAST, MOST, 570 * SECOND, 630 * SECOND },
	{ 1000 * SECOND, LEAST, MOST, 950 * SECOND, 1050 * SECOND },
	{ MOST, LEAST, MOST, MOST - MOST / 10, MOST },
	{ 5 * 86400 * INT64_C(1000), LEAST, MOST, MOST - MOST / 10, MOST },
	{ INT64_MAX / 2, LEAST, MOST, MOST - MOST / 10, MOST },
	{ 7, 10, 10, 10, 10 },
	{ 7, 5, 5, 5, 5 },
	{ 400, 400, 1600, 400, 440 },
	{ 0, 0, 0, 0, 0 },
	{ 0, 1, 1000, 1, 2 },
	{ 100, 500, 300, 500, 500 },
};

START_TEST(test_backoff)
{
	uint64_t state = 1;
	int64_t lowest = INT64_MAX, highest = 0;

	for (int i = 0; i < 2000; i++) {
		int64_t wait = schedule_backoff(waits[_i].age, waits[_i].least, waits[_i].most,
		                                schedule_random(&state));

		lowest = wait < lowest ? wait : lowest;
		highest = wait > highest ? wait : highest;
	}
	ck_assert_int_ge(lowest, waits[_i].from);
	ck_assert_int_le(highest, waits[_i].to);
	if (waits[_i].to - waits[_i].from > 20)
		ck_assert_int_gt(highest - lowest, (waits[_i].to - waits[_i].from) / 2);
}
END_TEST

START_TEST(test_same_dice_same_wait)
{
	int64_t wait = schedule_backoff(1000000, LEAST, MOST, 12345);

	ck_assert_int_eq(schedule_backoff(1000000, LEAST, MOST, 12345), wait);
	ck_assert_int_ne(schedule_backoff(1000000, LEAST, MOST, 54321), wait);
}
END_TEST

enum { MANY = 5000 };

static void check_order(struct schedule *s, size_t count)
{
	int64_t last = INT64_MIN;
	uint64_t last_id = 0;
	struct message *m;

	while ((m = schedule_first(s))) {
		ck_assert(m->due > last || (m->due == last && m->id > last_id));
		last = m->due;
		last_id = m->id;
		schedule_remove(s, m);
		ck_assert_uint_eq(m->heap_at, 0);
		count--;
	}
	ck_assert_uint_eq(count, 0);
}

/* Set, moved and taken out at random, they come in order of time and id. */
START_TEST(test_order)
{
	struct message *all = mem_alloc(MANY * sizeof *all);
	struct schedule *s = schedule_new();
	uint64_t state = 77 + (uint64_t)_i;
	size_t there = 0;

	for (size_t i = 0; i < MANY; i++) {
		all[i].id = i + 1;
		schedule_set(s, &all[i], schedule_random(&state) % 1000);
	}
	for (size_t i = 0; i < MANY; i++) {
		struct message *m = &all[schedule_random(&state) % MANY];

		if (schedule_random(&state) % 2)
			schedule_remove(s, m);
		else
			schedule_set(s, m, schedule_random(&state) % 1000);
	}
	for (size_t i = 0; i < MANY; i++)
		there += all[i].heap_at != 0;
	check_order(s, there);
	schedule_free(s);
	free(all);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "backoff", test_backoff, UNIT_ROWS(waits), 0 },
		{ "same dice, same wait", test_same_dice_same_wait, 1, 0 },
		{ "order", test_order, 5, 0 },
	};

	return unit_main("queue/schedule", cases, UNIT_ROWS(cases));
}
