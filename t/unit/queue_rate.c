/* Events in the last minute. */
#include "queue/destination/rate.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

/* Ten events at one time, ten at another; what is counted at a third. */
static const struct { int64_t first, second, asked; uint64_t count; } rates[] = {
	{ 0, 0, 0, 20 },
	{ 0, 0, MINUTE - 1, 20 },
	{ 0, 0, MINUTE, 20 },
	{ 0, 0, MINUTE + MINUTE / 2, 10 },
	{ 0, 0, 2 * MINUTE, 0 },
	{ 0, MINUTE, MINUTE, 20 },
	{ 0, MINUTE, MINUTE + MINUTE / 2, 15 },
	{ 0, MINUTE, 2 * MINUTE, 10 },
	{ 0, 5 * MINUTE, 5 * MINUTE, 10 },
	{ 0, 5 * MINUTE, 100 * MINUTE, 0 },
	{ MINUTE - 1, MINUTE, MINUTE + 1, 20 },
};

START_TEST(test_rates)
{
	struct rate r = { 0 };

	for (int i = 0; i < 10; i++)
		rate_count(&r, rates[_i].first);
	for (int i = 0; i < 10; i++)
		rate_count(&r, rates[_i].second);
	ck_assert_uint_eq(rate_last_minute(&r, rates[_i].asked), rates[_i].count);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "rates", test_rates, UNIT_ROWS(rates), 0 },
	};

	return unit_main("queue/rate", cases, UNIT_ROWS(cases));
}
