#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/couriers/couriers.h"
#include "queue/couriers/kept.h"
#include "queue/couriers/suspect.h"
#include "queue/destination/dispatch.h"
#include "queue/message/intake.h"
#include "queue/message/unwritten.h"
#include "queue/operator/explain.h"
#include "queue/operator/metrics.h"
#include "queue/operator/orders.h"
#include "queue/operator/verify.h"
#include "queue/operator/walk.h"
#include "queue/report/notices.h"
#include "queue/report/report.h"
#include "queue/report/report_success.h"
#include "queue/result/batch.h"
#include "queue/result/status_filter.h"
#include "queue/route/route.h"
#include "queue/route/router.h"

enum {
	MINUTE = 60 * 1000,
	SPARE_FILES = 128             /* descriptors that are not for messages */
};

int64_t queue_now(const struct queue *q)
{
	return loop_now(q->loop);
}

int64_t queue_wall(const struct queue *q, int64_t boot_ms)
{
	return boot_ms + loop_wall(q->loop) - loop_now(q->loop);
}

int64_t queue_boot(const struct queue *q, int64_t wall_ms)
{
	return wall_ms - loop_wall(q->loop) + loop_now(q->loop);
}

void queue_wake(struct queue *q)
{
	loop_later(q->loop, &q->turn);
}

/* Every active message has its file open; half of the descriptors are for that. */
static size_t active_limit(const struct settings *s)
{
	struct rlimit files;
	size_t limit = s->active_limit > 0 ? (size_t)s->active_limit : 1, most = 2 * limit;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		most = files.rlim_cur > 2 * SPARE_FILES ? (size_t)files.rlim_cur - SPARE_FILES : SPARE_FILES;
	return limit < most / 2 ? limit : most / 2;
}

static const enum drop_file_form forms[] = {
	[PICKUP_FORM_AUTO] = DROP_FILE_AUTO, [PICKUP_FORM_BSMTP] = DROP_FILE_BSMTP,
	[PICKUP_FORM_EML] = DROP_FILE_PICKUP
};

/* The array is the caller's to free. */
static struct spool_pickup *spool_pickups(const struct settings *s)
{
	struct spool_pickup *pickups = mem_alloc((s->pickup_count + 1) * sizeof *pickups);

	for (size_t i = 0; i < s->pickup_count; i++)
		pickups[i] = (struct spool_pickup){ .path = s->pickups[i].path, .bad = s->pickups[i].bad,
			.form = forms[s->pickups[i].form],
			.settle_ms = s->pickups[i].settle_time };
	return pickups;
}

static struct spool_setup spool_settings(const struct settings *s, const struct spool_pickup *pickups)
{
	return (struct spool_setup){
		.directory = s->spool_directory, .size_limit = (uint64_t)s->message_size_limit,
		.rcpt_limit = (size_t)s->recipient_limit, .minimum_free = (uint64_t)s->minimum_free,
		.owner_limit = (size_t)s->owner_limit,
		.pickups = pickups, .pickup_count = s->pickup_count,
	};
}

/* --- stop --- */

static void closed(void *arg)
{
	struct queue *q = arg;

	kept_save(q->kept);
	q->stopped(q->stopped_arg);
}

/* Reports, and callers who are to be told, are waited for, but not for ever. */
static bool owes_words(const struct queue *q)
{
	return loop_timer_is_set(q->grace) && (!sent_reports_idle(q->reports) || !successes_idle(q->successes)
		|| waits_are_open(q->waits) || !unwritten_idle(q->unwritten));
}

static void stop_if_done(struct queue *q)
{
	if (!q->stopping || q->closing || couriers_flying(q->couriers) || q->loading
			|| !batches_idle(q->batches) || owes_words(q))
		return;
	q->closing = true;
	loop_timer_stop(q->grace);
	spool_close(q->spool, closed, q);
}

static void grace_over(void *arg)
{
	struct queue *q = arg;

	if (couriers_flying(q->couriers))
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"requests that did not end in time: %zu; what they were for goes out after the next start",
			couriers_flying(q->couriers));
	couriers_give_up(q->couriers);
	queue_wake(q);
}

void queue_stop(struct queue *q, int64_t grace_ms, void (*stopped)(void *arg), void *arg)
{
	q->stopping = true;
	q->stopped = stopped;
	q->stopped_arg = arg;
	spool_intake_pause(q->spool, true);
	couriers_retire(q->couriers);
	verifications_end(q->verifications);
	loop_timer_set(q->grace, grace_ms);
	queue_wake(q);
}

/* --- what the supervisor does for couriers --- */

void queue_set_supervisor(struct queue *q, const struct queue_supervisor *supervisor)
{
	q->supervisor = *supervisor;
}

void queue_set_events(struct queue *q, void (*tell)(void *arg, const char *line, size_t n), void *arg)
{
	q->events = (struct events){ .tell = tell, .arg = arg };
}

void queue_kill_courier(struct queue *q, unsigned slot, pid_t pid)
{
	if (q->supervisor.kill)
		q->supervisor.kill(q->supervisor.arg, slot, pid);
}

void queue_replace_courier(struct queue *q, unsigned slot, pid_t pid)
{
	if (q->supervisor.replace)
		q->supervisor.replace(q->supervisor.arg, slot, pid);
}

void queue_start_apart(struct queue *q)
{
	if (q->supervisor.start_apart)
		q->supervisor.start_apart(q->supervisor.arg);
}

/* --- turns --- */

/* Times in memory are of the boot clock and need nothing; the journal's are of the wall clock, and learn what
 * happened to it. */
