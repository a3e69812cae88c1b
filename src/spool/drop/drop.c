#include "spool/drop/drop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/scan.h"
#include "spool/drop/odds.h"

enum {
	NAMES_HELD = 4096,          /* more are found again by a scan */
	STUCK_MS = 1000,            /* between looks at which names that rest are due */
	LOOK_MS = 60000,            /* between scans that nothing asked for */
	/* the same for a pickup directory: its events may come from elsewhere */
	PICKUP_STUCK_MS = 250,
	PICKUP_LOOK_MS = 5000
};

struct drop {
	struct loop *loop;
	const struct source *source;
	void (*names)(void *arg);
	void *arg;
	int inotify;
	struct loop_watch *watch;
	struct loop_timer *timer;   /* for the next name that rests, or the next look */
	bool active;
	bool more_wait;             /* names of full owners that are not remembered */
	struct { char *name; bool complete; } held[NAMES_HELD];     /* a ring */
	size_t first, count;
	struct odds *odds;
	int64_t next_look;
	struct scan *scan;
	bool scan_wanted;           /* a new one, when the one under way has ended */
};

static void scan_on(struct drop *d);

/* ---- names ---- */

/* complete: an event told that its writer is done with it. */
static void hold(struct drop *d, const char *name, bool complete)
{
	size_t at = (d->first + d->count) % NAMES_HELD;

	if (d->source->pickup && source_leaves_alone(name))
		return;
	if (d->count == NAMES_HELD) {
		d->scan_wanted = true;
		return;
	}
	d->held[at].name = mem_str(name);
	d->held[at].complete = complete;
	d->count++;
}

bool drop_next(struct drop *d, char name[NAME_MAX + 1], struct drop_hint *hint)
{
	while (d->active && d->count) {
		char *held = d->held[d->first].name;

		*hint = (struct drop_hint){ .complete = d->held[d->first].complete };
		d->first = (d->first + 1) % NAMES_HELD;
		d->count--;
		memcpy(name, held, strlen(held) + 1);
		free(held);
		if (!hint->complete && odds_rests(d->odds, name))
			continue;
		odds_hint(d->odds, name, hint);
		return true;
	}
	scan_on(d);
	return false;
}

/* ---- what is looked at again ---- */

static int64_t look_ms(const struct drop *d)
{
	return d->source->pickup ? PICKUP_LOOK_MS : LOOK_MS;
}

static void set_timer(struct drop *d)
{
	int64_t now = loop_now(d->loop), due = d->next_look;
	int64_t step = d->source->pickup ? PICKUP_STUCK_MS : STUCK_MS;

	if (odds_any(d->odds) && due > now + step)
		due = now + step;
	if (d->active)
		loop_timer_set(d->timer, due > now ? due - now : 1);
}

static void rested(void *arg, const char *name)
{
	hold(arg, name, false);
}

static void timer_fired(void *arg)
{
	struct drop *d = arg;
	int64_t now = loop_now(d->loop);

	odds_give(d->odds, rested, d);
	if (d->next_look <= now || (d->more_wait && !odds_any(d->odds))) {
		d->more_wait = false;
		d->scan_wanted = true;
		d->next_look = now + look_ms(d);
	}
	set_timer(d);
	scan_on(d);
	d->names(d->arg);
}

bool drop_stuck(struct drop *d, const char *name)
{
	bool news = odds_stuck(d->odds, name);

	set_timer(d);
	return news;
}

void drop_settling(struct drop *d, const char *name, const struct stat *now)
{
	odds_settling(d->odds, name, now);
	set_timer(d);
}

/* What cannot be remembered is found again when nothing that is remembered waits any more. */
void drop_full(struct drop *d, const char *name)
{
	if (!odds_full(d->odds, name))
		d->more_wait = true;
	set_timer(d);
}

bool drop_is_directory(struct drop *d, const char *name)
{
	return odds_directory(d->odds, name);
}

void drop_forget(struct drop *d, const char *name)
{
	odds_forget(d->odds, name);
}

/* ---- inotify ---- */

