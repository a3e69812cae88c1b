#include "spool/drop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "spool/pace.h"

enum {
	NAMES_HELD = 4096,          /* more are found again by a scan */
	SCAN_NAMES = 512,           /* read at once */
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
	char name[];
};

struct drop {
	struct loop *loop;
	struct disk *disk;
	int dir;
	char *path;
	void (*names)(void *arg);
	void *arg;
	int inotify;
	struct loop_watch *watch;
	struct loop_timer *timer;   /* for the next stuck name or the next look */
	bool active;
	char *held[NAMES_HELD];     /* a ring */
	size_t first, count;
	struct map *odd;
	struct list stuck;
	int64_t next_look;
	/* the scan */
	bool scan_wanted, scanning; /* scanning: the job is out */
	DIR *stream;                /* open while a scan is under way */
	struct disk_job job;
	char *found[SCAN_NAMES];
	size_t found_count;
	bool found_end;
};

static void scan_on(struct drop *d);

/* ---- names ---- */

static void hold(struct drop *d, const char *name)
{
	if (d->count == NAMES_HELD) {
		d->scan_wanted = true;
		return;
	}
	d->held[(d->first + d->count++) % NAMES_HELD] = mem_str(name);
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

bool drop_next(struct drop *d, char name[NAME_MAX + 1], bool *directory)
{
	const struct odd *o;

	while (d->active && d->count) {
		char *held = d->held[d->first];

		d->first = (d->first + 1) % NAMES_HELD;
		d->count--;
		memcpy(name, held, strlen(held) + 1);
		free(held);
		if (rests(d, name))
			continue;
		o = odd_get(d, name);
		*directory = o && o->directory;
		return true;
	}
	scan_on(d);
	return false;
}

/* ---- what is looked at again ---- */

static void set_timer(struct drop *d)
{
	int64_t now = loop_now(d->loop), due = d->next_look;

	if (!list_empty(&d->stuck) && due > now + STUCK_MS)
		due = now + STUCK_MS;
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
		hold(d, o->name);
	}
	if (d->next_look <= now) {
		d->scan_wanted = true;
		d->next_look = now + LOOK_MS;
	}
	set_timer(d);
	scan_on(d);
	d->names(d->arg);
}

bool drop_stuck(struct drop *d, const char *name)
{
	struct odd *o = odd_get_or_add(d, name);
	bool news = !o || !o->stuck;

	if (!o)
		return false;
	o->stuck = true;
	o->due = loop_now(d->loop) + pace_delay_ms(++o->attempts);
	list_remove(&o->link);
	list_append(&d->stuck, &o->link);
	set_timer(d);
	return news;
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

static void one_event(struct drop *d, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		d->scan_wanted = true;
	else if (event->mask & IN_IGNORED)
		log_line(LOG_LEVEL_ERROR, "pickup", NULL,
			"%s: the directory was removed; nothing is taken from it until the next start",
			d->path);
	else if (event->len)
		hold(d, event->name);
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

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void scan_work(struct disk_job *job, char *room)
{
	struct drop *d = LIST_OF(job, struct drop, job);
	const struct dirent *entry;
	int fd;

	(void)room;
	d->found_end = false;
	if (!d->stream) {
		fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		d->stream = fd < 0 ? NULL : fdopendir(fd);
	}
	while (d->stream && d->found_count < SCAN_NAMES && (entry = readdir(d->stream)))
		if (!is_dots(entry->d_name))
			d->found[d->found_count++] = mem_str(entry->d_name);
	if (d->found_count == SCAN_NAMES)
		return;
	d->found_end = true;
	if (d->stream)
		closedir(d->stream);
	d->stream = NULL;
}

static void scan_done(struct disk_job *job)
{
	struct drop *d = LIST_OF(job, struct drop, job);

	d->scanning = false;
	for (size_t i = 0; i < d->found_count; i++) {
		hold(d, d->found[i]);
		free(d->found[i]);
	}
	d->found_count = 0;
	if (d->active)
		d->names(d->arg);
}

/* Reads on when there is room for what may come. */
static void scan_on(struct drop *d)
{
	if (d->scanning || !d->active || d->count > NAMES_HELD / 2)
		return;
	if (!d->stream && !d->scan_wanted)
		return;
	if (!d->stream)
		d->scan_wanted = false;
	d->scanning = true;
	disk_run(d->disk, DISK_INTAKE, &d->job);
}

/* ---- life ---- */

static int watch_directory(struct drop *d)
{
	d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->inotify < 0)
		return errno;
	if (inotify_add_watch(d->inotify, d->path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return errno;
	d->watch = loop_watch_new(d->loop, d->inotify, inotify_ready, d);
	return 0;
}

struct drop *drop_new(struct loop *loop, struct disk *disk, int dir, const char *path,
	void (*names)(void *arg), void *arg, int *error)
{
	struct drop *d = mem_alloc(sizeof *d);

	d->loop = loop;
	d->disk = disk;
	d->dir = dir;
	d->path = mem_str(path);
	d->names = names;
	d->arg = arg;
	d->inotify = -1;
	d->odd = map_new();
	list_init(&d->stuck);
	d->job = (struct disk_job){ .work = scan_work, .done = scan_done };
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
		free(d->held[d->first]);
	if (d->watch)
		loop_watch_free(d->watch);
	if (d->inotify >= 0)
		close(d->inotify);
	if (d->stream)
		closedir(d->stream);
	loop_timer_free(d->timer);
	free(d->path);
	free(d);
}

void drop_begin(struct drop *d)
{
	d->active = true;
	d->scan_wanted = true;
	d->next_look = loop_now(d->loop) + LOOK_MS;
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
