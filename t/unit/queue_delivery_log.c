#include "queue/result/delivery_log.h"
#include "unit.h"

/* behaviour D2-9 and D2-10, parameter delay_logging_resolution_limit */
static const struct { int64_t ms, decimals; const char *text; } delays[] = {
	{ 0, 2, "0" }, { -5, 2, "0" }, { 1, 2, "0" }, { 4, 2, "0" }, { 5, 2, "0.01" },
	{ 9, 2, "0.01" }, { 10, 2, "0.01" }, { 14, 2, "0.01" }, { 15, 2, "0.02" },
	{ 20, 2, "0.02" }, { 99, 2, "0.1" }, { 100, 2, "0.1" }, { 120, 2, "0.12" },
	{ 125, 2, "0.13" }, { 994, 2, "0.99" }, { 999, 2, "1" }, { 1000, 2, "1" },
	{ 1049, 2, "1" }, { 1050, 2, "1.1" }, { 1500, 2, "1.5" }, { 9940, 2, "9.9" },
	{ 9960, 2, "10" }, { 10000, 2, "10" }, { 12499, 2, "12" }, { 12500, 2, "13" },
	{ 99999, 2, "100" }, { 123456, 2, "123" }, { 432000000, 2, "432000" }, { 1, 3, "0.001" },
	{ 1, 6, "0.001" }, { 12, 3, "0.012" }, { 123, 3, "0.12" }, { 20, 0, "0" }, { 499, 0, "0" },
	{ 500, 0, "1" }, { 1500, 0, "2" }, { 1500, 1, "1.5" }, { 120, 1, "0.1" },
};

START_TEST(test_delay)
{
	struct buf b;

	buf_init(&b, 100);
	delivery_log_delay(delays[_i].ms, delays[_i].decimals, &b);
	ck_assert_str_eq(buf_text(&b), delays[_i].text);
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "delay", test_delay, UNIT_ROWS(delays), 0 },
	};

	return unit_main("queue/delivery_log", cases, UNIT_ROWS(cases));
}
