#include "spool/drop/drop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "spool/disk/pace.h"
#include "spool/disk/scan.h"

enum {
	NAMES_HELD = 4096,          /* more are found again by a scan */
	PICKUP_LOOK_MS = 5000,      /* the same for a pickup directory: its events may come from elsewhere */
	PICKUP_STEP_MS = 250,       /* between looks at which names that settle are due */
	LINK_MS = 300,              /* after it appeared, a name that nobody opened was linked into place */
	ODD_MAX = 10000,            /* names remembered for being stuck or directories */
	STUCK_MS = 1000,            /* between looks at which stuck names are due */
	LOOK_MS = 60000             /* between scans that nothing asked for */
};

/* What is known of a name that is not simply taken. */
struct odd {
	struct list link;           /* in stuck, if it is */
	bool directory, stuck;
	unsigned attempts;
	int64_t due;                /* ms of loop_now */
	/* of a pickup directory */
	bool appeared, opened;      /* as events told */
	struct stat seen;           /* what it looked like … */
	int64_t since;              /* … from when on, ms of loop_now; 0: not looked at */
	char name[];
};

struct drop {
	struct loop *loop;
	const struct source *source;
	void (*names)(void *arg);
	void *arg;
	int inotify;
	struct loop_watch *watch;
	struct loop_timer *timer;   /* for the next stuck name or the next look */
	bool active;
	bool more_wait;             /* names of full owners that are not remembered */
	struct { char *name; bool complete; } held[NAMES_HELD];     /* a ring */
	size_t first, count;
	struct map *odd;
	struct list stuck;
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

static struct odd *odd_get(const struct drop *d, const char *name)
{
	return map_get(d->odd, name, strlen(name));
}

static struct odd *odd_get_or_add(struct drop *d, const char *name)
{
	struct odd *o = odd_get(d, name);

	if (o || map_count(d->odd) >= ODD_MAX)
		return o;
	o = mem_alloc(sizeof *o + strlen(name) + 1);
	list_init(&o->link);
	strcpy(o->name, name);
	map_put(d->odd, name, strlen(name), o);
	return o;
}

static void odd_drop(struct drop *d, struct odd *o)
{
	list_remove(&o->link);
	map_take(d->odd, o->name, strlen(o->name));
	free(o);
}

/* A stuck name rests until its time has come. */
static bool rests(const struct drop *d, const char *name)
{
	const struct odd *o = odd_get(d, name);

	return o && o->stuck && o->due > loop_now(d->loop);
}

/* Linked into place: it appeared, and nobody opened it. */
static bool was_linked(const struct drop *d, const struct odd *o)
{
	return o->appeared && !o->opened && loop_now(d->loop) - o->since >= LINK_MS;
}

static void fill_hint(const struct drop *d, const char *name, struct drop_hint *h)
{
	const struct odd *o = odd_get(d, name);

	if (!o)
		return;
	h->directory = o->directory;
	h->linked = was_linked(d, o);
	h->seen = o->seen;
	h->seen_ms = o->seen.st_ino ? loop_now(d->loop) - o->since : 0;
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
		if (!hint->complete && rests(d, name))
			continue;
		fill_hint(d, name, hint);
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
	int64_t step = d->source->pickup ? PICKUP_STEP_MS : STUCK_MS;

	if (!list_empty(&d->stuck) && due > now + step)
		due = now + step;
	if (d->active)
		loop_timer_set(d->timer, due > now ? due - now : 1);
}

static void timer_fired(void *arg)
{
	struct drop *d = arg;
	int64_t now = loop_now(d->loop);

	LIST_EACH(at, &d->stuck) {
		struct odd *o = LIST_OF(at, struct odd, link);

		if (o->due > now)
			continue;
		list_remove(at);
		hold(d, o->name, false);
	}
	if (d->next_look <= now || (d->more_wait && list_empty(&d->stuck))) {
		d->more_wait = false;
		d->scan_wanted = true;
		d->next_look = now + look_ms(d);
	}
	set_timer(d);
	scan_on(d);
	d->names(d->arg);
}

static void rest(struct drop *d, struct odd *o, int64_t after_ms)
{
	o->stuck = true;
	o->due = loop_now(d->loop) + after_ms;
	list_remove(&o->link);
	list_append(&d->stuck, &o->link);
	set_timer(d);
}

bool drop_stuck(struct drop *d, const char *name)
{
	struct odd *o = odd_get_or_add(d, name);
	bool news = !o || !o->stuck;

	if (!o)
		return false;
	rest(d, o, pace_delay_ms(++o->attempts));
	return news;
}

static bool looks_the_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void drop_settling(struct drop *d, const char *name, const struct stat *now)
{
	struct odd *o = odd_get_or_add(d, name);
	int64_t left;

	if (!o)
		return;
	if (!looks_the_same(&o->seen, now)) {
		o->appeared = o->appeared && !o->seen.st_ino;
		o->seen = *now;
		o->since = loop_now(d->loop);
	}
	left = o->since + d->source->settle_ms - loop_now(d->loop);
	rest(d, o, left > 1 ? left : 1);
}

/* What cannot be remembered is found again when nothing that is remembered waits any more. */
void drop_full(struct drop *d, const char *name)
{
	struct odd *o = odd_get_or_add(d, name);

	if (o)
		rest(d, o, STUCK_MS);
	else
		d->more_wait = true;
}

bool drop_is_directory(struct drop *d, const char *name)
{
	struct odd *o = odd_get_or_add(d, name);
	bool news = o && !o->directory;

	if (o)
		o->directory = true;
	return news;
}

void drop_forget(struct drop *d, const char *name)
{
	struct odd *o = map_count(d->odd) ? odd_get(d, name) : NULL;

	if (o)
		odd_drop(d, o);
}

/* ---- inotify ---- */

/* A name that appears in a pickup directory is a file being written, or one that was linked into place: the first
 * is opened, and closed later. */
static void pickup_event(struct drop *d, const struct inotify_event *event)
{
	struct odd *o;

	if (source_leaves_alone(event->name))
		return;
	if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
		hold(d, event->name, true);
		return;
	}
	o = event->mask & IN_CREATE ? odd_get_or_add(d, event->name) : odd_get(d, event->name);
	if (o && (event->mask & IN_OPEN))
		o->opened = true;
	if (!o || !(event->mask & IN_CREATE))
		return;
	o->appeared = true;
	o->opened = false;
	o->seen = (struct stat){ 0 };
	o->since = loop_now(d->loop);
	rest(d, o, LINK_MS);
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
	d->odd = map_new();
	list_init(&d->stuck);
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
	struct odd *o;
	size_t cursor = 0;

	if (!d)
		return;
	while ((o = map_next(d->odd, &cursor)))
		free(o);
	map_free(d->odd);
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
