#include "unit.h"

#include "courier/delivery/coalesce.h"

static const struct {
	int64_t took;                /* us, each transaction */
	bool waiting;
	int64_t rest;                /* at most, once the mean has settled */
} rows[] = {
	{ 0, true, 0 }, { 1900, true, 0 }, { 3000, true, 0 },     /* a sink that answers at once is not slowed */
	{ 4800, true, 600 }, { 12800, true, 1600 },
	{ 16000, true, 2000 }, { 500000, true, 2000 }, { INT64_C(600000000), true, 2000 },
	{ 12800, false, 0 }, { 500000, false, 0 },                /* nobody waits */
	{ -5000, true, 0 },                                       /* a clock that jumps */
};

START_TEST(test_rest)
{
	struct coalesce coalesce = { 0 };

	for (int i = 0; i < 400; i++)
		coalesce_took(&coalesce, rows[_i].took);
	ck_assert_int_le(coalesce_rest(&coalesce, rows[_i].waiting), rows[_i].rest);
	ck_assert_int_ge(coalesce_rest(&coalesce, rows[_i].waiting), rows[_i].rest * 98 / 100);
}
END_TEST

/* One transaction that hangs does not make the fast ones rest for long. */
START_TEST(test_forgets)
{
	struct coalesce coalesce = { 0 };
	int count = 0;

	for (int i = 0; i < 100; i++)
		coalesce_took(&coalesce, 1000);
	coalesce_took(&coalesce, INT64_C(600000000));
	for (; coalesce_rest(&coalesce, true) && count < 1000; count++)
		coalesce_took(&coalesce, 1000);
	ck_assert_int_lt(count, 10);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "rest", test_rest, UNIT_ROWS(rows), 0 },
		{ "forgets", test_forgets, 1, 0 },
	};

	return unit_main("courier/coalesce", cases, UNIT_ROWS(cases));
}
