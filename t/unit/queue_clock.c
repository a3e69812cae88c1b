/* The wall clock jumps. */
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const int64_t jumps[] = { 10 * DAY, -10 * DAY, 5000 };

START_TEST(test_wall_clock_jump)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	fake_loop_jump(w.loop, jumps[_i]);
	world_run(&w, MINUTE);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 1);
	ck_assert_uint_eq(world_journal("mark "), 1);
	world_run(&w, 5 * MINUTE);
	ck_assert_uint_eq(world_host(&w, "inet:a")->requests, 2);
	ck_assert_uint_eq(fake_spool_count(), 1);
	world_end(&w);
}
END_TEST

/* A clock that was wrong when the next attempt was written down must not keep mail for years. */
START_TEST(test_jump_over_a_restart)
{
	struct world w;

	world_begin(&w, NULL);
	world_open(&w);
	world_drop(&w, "s@sender.test", "later@a.test");
	world_run(&w, MINUTE);
	world_crash(&w);
	fake_loop_jump(w.loop, jumps[_i]);
	world_open(&w);
	world_run(&w, 2 * HOUR);
	ck_assert_uint_ge(world_host(&w, "inet:a")->requests, 2);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "wall clock jump", test_wall_clock_jump, UNIT_ROWS(jumps), 0 },
		{ "jump over a restart", test_jump_over_a_restart, UNIT_ROWS(jumps), 0 },
	};

	return unit_main("queue/clock", cases, UNIT_ROWS(cases));
}
