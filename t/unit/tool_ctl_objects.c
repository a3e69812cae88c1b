#include "unit.h"

#include <string.h>

#include "tool/ctl_objects.h"

/* An array and its objects, each followed by '|'. */
static const struct {
	const char *array, *objects;
} good[] = {
	{ "[]", "" },
	{ " [\n] \r\n", "" },
	{ "[{}]", "{}|" },
	{ "[\n{\"a\":1},\n{\"b\":[{\"c\":2}]}\n]\n", "{\"a\":1}|{\"b\":[{\"c\":2}]}|" },
	{ "[{\"a\":\"}]{[\"}]", "{\"a\":\"}]{[\"}|" },
	{ "[{\"a\":\"\\\"}\"},{\"b\\\\\":1}]", "{\"a\":\"\\\"}\"}|{\"b\\\\\":1}|" },
	{ "[{\"a\\\\\\\"}\":{}}]", "{\"a\\\\\\\"}\":{}}|" },
};

/* What is not whole (bad: not even begun right). */
static const struct {
	const char *array;
	bool bad;
} broken[] = {
	{ "", false },
	{ "[", false },
	{ "[{}", false },
	{ "[{},", false },
	{ "[{", false },
	{ "[{\"a\":\"}]", false },
	{ "[{\"a\\\"}]", false },
	{ "[[]]", true },
	{ "{}", true },
	{ "[1]", true },
	{ "[\"a\"]", true },
	{ "[{}]x", true },
	{ "[{}][", true },
	{ ",[]", true },
	{ "]", true },
	{ "[}]", true },
	{ "nonsense", true },
	{ "<html>", true },
};

static void feed(struct ctl_objects *o, const char *array, size_t slice, struct buf *out)
{
	struct text rest = text_of(array);

	while (rest.n && !o->bad) {
		size_t n = slice < rest.n ? slice : rest.n;
		struct text part = text_make(rest.p, n), object;

		rest = text_make(rest.p + n, rest.n - n);
		while (ctl_objects_next(o, &part, &object)) {
			buf_add(out, object.p, object.n);
			buf_char(out, '|');
		}
	}
}

/* Cut at every distance. */
START_TEST(test_takes)
{
	for (size_t slice = 1; slice <= strlen(good[_i].array); slice++) {
		struct ctl_objects o;
		struct buf out;

		ctl_objects_init(&o);
		buf_init(&out, 4096);
		feed(&o, good[_i].array, slice, &out);
		ck_assert(!o.bad && o.closed);
		ck_assert_str_eq(buf_text(&out), good[_i].objects);
		buf_free(&out);
		ctl_objects_free(&o);
	}
}
END_TEST

START_TEST(test_sees_what_is_broken)
{
	struct ctl_objects o;
	struct buf out;

	ctl_objects_init(&o);
	buf_init(&out, 4096);
	feed(&o, broken[_i].array, 3, &out);
	ck_assert_int_eq(o.bad, broken[_i].bad);
	ck_assert(o.bad || !o.closed);
	buf_free(&out);
	ctl_objects_free(&o);
}
END_TEST

START_TEST(test_depth)
{
	struct ctl_objects o;
	struct text rest = text_of("["), object;

	ctl_objects_init(&o);
	ctl_objects_next(&o, &rest, &object);
	for (int i = 0; i < 1000 && !o.bad; i++) {
		rest = text_of("{");
		ck_assert(!ctl_objects_next(&o, &rest, &object));
	}
	ck_assert(o.bad);
	ctl_objects_free(&o);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "takes", test_takes, UNIT_ROWS(good), 0 },
		{ "sees what is broken", test_sees_what_is_broken, UNIT_ROWS(broken), 0 },
		{ "depth", test_depth, 1, 0 },
	};

	return unit_main("tool/ctl_objects", cases, UNIT_ROWS(cases));
}
