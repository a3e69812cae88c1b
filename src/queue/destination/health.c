#include "queue/destination/health.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/destination/lease.h"
#include "queue/result/settle.h"

enum {
	FIRST_PROBE = 1000,           /* ms */
	LOOK_EVERY = 200,             /* ms between looks at the socket of a dead destination */
	PARK_AFTER = 60 * 1000,       /* ms of death after which what waits leaves memory */
	BUSY_PAUSE = 100,             /* ms, doubled with each time in a row */
	BUSY_PAUSE_MAX = 1000,
	TURNED_AWAY_MAX = 10,         /* in a row while nothing else was open: then it is dead */
	FRESH_PROBE_EVERY = 3         /* each third probe is made by a message that has only waited */
};

void health_begin(struct destination *d)
{
	d->health.reason = mem_str("");
}

void health_end(struct destination *d)
{
	loop_timer_free(d->health.probe);
	loop_timer_free(d->health.look);
	free(d->health.reason);
	parking_free(&d->health.failed);
}

/* --- the socket of a dead destination --- */

/* Notes what is there now; true if that is a socket which was not there before. */
static bool look(struct destination *d)
{
	struct health *h = &d->health;
	struct stat st = { 0 };
	bool there = stat(destination_socket(d), &st) == 0;
	bool is_new = there && (st.st_ino != h->inode || st.st_ctim.tv_sec != h->changed.tv_sec ||
		st.st_ctim.tv_nsec != h->changed.tv_nsec);

	h->inode = there ? st.st_ino : 0;
	h->changed = st.st_ctim;
	return is_new;
}

static void look_again(void *arg)
{
	struct destination *d = arg;

	if (look(d)) {
		d->health.delay = FIRST_PROBE;
		health_ask_now(d);
	}
	loop_timer_set(d->health.look, LOOK_EVERY);
}

static void start_looking(struct destination *d)
{
	if (!destination_socket(d))
		return;
	look(d);
	if (!d->health.look)
		d->health.look = loop_timer_new(d->queue->loop, look_again, d);
	loop_timer_set(d->health.look, LOOK_EVERY);
}

/* --- probes --- */

static void probe_due(void *arg)
{
	health_ask_now(arg);
}

static void set_probe(struct destination *d)
{
	if (!d->health.probe)
		d->health.probe = loop_timer_new(d->queue->loop, probe_due, d);
	loop_timer_set(d->health.probe, d->health.delay);
}

/* A message that is deferred already makes the probe, so that those which only wait are not spoilt; but now
 * and then another one, in case it is that message which the host cannot bear. The timer goes on, in case
 * nothing comes of it. */
void health_ask_now(struct destination *d)
{
	struct health *h = &d->health;

	if (!h->dead || h->probing || h->suspended)
		return;
	set_probe(d);
	h->probe_wanted = true;
	if (d->waiting && h->probes % FRESH_PROBE_EVERY == FRESH_PROBE_EVERY - 1)
		destination_wake(d);
	else if (!parking_call(d, 1) && d->waiting)
		destination_wake(d);
}

void health_ask_front(struct destination *d)
{
	struct health *h = &d->health;

	if (!h->dead || h->probing || h->suspended)
		return;
	set_probe(d);
	h->probe_wanted = true;
	destination_wake(d);
}

static int64_t longest_delay(const struct destination *d)
{
	int64_t most = d->queue->settings->minimal_backoff_time;

	return most > 0 ? most : 1;
}

static void set_reason(struct destination *d, const struct finish *f)
{
	char *copy = mem_str(f->reason && *f->reason ? f->reason : "no reason was given");

	free(d->health.reason);
	d->health.reason = copy;
	memcpy(d->health.dsn, f->dsn, sizeof d->health.dsn);
}

/* Whatever waits in the line may now be over for the moment, or leave memory. */
static void check_line(struct destination *d)
{
	LIST_EACH(l, &d->line)
		settle_check(d->queue, LIST_OF(l, struct entry, in_line)->active);
}

