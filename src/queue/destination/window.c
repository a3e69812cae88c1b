#include "queue/destination/window.h"

#include "base/text.h"

enum { NUMBER_MAX = 1000000 };

/* "12", "0.5", "." is none. */
static bool read_number(struct text *from, double *out)
{
	uint64_t whole = 0, digits;
	double unit = 1;
	size_t before;

	if (!text_number(from, NUMBER_MAX, &whole))
		return false;
	*out = (double)whole;
	if (!from->n || *from->p != '.')
		return true;
	*from = text_make(from->p + 1, from->n - 1);
	before = from->n;
	if (!text_number(from, NUMBER_MAX, &digits))
		return false;
	for (size_t i = from->n; i < before; i++)
		unit /= 10;
	*out += (double)digits * unit;
	return true;
}

/* What stands behind the slash. */
static bool read_scale(struct text t, struct feedback *f)
{
	double divisor;

	t = text_trim(t);
	if (text_is(t, "concurrency"))
		f->scale = FEEDBACK_CONCURRENCY;
	else if (text_is(t, "sqrt_concurrency"))
		f->scale = FEEDBACK_SQRT_CONCURRENCY;
	else if (!read_number(&t, &divisor) || t.n || divisor <= 0)
		return false;
	else
		f->step /= divisor;
	return true;
}

bool feedback_read(const char *text, struct feedback *f)
{
	struct text t = text_trim(text_of(text));

	f->scale = FEEDBACK_CONSTANT;
	if (!read_number(&t, &f->step))
		return false;
	t = text_trim(t);
	if (t.n && (*t.p != '/' || !read_scale(text_make(t.p + 1, t.n - 1), f)))
		return false;
	return f->step <= 1;
}

/* Newton's rule; from x >= 1 downwards it converges in a few steps. */
static double square_root(double x)
{
	double root = x;

	for (int i = 0; i < 20; i++)
		root = (root + x / root) / 2;
	return root;
}

static double feedback_of(const struct feedback *f, unsigned size)
{
	switch (f->scale) {
	case FEEDBACK_CONCURRENCY:
		return f->step / size;
	case FEEDBACK_SQRT_CONCURRENCY:
		return f->step / square_root(size);
	default:
		return f->step;
	}
}

void window_begin(struct window *w, const struct window_rules *r)
{
	*w = (struct window){ .size = r->initial };
}

/* Half a step early, so that sums of fractions that are not exact do not need one more. */
void window_went_well(struct window *w, const struct window_rules *r, unsigned busy)
{
	double step = feedback_of(&r->positive, w->size);

	w->failed = 0;
	if (w->size >= r->limit || w->size >= busy + r->initial)
		return;
	w->gain += step;
	for (; w->gain + step / 2 >= 1; w->gain -= 1) {
		w->size++;
		w->loss = 0;
	}
}

bool window_failed(struct window *w, const struct window_rules *r, unsigned busy)
{
	double step = feedback_of(&r->negative, w->size);

	w->failed += 1.0 / w->size;
	if (r->cohorts && (w->failed > r->cohorts - 0.001 || busy == 0))
		return true;
	w->loss += step;
	for (; w->loss + step / 2 >= 1 && w->size > 1; w->loss -= 1) {
		w->size--;
		w->gain = 0;
	}
	return false;
}

void window_turned_away(struct window *w, unsigned busy)
{
	unsigned fewer = w->size > 1 ? w->size - 1 : 1;

	w->gain = 0;
	w->size = busy && busy < fewer ? busy : fewer;
}
