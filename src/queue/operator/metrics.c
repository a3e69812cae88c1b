#include "queue/operator/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/couriers/couriers.h"
#include "queue/queue.h"

enum { SENT, DEFERRED, BOUNCED, STATUSES };
enum { ELDERS = 256 };

static const char *const status_names[] = { "sent", "deferred", "bounced" };

/* Upper bounds of the histogram's buckets. */
static const struct { const char *label; int64_t ms; } buckets[] = {
	{ "0.005", 5 }, { "0.01", 10 }, { "0.025", 25 }, { "0.05", 50 }, { "0.1", 100 }, { "0.25", 250 },
	{ "0.5", 500 }, { "1", 1000 }, { "2.5", 2500 }, { "5", 5000 }, { "10", 10000 }, { "30", 30000 },
	{ "60", 60000 }, { "300", 300000 }, { "3600", 3600000 }, { "86400", 86400000 }
};

#define BUCKETS (sizeof buckets / sizeof buckets[0])

struct transport_counts {
	char *name;
	uint64_t by_status[STATUSES];
	uint64_t busy, idle;          /* scratch while a page is printed */
};

/* One of the oldest messages. */
struct elder {
	uint64_t id;
	int64_t arrived;              /* ms of the boot clock */
};

struct metrics {
	struct map *transports;
	uint64_t seconds[BUCKETS + 1];
	uint64_t sent_ms;             /* sum of the delays of all that was sent */
	/* the first to arrive of those that were there at the last look, in order */
	struct elder elders[ELDERS];
	size_t elder_count, elders_gone;
};

struct metrics *metrics_new(void)
{
	struct metrics *m = mem_alloc(sizeof *m);

	m->transports = map_new();
	return m;
}

void metrics_free(struct metrics *m)
{
	struct transport_counts *t;
	size_t cursor = 0;

	if (!m)
		return;
	while ((t = map_next(m->transports, &cursor))) {
		free(t->name);
		free(t);
	}
	map_free(m->transports);
	free(m);
}

static struct transport_counts *transport(struct metrics *m, const char *name)
{
	struct transport_counts *t = map_get(m->transports, name, strlen(name));

	if (!t) {
		t = mem_alloc(sizeof *t);
		t->name = mem_str(*name ? name : "none");
		map_put(m->transports, name, strlen(name), t);
	}
	return t;
}

static int status_of(enum outcome outcome)
{
	return outcome == OUTCOME_SENT ? SENT : outcome == OUTCOME_BOUNCED ? BOUNCED : DEFERRED;
}

static void count_delay(struct metrics *m, int64_t ms)
{
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	while (i < BUCKETS && ms > buckets[i].ms)
		i++;
	m->seconds[i]++;
	m->sent_ms += (uint64_t)ms;
}

static void count_at_destination(struct destination *d, int status)
{
	if (status == SENT) {
		d->sent++;
		rate_count(&d->rate, queue_now(d->queue));
	} else if (status == DEFERRED) {
		d->deferred++;
	} else {
		d->bounced++;
	}
}

void metrics_count(struct metrics *m, struct queue *q, const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;
	int status = status_of(n->outcome);
	struct destination *d = n->destination ? destinations_find(q->destinations, n->destination) : NULL;

	transport(m, n->transport)->by_status[status]++;
	if (status == SENT)
		count_delay(m, n->when - a->message->arrived);
	if (d)
		count_at_destination(d, status);
}

uint64_t metrics_total(const struct metrics *m, enum outcome outcome)
{
	const struct transport_counts *t;
	uint64_t total = 0;
	size_t cursor = 0;

	while ((t = map_next(m->transports, &cursor)))
		total += t->by_status[status_of(outcome)];
	return total;
}

/* --- the oldest --- */

static void meet(struct metrics *m, const struct message *at)
{
	size_t i = m->elder_count;

	if (i == ELDERS && at->arrived >= m->elders[i - 1].arrived)
		return;
	if (i < ELDERS)
		m->elder_count++;
	else
		i--;
	for (; i > 0 && m->elders[i - 1].arrived > at->arrived; i--)
		m->elders[i] = m->elders[i - 1];
	m->elders[i] = (struct elder){ at->id, at->arrived };
}

static void look_for_elders(struct metrics *m, const struct queue *q)
{
	const struct message *at;
	size_t cursor = 0;

	m->elder_count = m->elders_gone = 0;
	while ((at = messages_each(q->messages, &cursor)))
		meet(m, at);
}

static const struct message *elder_left(struct metrics *m, const struct queue *q)
{
	const struct message *left;

	for (; m->elders_gone < m->elder_count; m->elders_gone++) {
		left = messages_find(q->messages, m->elders[m->elders_gone].id);
		if (left)
			return left;
	}
	return NULL;
}

/* Who comes is younger than all that are there, so those found once serve until the last of them has gone. */
int64_t metrics_oldest(struct metrics *m, const struct queue *q)
{
	const struct message *oldest = elder_left(m, q);

	if (!oldest) {
		look_for_elders(m, q);
		oldest = elder_left(m, q);
	}
	return oldest ? message_age(oldest, queue_now(q)) : 0;
}

