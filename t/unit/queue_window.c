/* The window of a destination. */
#include "queue/destination/window.h"
#include "unit.h"

static const struct { const char *text; double step; enum feedback_scale scale; } feedbacks[] = {
	{ "1", 1, FEEDBACK_CONSTANT },
	{ "0", 0, FEEDBACK_CONSTANT },
	{ "0.25", 0.25, FEEDBACK_CONSTANT },
	{ "1/8", 0.125, FEEDBACK_CONSTANT },
	{ " 1 / 8 ", 0.125, FEEDBACK_CONSTANT },
	{ "1/concurrency", 1, FEEDBACK_CONCURRENCY },
	{ "0.5 / concurrency", 0.5, FEEDBACK_CONCURRENCY },
	{ "1/sqrt_concurrency", 1, FEEDBACK_SQRT_CONCURRENCY },
	{ "8/8", 1, FEEDBACK_CONSTANT },
};

START_TEST(test_reads)
{
	struct feedback f;

	ck_assert(feedback_read(feedbacks[_i].text, &f));
	ck_assert_double_eq_tol(f.step, feedbacks[_i].step, 1e-9);
	ck_assert_int_eq(f.scale, feedbacks[_i].scale);
}
END_TEST

static const char *const refused[] = {
	"", " ", "-1", "1.", ".5", "2", "1.01", "x", "1/", "1/0", "/1", "1/x", "1/concurrency/2", "concurrency",
	"1 2", "9/8", "1/-1", "1e-3",
};

START_TEST(test_refuses)
{
	struct feedback f;

	ck_assert(!feedback_read(refused[_i], &f));
}
END_TEST

/* From a window of 5 (limit 20), after so many requests that went well or failed while many were out. */
static const struct {
	const char *positive, *negative;
	unsigned good, bad, size;
} runs[] = {
	{ "1", "1", 0, 0, 5 },
	{ "1", "1", 1, 0, 6 },
	{ "1", "1", 15, 0, 20 },
	{ "1", "1", 100, 0, 20 },
	{ "1/concurrency", "1", 5, 0, 6 },
	{ "1/concurrency", "1", 11, 0, 7 },
	{ "1/sqrt_concurrency", "1", 2, 0, 6 },
	{ "0", "1", 100, 0, 5 },
	{ "1/4", "1", 4, 0, 6 },
	{ "1/4", "1", 3, 0, 5 },
	{ "1", "1", 0, 1, 4 },
	{ "1", "1", 0, 4, 1 },
	{ "1", "1", 0, 9, 1 },
	{ "1", "1/8", 0, 8, 4 },
	{ "1", "1/8", 0, 6, 5 },
	{ "1", "0", 0, 100, 5 },
	{ "1", "1/concurrency", 0, 5, 4 },
};

static struct window_rules rules_of(const char *positive, const char *negative, unsigned cohorts)
{
	struct window_rules r = { .initial = 5, .limit = 20, .cohorts = cohorts };

	ck_assert(feedback_read(positive, &r.positive));
	ck_assert(feedback_read(negative, &r.negative));
	return r;
}

START_TEST(test_sizes)
{
	struct window_rules r = rules_of(runs[_i].positive, runs[_i].negative, 0);
	struct window w;

	window_begin(&w, &r);
	for (unsigned i = 0; i < runs[_i].good; i++)
		window_went_well(&w, &r, 20);
	for (unsigned i = 0; i < runs[_i].bad; i++)
		ck_assert(!window_failed(&w, &r, 20));
	ck_assert_uint_eq(w.size, runs[_i].size);
}
END_TEST

/* After how many failures in a row it is dead; alone: nothing else is out. */
static const struct { const char *negative; unsigned cohorts, failures; bool alone; } deaths[] = {
	{ "1", 1, 4, false },
	{ "0", 1, 5, false },
	{ "0", 2, 10, false },
	{ "1", 1, 1, true },
	{ "1", 0, 0, true },
	{ "1", 0, 0, false },
};

START_TEST(test_death)
{
	struct window_rules r = rules_of("1", deaths[_i].negative, deaths[_i].cohorts);
	struct window w;
	unsigned n = 1;

	window_begin(&w, &r);
	while (n < 1000 && !window_failed(&w, &r, deaths[_i].alone ? 0 : 20))
		n++;
	ck_assert_uint_eq(n, deaths[_i].failures ? deaths[_i].failures : 1000);
}
END_TEST

START_TEST(test_success_forgives)
{
	struct window_rules r = rules_of("0", "0", 1);
	struct window w;

	window_begin(&w, &r);
	for (int i = 0; i < 100; i++) {
		ck_assert(!window_failed(&w, &r, 20));
		window_went_well(&w, &r, 20);
	}
}
END_TEST

START_TEST(test_does_not_grow_unused)
{
	struct window_rules r = rules_of("1", "1", 1);
	struct window w;

	window_begin(&w, &r);
	for (int i = 0; i < 100; i++)
		window_went_well(&w, &r, 1);
	ck_assert_uint_eq(w.size, 6);
}
END_TEST

static const struct { unsigned busy, size; } turned_away[] = {
	{ 0, 4 }, { 1, 1 }, { 3, 3 }, { 4, 4 }, { 5, 4 }, { 20, 4 },
};

START_TEST(test_turned_away)
{
	struct window_rules r = rules_of("1", "1", 1);
	struct window w;

	window_begin(&w, &r);
	window_turned_away(&w, turned_away[_i].busy);
	ck_assert_uint_eq(w.size, turned_away[_i].size);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads", test_reads, UNIT_ROWS(feedbacks), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(refused), 0 },
		{ "sizes", test_sizes, UNIT_ROWS(runs), 0 },
		{ "death", test_death, UNIT_ROWS(deaths), 0 },
		{ "success forgives", test_success_forgives, 1, 0 },
		{ "does not grow unused", test_does_not_grow_unused, 1, 0 },
		{ "turned away", test_turned_away, UNIT_ROWS(turned_away), 0 },
	};

	return unit_main("queue/window", cases, UNIT_ROWS(cases));
}
