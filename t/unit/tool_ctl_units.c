#include "unit.h"

#include "tool/ctl_units.h"

static const struct {
	int64_t seconds;
	const char *age;
} ages[] = {
	{ INT64_MIN, "0s" },
	{ -1, "0s" },
	{ 0, "0s" },
	{ 59, "59s" },
	{ 60, "1m" },
	{ 119, "1m" },
	{ 3599, "59m" },
	{ 3600, "1h" },
	{ 3660, "1h1m" },
	{ 86399, "23h59m" },
	{ 86400, "1d" },
	{ 89999, "1d" },
	{ 90000, "1d1h" },
	{ 8640000, "100d" },
	{ INT64_MAX, "106751991167300d15h" },
};

static const struct {
	int64_t bytes;
	const char *size;
} sizes[] = {
	{ INT64_MIN, "0" },
	{ -1, "0" },
	{ 0, "0" },
	{ 999, "999" },
	{ 1000, "1.0K" },
	{ 1434, "1.4K" },
	{ 10188, "9.9K" },
	{ 10240, "10K" },
	{ 1022976, "999K" },
	{ 1023000, "999K" },
	{ 1048576, "1.0M" },
	{ 52428800, "50M" },
	{ INT64_MAX, "8.0E" },
};

START_TEST(test_age)
{
	char out[CTL_UNIT_SIZE];

	ck_assert_str_eq(ctl_age(ages[_i].seconds, out), ages[_i].age);
}
END_TEST

START_TEST(test_size)
{
	char out[CTL_UNIT_SIZE];

	ck_assert_str_eq(ctl_size(sizes[_i].bytes, out), sizes[_i].size);
}
END_TEST

START_TEST(test_time)
{
	char out[CTL_UNIT_SIZE];

	setenv("TZ", "UTC", 1);
	ck_assert_str_eq(ctl_time(1764079509, out), "2025-11-25 14:05:09");
	ck_assert_str_eq(ctl_time(INT64_MAX, out), "9223372036854775807");
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "age", test_age, UNIT_ROWS(ages), 0 },
		{ "size", test_size, UNIT_ROWS(sizes), 0 },
		{ "time", test_time, 1, 0 },
	};

	return unit_main("tool/ctl_units", cases, UNIT_ROWS(cases));
}