/* --- the page --- */

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_value(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	metrics_head(out, name, type, help);
	buf_fmt(out, "%s %.15g\n", name, value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_value(out, name, "gauge", help, value);
}

static void print_messages(const struct queue *q, struct buf *out)
{
	static const char name[] = "causeway_queue_messages";
	const char *state;

	metrics_head(out, name, "gauge", "Messages in the queue, by state.");
	for (size_t i = 0; (state = messages_shown(i)); i++)
		buf_fmt(out, "%s{state=\"%s\"} %zu\n", name, state, messages_in_shown(q->messages, state));
}

/* The name of a transport as a label's value. */
static void label(struct buf *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			buf_char(out, '\\');
		buf_char(out, *name);
	}
}

static void print_deliveries(const struct metrics *m, struct buf *out)
{
	static const char name[] = "causeway_deliveries_total";
	const struct transport_counts *t;
	size_t cursor = 0;

	metrics_head(out, name, "counter", "Results of attempts, one for each recipient, since the start.");
	while ((t = map_next(m->transports, &cursor))) {
		for (int status = 0; status < STATUSES; status++) {
			buf_fmt(out, "%s{transport=\"", name);
			label(out, t->name);
			buf_fmt(out, "\",status=\"%s\"} %llu\n", status_names[status],
				(unsigned long long)t->by_status[status]);
		}
	}
}

static void print_seconds(const struct metrics *m, struct buf *out)
{
	static const char name[] = "causeway_delivery_seconds";
	unsigned long long sum = 0;

	metrics_head(out, name, "histogram", "Time from arrival to delivery, of recipients with status sent.");
	for (size_t i = 0; i < BUCKETS; i++) {
		sum += m->seconds[i];
		buf_fmt(out, "%s_bucket{le=\"%s\"} %llu\n", name, buckets[i].label, sum);
	}
	sum += m->seconds[BUCKETS];
	buf_fmt(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.3f\n%s_count %llu\n", name, sum, name,
		(double)m->sent_ms / 1000, name, sum);
}

/* One look at each destination, for their states and for the connections of their transports. */
static void print_destinations(struct metrics *m, const struct queue *q, struct buf *out)
{
	static const char name[] = "causeway_destinations";
	const struct destination *d;
	struct transport_counts *t;
	size_t cursor = 0, alive = 0, dead = 0, suspended = 0;

	while ((d = destinations_each(q->destinations, &cursor))) {
		t = transport(m, d->transport);
		t->busy += d->busy;
		t->idle += d->idle;
		suspended += d->health.suspended;
		alive += !d->health.suspended && !d->health.dead;
		dead += !d->health.suspended && d->health.dead;
	}
	metrics_head(out, name, "gauge", "Destinations (transport and nexthop) in use, by whether they answer.");
	buf_fmt(out, "%s{state=\"alive\"} %zu\n", name, alive);
	buf_fmt(out, "%s{state=\"dead\"} %zu\n", name, dead);
	buf_fmt(out, "%s{state=\"suspended\"} %zu\n", name, suspended);
}

static void print_sessions(const struct metrics *m, struct buf *out)
{
	static const char name[] = "causeway_sessions";
	struct transport_counts *t;
	size_t cursor;

	metrics_head(out, name, "gauge", "Connections to mail servers, by what they do.");
	for (cursor = 0; (t = map_next(m->transports, &cursor)); t->busy = t->idle = 0) {
		buf_fmt(out, "%s{transport=\"", name);
		label(out, t->name);
		buf_fmt(out, "\",state=\"busy\"} %llu\n%s{transport=\"", (unsigned long long)t->busy, name);
		label(out, t->name);
		buf_fmt(out, "\",state=\"idle\"} %llu\n", (unsigned long long)t->idle);
	}
}

static void print_spool(const struct queue *q, struct buf *out)
{
	struct spool_state s;

	spool_state(q->spool, &s);
	gauge(out, "causeway_spool_free_bytes", "Free space below the spool directory.",
		(double)s.free_bytes);
	gauge(out, "causeway_spool_intake_stopped", "1 while the disk is too full to take mail in.",
		s.intake_stopped);
	gauge(out, "causeway_journal_bytes", "Size of the journal.", (double)s.journal_bytes);
	metrics_value(out, "causeway_commits_total", "counter",
		"Batches that were committed to the disk, since the start.", (double)s.batches);
	metrics_head(out, "causeway_drop_files_total", "counter",
		"Drop files since the start, by what became of them.");
	buf_fmt(out, "causeway_drop_files_total{result=\"taken\"} %zu\n", s.files_taken);
	buf_fmt(out, "causeway_drop_files_total{result=\"refused\"} %zu\n", s.files_refused);
}

void queue_metrics(struct queue *q, struct buf *out)
{
	print_messages(q, out);
	gauge(out, "causeway_queue_oldest_seconds", "Age of the oldest message in the queue, 0 if there is none.",
		(double)metrics_oldest(q->metrics, q) / 1000);
	print_deliveries(q->metrics, out);
	print_seconds(q->metrics, out);
	print_destinations(q->metrics, q, out);
	print_sessions(q->metrics, out);
	gauge(out, "causeway_couriers", "Couriers (they deliver) that take work.",
		(double)couriers_working(q->couriers));
	print_spool(q, out);
}