/* A name that appears in a pickup directory is a file being written, or one that was linked into place: the
 * first is opened, and closed later. */
static void pickup_event(struct drop *d, const struct inotify_event *event)
{
	if (source_leaves_alone(event->name))
		return;
	if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
		hold(d, event->name, true);
		return;
	}
	if (event->mask & IN_OPEN)
		odds_opened(d->odds, event->name);
	if (!(event->mask & IN_CREATE))
		return;
	odds_appeared(d->odds, event->name);
	set_timer(d);
}

static void one_event(struct drop *d, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		d->scan_wanted = true;
	else if (event->mask & IN_IGNORED)
		log_line(LOG_LEVEL_ERROR, "pickup", NULL,
			"%s: the directory was removed; nothing is taken from it until the next start",
			d->source->path);
	else if (event->len && d->source->pickup)
		pickup_event(d, event);
	else if (event->len)
		hold(d, event->name, true);
}

static void inotify_ready(void *arg, bool readable, bool writable)
{
	struct drop *d = arg;
	_Alignas(struct inotify_event) char room[16 * 1024];
	ssize_t n = read(d->inotify, room, sizeof room);

	(void)readable, (void)writable;
	for (const char *p = room; n > 0 && p < room + n;) {
		const struct inotify_event *event = (const void *)p;

		one_event(d, event);
		p += sizeof *event + event->len;
	}
	scan_on(d);
	d->names(d->arg);
}

/* ---- scanning ---- */

static void name_found(void *arg, const char *name)
{
	struct drop *d = arg;

	hold(d, name, !d->source->pickup);
}

static void piece_read(void *arg)
{
	struct drop *d = arg;

	if (d->active)
		d->names(d->arg);
}

/* Reads on when there is room for what may come. */
static void scan_on(struct drop *d)
{
	if (!d->active || scan_is_reading(d->scan) || d->count > NAMES_HELD / 2)
		return;
	if (!scan_is_begun(d->scan)) {
		if (!d->scan_wanted)
			return;
		d->scan_wanted = false;
	}
	scan_next(d->scan);
}

/* ---- life ---- */

static int watch_directory(struct drop *d)
{
	d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->inotify < 0)
		return errno;
	if (inotify_add_watch(d->inotify, d->source->path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR |
		(d->source->pickup ? IN_CLOSE_WRITE | IN_OPEN : 0)) < 0)
		return errno;
	d->watch = loop_watch_new(d->loop, d->inotify, inotify_ready, d);
	return 0;
}

static const struct scan_events scan_events = { name_found, piece_read };

struct drop *drop_new(struct loop *loop, struct disk *disk, const struct source *source,
	void (*names)(void *arg), void *arg, int *error)
{
	struct drop *d = mem_alloc(sizeof *d);

	d->loop = loop;
	d->source = source;
	d->names = names;
	d->arg = arg;
	d->inotify = -1;
	d->odds = odds_new(loop, source);
	d->scan = scan_new(disk, source->dir, &scan_events, d);
	d->timer = loop_timer_new(loop, timer_fired, d);
	*error = watch_directory(d);
	if (!*error)
		return d;
	drop_free(d);
	return NULL;
}

void drop_free(struct drop *d)
{
	if (!d)
		return;
	odds_free(d->odds);
	for (; d->count; d->count--, d->first = (d->first + 1) % NAMES_HELD)
		free(d->held[d->first].name);
	if (d->watch)
		loop_watch_free(d->watch);
	if (d->inotify >= 0)
		close(d->inotify);
	scan_free(d->scan);
	loop_timer_free(d->timer);
	free(d);
}

void drop_begin(struct drop *d)
{
	d->active = true;
	d->scan_wanted = true;
	d->next_look = loop_now(d->loop) + look_ms(d);
	loop_watch_want(d->watch, true, false);
	set_timer(d);
	scan_on(d);
}

void drop_end(struct drop *d)
{
	d->active = false;
	loop_watch_want(d->watch, false, false);
	loop_timer_stop(d->timer);
}
