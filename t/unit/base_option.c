/* Values of every kind: what is taken, what is refused and with which words, and that what is printed is
 * read back. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "base/option.h"

struct values {
	char *text, *list;
	bool flag;
	int64_t count, bounded, size, duration, least;
	int choice;
};

static const char *const words[] = { "none", "may", "dane-only", "", NULL };

#define ROW(what, kind_, initial_, ...) \
	{ .name = #what, .kind = kind_, .offset = offsetof(struct values, what), .initial = initial_, \
	  __VA_ARGS__ }

static const struct option_row rows[] = {
	ROW(text, OPTION_TEXT, "", .help = ""),
	ROW(list, OPTION_LIST, "a, b", .help = ""),
	ROW(flag, OPTION_FLAG, "no", .help = ""),
	ROW(count, OPTION_COUNT, "5", .help = ""),
	ROW(bounded, OPTION_COUNT, "5", .min = 1, .max = 10),
	ROW(size, OPTION_SIZE, "1K", .help = ""),
	ROW(duration, OPTION_DURATION, "5m", .max = 3600000),
	ROW(least, OPTION_DURATION, "1s", .min = 1000),
	ROW(choice, OPTION_CHOICE, "may", .choices = words),
};

static const struct {
	const char *name, *value, *printed;
} taken[] = {
	{ "text", "  $myhostname\t", "$myhostname" },
	{ "text", "", "" },
	{ "text", "\303\251 \t x", "\303\251 \t x" },
	{ "list", "a,\n\tb\r\n c", "a,  b   c" },
	{ "flag", "YES", "yes" },
	{ "flag", "true", "yes" },
	{ "flag", "off", "no" },
	{ "flag", "0", "no" },
	{ "count", "9223372036854775807", "9223372036854775807" },
	{ "bounded", "10", "10" },
	{ "size", "50 MiB", "52428800" },
	{ "duration", "90s", "90s" },
	{ "duration", "1h", "3600s" },
	{ "least", "1500ms", "1500ms" },
	{ "choice", "DANE-only", "dane-only" },
	{ "choice", " ", "" },
};

#define NO_FLAG "not yes or no"
#define NO_COUNT "not a number"
#define NO_SIZE "not a size (a number, or one with K M G T)"
#define NO_TIME "not a time (use ms s m h d w)"
#define NO_WORD "not one of the words allowed here"
#define CONTROL "holds a control character"
#define LESS "less than the least value allowed"
#define MORE "more than the greatest value allowed"

static const struct {
	const char *name, *value, *why;
} refused[] = {
	{ "text", "a\nb", CONTROL }, { "text", "a\033", CONTROL }, { "text", "\177", CONTROL },
	{ "list", "a\001b", CONTROL },
	{ "flag", "", NO_FLAG }, { "flag", "maybe", NO_FLAG }, { "flag", "yes no", NO_FLAG },
	{ "flag", "2", NO_FLAG },
	{ "count", "", NO_COUNT }, { "count", "-1", NO_COUNT }, { "count", "5s", NO_COUNT },
	{ "count", "5 6", NO_COUNT },
	{ "count", "9223372036854775808", NO_COUNT },
	{ "bounded", "0", LESS }, { "bounded", "11", MORE },
	{ "size", "", NO_SIZE }, { "size", "K", NO_SIZE }, { "size", "1x", NO_SIZE },
	{ "size", "16777216T", NO_SIZE },
	{ "duration", "", NO_TIME }, { "duration", "s", NO_TIME }, { "duration", "5 minutes", NO_TIME },
	{ "duration", "-5s", NO_TIME }, { "duration", "2h", MORE },
	{ "least", "999ms", LESS }, { "least", "0", LESS },
	{ "choice", "mey", NO_WORD }, { "choice", "may ,", NO_WORD },
};

static struct values values;

static void set_defaults(void)
{
	const char *why;

	for (size_t i = 0; i < UNIT_ROWS(rows); i++)
		ck_assert_msg(option_set(&rows[i], &values, rows[i].initial, &why), "%s: %s", rows[i].name, why);
}

static const struct option_row *row_of(const char *name)
{
	for (size_t i = 0; i < UNIT_ROWS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	ck_abort_msg("%s: no such row", name);
	return NULL;
}

static char *printed(const struct option_row *row)
{
	struct buf out;

	buf_init(&out, 1000);
	option_print(row, &values, &out);
	return buf_take(&out);
}

START_TEST(test_taken)
{
	const struct option_row *row = row_of(taken[_i].name);
	const char *why = NULL;
	char *first, *second;

	set_defaults();
	ck_assert_msg(option_set(row, &values, taken[_i].value, &why), "%s: %s", taken[_i].value, why);
	first = printed(row);
	ck_assert_str_eq(first, taken[_i].printed);
	ck_assert(option_set(row, &values, first, &why));
	second = printed(row);
	ck_assert_str_eq(second, first);
	free(first);
	free(second);
	option_release(rows, UNIT_ROWS(rows), &values);
	ck_assert_ptr_null(values.text);
}
END_TEST

static const struct {
	const char *name, *explained;
} explanations[] = {
	{ "text", "no good" },
	{ "flag", "no good" },
	{ "count", "no good" },
	{ "bounded", "no good (from 1 to 10)" },
	{ "duration", "no good (from 0s to 3600s)" },
	{ "least", "no good (at least 1s)" },
	{ "choice", "no good: none, may, dane-only, ''" },
};

START_TEST(test_explained)
{
	struct buf out;

	buf_init(&out, 1000);
	option_explain(row_of(explanations[_i].name), "no good", &out);
	ck_assert_str_eq(buf_text(&out), explanations[_i].explained);
	buf_free(&out);
}
END_TEST

/* A refused value leaves the former one in place. */
START_TEST(test_refused)
{
	const struct option_row *row = row_of(refused[_i].name);
	const char *why = NULL;
	char *before, *after;

	set_defaults();
	before = printed(row);
	ck_assert_msg(!option_set(row, &values, refused[_i].value, &why), "%s: taken", refused[_i].value);
	ck_assert_str_eq(why, refused[_i].why);
	after = printed(row);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	option_release(rows, UNIT_ROWS(rows), &values);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "taken", test_taken, UNIT_ROWS(taken), 0 },
		{ "refused", test_refused, UNIT_ROWS(refused), 0 },
		{ "explained", test_explained, UNIT_ROWS(explanations), 0 },
	};

	return unit_main("base/option", cases, UNIT_ROWS(cases));
}