static void watch_clock(struct queue *q)
{
	int64_t jump = q->ready ? spool_clock_jump(q->spool) : 0;

	if (!jump)
		return;
	log_line(LOG_LEVEL_INFO, "qmgr", NULL,
		"the clock was set by %+lld s; waiting messages keep their waits", (long long)jump / 1000);
	batch_add_other(q->batches);
}

static void set_due(struct queue *q)
{
	const struct message *m = schedule_first(q->schedule);

	if (m && m->due > queue_now(q))
		loop_timer_set(q->due, m->due - queue_now(q));
	else
		loop_timer_stop(q->due);
}

static void turn(void *arg)
{
	struct queue *q = arg;

	watch_clock(q);
	if (!q->stopping) {
		intake_load_due(q);
		dispatch(q);
		suspects_turn(q->suspects);
		set_due(q);
	}
	unwritten_turn(q->unwritten);
	if (q->stopping)
		successes_hurry(q->successes);
	batches_commit(q->batches);
	if (couriers_have_credit(q->couriers) || couriers_flying(q->couriers))
		q->last_courier = queue_now(q);
	stop_if_done(q);
}

static void due(void *arg)
{
	queue_wake(arg);
}

static void each_minute(void *arg)
{
	struct queue *q = arg;

	destinations_sweep(q->destinations, queue_now(q));
	couriers_watch(q->couriers);
	if (q->ready && !q->stopping)
		notices_minute(q->notices);
	loop_timer_set(q->minute, MINUTE);
	queue_wake(q);
}

/* --- start and end --- */

static void seed(struct queue *q)
{
	if (getrandom(&q->random, sizeof q->random, GRND_NONBLOCK) < 0)
		q->random = (uint64_t)loop_micros();
}

static void begin(struct queue *q)
{
	q->started = q->last_courier = queue_now(q);
	q->active_limit = active_limit(q->settings);
	q->turn = (struct loop_task){ .fn = turn, .arg = q };
	list_init(&q->walks);
	seed(q);
	q->messages = messages_new();
	q->schedule = schedule_new();
	q->route = route_new(q->settings);
	q->router = router_new(q);
	q->destinations = destinations_new(q);
	q->couriers = couriers_new(q);
	q->batches = batches_new(q);
	q->unwritten = unwritten_new(q);
	q->reports = sent_reports_new(q);
	q->notices = notices_new(q);
	q->successes = successes_new(q);
	q->status_filters = status_filters_new(q->settings);
	q->suspects = suspects_new(q);
	q->metrics = metrics_new();
	q->waits = waits_new(q);
	q->explanations = explanations_new(q);
	q->kept = kept_new(q->settings->spool_directory, loop_wall(q->loop));
	q->verifications = verifications_new(q);
	q->due = loop_timer_new(q->loop, due, q);
	q->minute = loop_timer_new(q->loop, each_minute, q);
	q->grace = loop_timer_new(q->loop, grace_over, q);
	loop_timer_set(q->minute, MINUTE);
}

struct queue *queue_new(struct loop *loop, const struct settings *settings, char **why, int *exit_code)
{
	struct queue *q = mem_alloc(sizeof *q);
	struct spool_pickup *pickups = spool_pickups(settings);
	struct spool_setup setup = spool_settings(settings, pickups);

	q->loop = loop;
	q->settings = settings;
	begin(q);
	q->spool = spool_open(loop, &setup, &intake_events, q, why, exit_code);
	free(pickups);
	if (!q->spool) {
		queue_free(q);
		return NULL;
	}
	return q;
}

static void free_active(struct queue *q)
{
	struct message *m;
	size_t cursor = 0;

	while ((m = messages_each(q->messages, &cursor)))
		active_free(m->active);
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	walks_free(q);
	couriers_free(q->couriers);
	router_free(q->router);
	free_active(q);
	verifications_free(q->verifications);
	destinations_free(q->destinations);
	batches_free(q->batches);
	unwritten_free(q->unwritten);
	successes_free(q->successes);
	notices_free(q->notices);
	status_filters_free(q->status_filters);
	suspects_free(q->suspects);
	if (q->spool)
		spool_free(q->spool);
	sent_reports_free(q->reports);
	messages_free(q->messages);
	schedule_free(q->schedule);
	route_free(q->route);
	metrics_free(q->metrics);
	waits_free(q->waits);
	explanations_free(q->explanations);
	kept_free(q->kept);
	loop_cancel(q->loop, &q->turn);
	loop_timer_free(q->due);
	loop_timer_free(q->minute);
	loop_timer_free(q->grace);
	free(q);
}

/* What waits for a destination may have another way now. */
static void route_anew(struct queue *q)
{
	struct destination *d;
	size_t cursor = 0;

	while ((d = destinations_each(q->destinations, &cursor)))
		parking_call_elsewhere(d);
	orders_route_anew(q);
}

void queue_reconfigure(struct queue *q, const struct settings *settings)
{
	struct spool_pickup *pickups = spool_pickups(settings);
	struct spool_setup setup = spool_settings(settings, pickups);
	uint64_t before = route_signature(q->route);

	q->settings = settings;
	q->active_limit = active_limit(settings);
	route_free(q->route);
	q->route = route_new(settings);
	status_filters_free(q->status_filters);
	q->status_filters = status_filters_new(settings);
	destinations_reconfigure(q->destinations);
	if (route_signature(q->route) != before)
		route_anew(q);
	spool_reconfigure(q->spool, &setup);
	free(pickups);
	couriers_retire(q->couriers);
	queue_wake(q);
}

void queue_courier(struct queue *q, unsigned slot, pid_t pid, int fd)
{
	couriers_add(q->couriers, slot, pid, fd);
	queue_wake(q);
}

void queue_courier_gone(struct queue *q, unsigned slot, pid_t pid, int status)
{
	couriers_gone(q->couriers, slot, pid, status);
}
