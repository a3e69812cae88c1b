#include "tool/ctl_print_top.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "tool/ctl_print.h"
#include "tool/ctl_units.h"

enum { RATE_SIZE = 32, LINE_MAX_BYTES = 4096 };

struct screen {
	FILE *out;
	const struct ctl_look *before, *now;
	unsigned rows, columns, used;
	const char *end;
};

/* A destination with what it is sorted by. */
struct row {
	const json_t *now, *before;    /* before: NULL if it is new */
	int64_t waits;
	double rate;
};

/* --- lines ------------------------------------------------------------------------------------ */

/* Bytes of a clean text that fit into so many columns. */
static size_t fitting(const char *text, unsigned columns)
{
	size_t n = 0;

	for (; text[n]; n++)
		if (((unsigned char)text[n] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return n;
}

static void line(struct screen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct screen *s, const char *format, ...)
{
	struct buf text;
	va_list args;
	char *clean;

	if (s->rows && s->used >= s->rows)
		return;
	buf_init(&text, LINE_MAX_BYTES);
	va_start(args, format);
	buf_vfmt(&text, format, args);
	va_end(args);
	clean = text_cleaned(buf_text(&text), LINE_MAX_BYTES);
	fprintf(s->out, "%.*s%s", (int)fitting(clean, s->columns), clean, s->end);
	s->used++;
	free(clean);
	buf_free(&text);
}

/* --- rates ------------------------------------------------------------------------------------ */

/* Events a second between two readings of a counter; below zero if that is not known: there was no earlier
 * look, or the daemon has been started anew meanwhile. */
static double rate_of(const struct screen *s, const json_t *before, const json_t *now, const char *name)
{
	double gone = s->now->at - s->before->at;
	double more = (double)(ctl_number(now, name) - ctl_number(before, name));

	return before && gone > 0 && more >= 0 ? more / gone : -1;
}

static const char *rate(const struct screen *s, const json_t *before, const json_t *now, const char *name,
	char out[RATE_SIZE])
{
	double value = rate_of(s, before, now, name);

	snprintf(out, RATE_SIZE, value < 0 ? "-" : value > 0 && value < 10 ? "%.1f" : "%.0f", value);
	return out;
}

/* --- the head --------------------------------------------------------------------------------- */

static void put_health(struct screen *s)
{
	const json_t *status = s->now->status;
	const char *reason = ctl_text(status, "reason");
	char up[CTL_UNIT_SIZE];

	line(s, "causeway %s, up %s: %s%s", ctl_text(status, "version"),
		ctl_age(ctl_number(status, "uptime"), up),
		*reason ? "TROUBLE: " : "", *reason ? reason : "mail flows");
}

static void put_queue(struct screen *s)
{
	const json_t *status = s->now->status, *queue = json_object_get(status, "queue");
	char age[CTL_UNIT_SIZE];

	line(s, "queue     %lld: %lld incoming, %lld active, %lld deferred, %lld held; the oldest %s",
		(long long)ctl_number(queue, "total"), (long long)ctl_number(queue, "incoming"),
		(long long)ctl_number(queue, "active"), (long long)ctl_number(queue, "deferred"),
		(long long)ctl_number(queue, "held"), ctl_age(ctl_number(status, "oldest_seconds"), age));
}

static void put_rates(struct screen *s)
{
	const json_t *now = json_object_get(s->now->status, "deliveries");
	const json_t *before = json_object_get(s->before->status, "deliveries");
	const json_t *spool = json_object_get(s->now->status, "spool");
	const json_t *spool_before = json_object_get(s->before->status, "spool");
	char sent[RATE_SIZE], deferred[RATE_SIZE], bounced[RATE_SIZE], taken[RATE_SIZE], refused[RATE_SIZE];

	line(s, "a second  %s sent, %s deferred, %s bounced; files: %s taken, %s refused",
		rate(s, before, now, "sent", sent), rate(s, before, now, "deferred", deferred),
		rate(s, before, now, "bounced", bounced), rate(s, spool_before, spool, "files_taken", taken),
		rate(s, spool_before, spool, "files_refused", refused));
}

static void put_couriers(struct screen *s)
{
	const json_t *couriers = json_object_get(s->now->status, "couriers"), *courier;
	const json_t *spool = json_object_get(s->now->status, "spool");
	char size[CTL_UNIT_SIZE];
	int64_t flying = 0;
	size_t i;

	json_array_foreach(couriers, i, courier)
		flying += ctl_number(courier, "in_flight");
	line(s, "couriers  %zu, %lld request%s in flight; spool: %s free%s", json_array_size(couriers),
		(long long)flying, text_plural((uint64_t)flying), ctl_size(ctl_number(spool, "free_bytes"), size),
		json_is_true(json_object_get(spool, "intake_stopped")) ? ", INTAKE IS STOPPED" : "");
}

/* --- destinations ----------------------------------------------------------------------------- */

/* Those of the earlier look by number, which they keep while they live; they come in any order. */
static struct idmap *by_number(const json_t *list)
{
	struct idmap *map = idmap_new();
	json_t *destination;
	size_t i;

	json_array_foreach(list, i, destination)
		idmap_put(map, (uint64_t)ctl_number(destination, "number"), destination);
	return map;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->waits != y->waits)
		return x->waits < y->waits ? 1 : -1;
	if (fabs(x->rate - y->rate) > 1e-9)
		return x->rate < y->rate ? 1 : -1;
	return strcmp(ctl_text(x->now, "nexthop"), ctl_text(y->now, "nexthop"));
}

static size_t collect(const struct screen *s, struct row *rows)
{
	struct idmap *earlier = by_number(s->before->destinations);
	const json_t *destination;
	size_t i;

	json_array_foreach(s->now->destinations, i, destination) {
		const json_t *before = idmap_get(earlier, (uint64_t)ctl_number(destination, "number"));

		rows[i] = (struct row){ destination, before,
			ctl_number(destination, "waiting") + ctl_number(destination, "parked"),
			rate_of(s, before, destination, "sent") };
	}
	idmap_free(earlier);
	return json_array_size(s->now->destinations);
}

static void put_destination(struct screen *s, const struct row *row)
{
	const json_t *d = row->now;
	const char *error = ctl_text(d, "last_error"), *state = ctl_text(d, "state");
	bool tell = *error && strcmp(state, "alive") != 0;
	char sent[RATE_SIZE], deferred[RATE_SIZE], bounced[RATE_SIZE];

	line(s, "%8lld %7s %7s %7s %5lld %5lld %6lld %-9s %s:%s%s%s", (long long)row->waits,
		rate(s, row->before, d, "sent", sent), rate(s, row->before, d, "deferred", deferred),
		rate(s, row->before, d, "bounced", bounced), (long long)ctl_number(d, "busy"),
		(long long)ctl_number(d, "idle"), (long long)ctl_number(d, "window"), state,
		ctl_text(d, "transport"), ctl_text(d, "nexthop"), tell ? "  " : "", tell ? error : "");
}

static void put_destinations(struct screen *s)
{
	size_t room = json_array_size(s->now->destinations);
	struct row *rows = mem_alloc((room + 1) * sizeof(*rows));
	size_t count = collect(s, rows);

	qsort(rows, count, sizeof(*rows), compare);
	for (size_t i = 0; i < count; i++)
		put_destination(s, &rows[i]);
	free(rows);
}

void ctl_print_top(FILE *out, const struct ctl_look *before, const struct ctl_look *now, unsigned rows,
	unsigned columns, const char *end)
{
	struct screen s = { out, before, now, rows, columns, 0, end };

	put_health(&s);
	put_queue(&s);
	put_rates(&s);
	put_couriers(&s);
	line(&s, "%s", "");
	line(&s, "%8s %7s %7s %7s %5s %5s %6s %-9s %s", "WAITING", "SENT/S", "DEFER/S", "BOUNC/S", "BUSY", "IDLE",
		"WINDOW", "STATE", "DESTINATION");
	put_destinations(&s);
}