static void die(struct destination *d)
{
	struct health *h = &d->health;

	h->dead = true;
	h->since = queue_now(d->queue);
	h->delay = FIRST_PROBE;
	h->probes = 0;
	if (h->delay > longest_delay(d))
		h->delay = longest_delay(d);
	log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
		"destination %s %s: %s; its mail waits, next try in %g s", d->name,
		h->turned_away >= TURNED_AWAY_MAX ? "is not usable" : "cannot be reached",
		h->reason, (double)h->delay / 1000);
	start_looking(d);
	lease_recall(d, UINT_MAX);
	parking_adopt(d, &h->failed);
}

void health_failed(struct destination *d, const struct finish *f, bool probe)
{
	struct health *h = &d->health;

	set_reason(d, f);
	if (h->dead && !probe)
		return;
	if (probe) {
		h->probing = false;
		h->probes++;
		h->delay = h->delay * 2 < longest_delay(d) ? h->delay * 2 : longest_delay(d);
	}
	if (!h->dead && !window_failed(&d->window, &d->rules, d->busy))
		return;
	if (!h->dead)
		die(d);
	set_probe(d);
	check_line(d);
}

void health_blames(struct destination *d, struct entry *e)
{
	if (d->health.dead)
		parking_park(d, e);
	else
		parking_add(&d->health.failed, e->active->message->id);
}

void health_unknown(struct destination *d)
{
	d->health.probing = false;
	if (d->health.dead)
		set_probe(d);
}

/* --- alive --- */

static void revive(struct destination *d)
{
	struct health *h = &d->health;

	h->dead = h->probing = h->probe_wanted = false;
	loop_timer_stop(h->probe);
	if (h->look)
		loop_timer_stop(h->look);
	window_begin(&d->window, &d->rules);
	log_line(LOG_LEVEL_INFO, "qmgr", NULL, "destination %s works again after %lld s", d->name,
		(long long)(queue_now(d->queue) - h->since) / 1000);
	parking_call(d, SIZE_MAX);
	destination_wake(d);
}

static void went_well(struct destination *d)
{
	parking_free(&d->health.failed);
	window_went_well(&d->window, &d->rules, d->busy);
	width_delivered(d);
}

void health_works(struct destination *d)
{
	d->health.turned_away = 0;
	if (d->health.dead)
		revive(d);
	else
		went_well(d);
}

/* A host that turns us away is there: fewer connections, and soon again. */
void health_busy(struct destination *d, const struct finish *f, bool probe)
{
	struct health *h = &d->health;
	int64_t pause = BUSY_PAUSE;

	if (d->busy == 0 && ++h->turned_away >= TURNED_AWAY_MAX) {
		health_failed(d, f, probe);
		return;
	}
	if (h->dead)
		revive(d);
	set_reason(d, f);
	window_turned_away(&d->window, d->busy);
	for (unsigned i = 1; i < h->turned_away && pause < BUSY_PAUSE_MAX; i++)
		pause *= 2;
	if (d->busy == 0)
		destination_pause(d, queue_now(d->queue) + (pause < BUSY_PAUSE_MAX ? pause : BUSY_PAUSE_MAX));
}

bool health_is_long_dead(const struct destination *d)
{
	return d->health.dead && queue_now(d->queue) - d->health.since >= PARK_AFTER;
}

bool health_stalls(const struct destination *d)
{
	return d->health.suspended || (d->health.dead && !d->health.probe_wanted);
}

/* --- the operator --- */

void health_suspend(struct destination *d)
{
	if (d->health.suspended)
		return;
	d->health.suspended = true;
	d->health.probe_wanted = false;
	log_line(LOG_LEVEL_INFO, "qmgr", NULL, "destination %s is suspended by the operator; its mail waits",
		d->name);
	lease_recall(d, UINT_MAX);
	check_line(d);
}

void health_resume(struct destination *d)
{
	if (!d->health.suspended)
		return;
	d->health.suspended = false;
	log_line(LOG_LEVEL_INFO, "qmgr", NULL, "destination %s is resumed by the operator", d->name);
	if (d->health.dead)
		health_ask_now(d);
	else
		parking_call(d, SIZE_MAX);
	destination_wake(d);
}

const char *health_name(const struct destination *d)
{
	return d->health.suspended ? "suspended" : d->health.dead ? "dead" : "alive";
}

const char *health_trouble(const struct destination *d)
{
	return *d->health.reason ? d->health.reason : "the destination is not served now";
}

const char *health_dsn(const struct destination *d)
{
	return *d->health.dsn ? d->health.dsn : "4.4.1";
}
