#include "queue/destination/width.h"

#include "net/loop.h"
#include "queue/core.h"
#include "queue/destination/destination.h"

enum {
	EPOCH = 250,                  /* ms */
	TURN = 60,                    /* ms */
	ENOUGH = 100,                 /* deliveries in an epoch that say something */
	PATIENCE_MAX = 64             /* epochs */
};

/* A third fewer connections is a third less from a store whose deliveries wait for something else than its
 * processors. */
static const double as_good = 0.95, better = 1.05, trouble = 0.7;

/* --- judging --- */

static void begin(struct width *w, unsigned width, bool trial)
{
	w->now = width;
	w->trial = trial;
	w->phase = WIDTH_TURNING;
}

static unsigned next_width(const struct width *w, unsigned from, unsigned least, unsigned most)
{
	unsigned to = w->wider ? from + (from + 1) / 2 : from * 2 / 3;

	return to < least ? least : to > most ? most : to;
}

/* The last few of a window make no difference that could be measured; and only who uses all of it lets it
 * grow. */
static unsigned or_all(unsigned width, unsigned most)
{
	return width + width / 8 >= most ? 0 : width;
}

/* The other way where this one has come to its end. */
static void try_another(struct width *w, unsigned least, unsigned most)
{
	unsigned from = w->kept ? w->kept : most, to = next_width(w, from, least, most);

	if (to == from) {
		w->wider = !w->wider;
		w->rest = w->patience;
		w->phase = WIDTH_MEASURING;
		return;
	}
	begin(w, to, true);
}

static void judge_trial(struct width *w, unsigned least, unsigned most, double rate)
{
	if (rate >= w->rate * (w->wider ? better : as_good)) {
		w->now = w->kept = or_all(w->now, most);
		w->rate = rate;
		w->patience = 1;
		try_another(w, least, most);
		return;
	}
	w->wider = !w->wider;
	w->patience = w->patience < PATIENCE_MAX ? 2 * w->patience : PATIENCE_MAX;
	w->rest = w->patience;
	begin(w, w->kept, false);
}

static void judge_kept(struct width *w, unsigned least, unsigned most, double rate)
{
	w->now = w->kept = or_all(w->kept, most);
	if (w->kept && rate < trouble * w->rate) {
		w->kept = 0;
		w->wider = false;
		w->rest = w->patience = w->patience < PATIENCE_MAX ? 2 * w->patience : PATIENCE_MAX;
		begin(w, 0, false);
		return;
	}
	w->rate = rate;
	if (w->rest)
		w->rest--;
	else
		try_another(w, least, most);
}

void width_judge(struct width *w, unsigned least, unsigned most, double rate)
{
	switch (w->phase) {
	case WIDTH_TURNING:
		w->phase = w->trial ? WIDTH_TRYING : WIDTH_MEASURING;
		break;
	case WIDTH_TRYING:
		judge_trial(w, least, most, rate);
		break;
	default:
		judge_kept(w, least, most, rate);
	}
}

/* --- a destination --- */

static unsigned least_of(const struct destination *d)
{
	return d->rules.initial < d->window.size ? d->rules.initial : d->window.size;
}

unsigned width_of(const struct destination *d)
{
	unsigned now = d->width.now, least = least_of(d);

	if (!now || now > d->window.size)
		return d->window.size;
	return now > least ? now : least;
}

static void forget(struct width *w)
{
	*w = (struct width){ .timer = w->timer, .patience = 1 };
}

static void begin_epoch(struct destination *d)
{
	struct width *w = &d->width;

	w->count = 0;
	w->idle = false;
	w->window = d->window.size;
	w->since = queue_now(d->queue);
	loop_timer_set(w->timer, w->phase == WIDTH_TURNING ? TURN : EPOCH);
}

static void end_epoch(void *arg)
{
	struct destination *d = arg;
	struct width *w = &d->width;
	int64_t took = queue_now(d->queue) - w->since;
	double rate = (double)w->count / (double)(took ? took : 1);

	if (w->phase != WIDTH_TURNING && (w->idle || w->count < ENOUGH)) {
		forget(w);
	} else {
		width_judge(w, least_of(d), d->window.size, rate);
		begin_epoch(d);
	}
	destination_wake(d);
}

/* What was delivered with a smaller window says nothing about this one. */
static bool has_grown(const struct destination *d)
{
	const struct width *w = &d->width;

	return w->phase == WIDTH_MEASURING && !w->now && d->window.size > w->window + w->window / 20;
}

void width_delivered(struct destination *d)
{
	struct width *w = &d->width;

	if (w->timer && loop_timer_is_set(w->timer)) {
		w->count++;
		w->idle |= !d->waiting;
		if (has_grown(d))
			begin_epoch(d);
		return;
	}
	if (!d->waiting || !destination_socket(d))
		return;
	if (!w->timer)
		w->timer = loop_timer_new(d->queue->loop, end_epoch, d);
	forget(w);
	begin_epoch(d);
}

void width_end(struct destination *d)
{
	loop_timer_free(d->width.timer);
}
