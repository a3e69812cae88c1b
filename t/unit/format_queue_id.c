#include "unit.h"

#include <string.h>

#include "format/journal/queue_id.h"

static const struct { uint64_t microseconds; unsigned report; const char *text; } ids[] = {
	{ 0, 0, "0000000000" }, { 61, 0, "000000000z" }, { 62, 0, "0000000010" }, { 36, 1, "000000000a-1" },
	{ 1764077400000000, 0, "084vZSLJqa" }, { 1764077400000000, 4095, "084vZSLJqa-4095" },
	{ 4503599627370495, 10, "" },
};

START_TEST(test_print)
{
	uint64_t id = queue_id_make(ids[_i].microseconds, ids[_i].report), back;
	char text[QUEUE_ID_SIZE];

	queue_id_print(id, text);
	if (*ids[_i].text)
		ck_assert_str_eq(text, ids[_i].text);
	ck_assert(queue_id_parse(text, strlen(text), &back) && back == id);
	ck_assert_uint_eq(queue_id_microseconds(id), ids[_i].microseconds);
	ck_assert_uint_eq(queue_id_report(id), ids[_i].report);
	ck_assert_uint_eq(queue_id_parent(id), queue_id_make(ids[_i].microseconds, 0));
}
END_TEST

START_TEST(test_order)
{
	char before[QUEUE_ID_SIZE], after[QUEUE_ID_SIZE];

	for (uint64_t us = 1764077400000000; us < 1764077400010000; us++) {
		queue_id_print(queue_id_make(us, 0), before);
		queue_id_print(queue_id_make(us + 1, 0), after);
		ck_assert_int_lt(strcmp(before, after), 0);
	}
}
END_TEST

static const char *const bad[] = {
	"", "0", "000000000", "00000000000", "00000000-1", "0000000000-", "0000000000-0", "0000000000-01",
	"0000000000-4096", "0000000000-1x",
	"0000000000-99999999999", "0000000000+1", "000000000.", "000000000 ", "0000000000\n", "zzzzzzzzzz",
	"000000000\xc3", "0000000000--1", "../../etc/",
};

START_TEST(test_bad)
{
	uint64_t id = 7;

	ck_assert_msg(!queue_id_parse(bad[_i], strlen(bad[_i]), &id), "%s", bad[_i]);
	ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(test_report_too_high)
{
	queue_id_make(1, QUEUE_ID_REPORTS + 1);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "prints and reads back", test_print, UNIT_ROWS(ids), 0 },
		{ "sorts by time", test_order, 1, 0 },
		{ "refuses", test_bad, UNIT_ROWS(bad), 0 },
		{ "has room for 4095 reports", test_report_too_high, 1, SIGABRT },
	};

	return unit_main("format/queue_id", cases, UNIT_ROWS(cases));
}
