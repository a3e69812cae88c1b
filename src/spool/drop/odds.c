#include "spool/drop/odds.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "spool/disk/pace.h"

enum {
	ODDS_MAX = 10000,           /* names remembered */
	LINK_MS = 300,              /* after it appeared, a name that nobody opened was linked into place */
	FULL_MS = 1000              /* until there may be room for its owner */
};

struct odd {
	struct list link;           /* in resting, if it rests */
	bool directory, stuck;
	unsigned attempts;
	int64_t due;                /* ms of loop_now */
	/* of a pickup directory */
	bool appeared, opened;      /* as events told */
	bool hinted;                /* a look was told that it was linked into place */
	struct stat seen;           /* what it looked like … */
	int64_t since;              /* … from when on, ms of loop_now; 0: not looked at */
	char name[];
};

struct odds {
	struct loop *loop;
	const struct source *source;
	struct map *by_name;
	struct list resting;
};

struct odds *odds_new(struct loop *loop, const struct source *source)
{
	struct odds *all = mem_alloc(sizeof *all);

	all->loop = loop;
	all->source = source;
	all->by_name = map_new();
	list_init(&all->resting);
	return all;
}

void odds_free(struct odds *all)
{
	struct odd *o;
	size_t cursor = 0;

	while ((o = map_next(all->by_name, &cursor)))
		free(o);
	map_free(all->by_name);
	free(all);
}

static struct odd *find(const struct odds *all, const char *name)
{
	return map_get(all->by_name, name, strlen(name));
}

/* NULL: there are too many. */
static struct odd *find_or_add(struct odds *all, const char *name)
{
	struct odd *o = find(all, name);

	if (o || map_count(all->by_name) >= ODDS_MAX)
		return o;
	o = mem_alloc(sizeof *o + strlen(name) + 1);
	list_init(&o->link);
	strcpy(o->name, name);
	map_put(all->by_name, name, strlen(name), o);
	return o;
}

static void rest(struct odds *all, struct odd *o, int64_t after_ms)
{
	o->stuck = true;
	o->due = loop_now(all->loop) + after_ms;
	list_remove(&o->link);
	list_append(&all->resting, &o->link);
}

static int64_t until(const struct odds *all, int64_t then)
{
	int64_t left = then - loop_now(all->loop);

	return left > 1 ? left : 1;
}

bool odds_stuck(struct odds *all, const char *name)
{
	struct odd *o = find_or_add(all, name);
	bool news = !o || !o->stuck;

	if (!o)
		return false;
	rest(all, o, pace_delay_ms(++o->attempts));
	return news;
}

static bool looks_the_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec
		&& a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void odds_settling(struct odds *all, const char *name, const struct stat *now)
{
	struct odd *o = find_or_add(all, name);

	if (!o)
		return;
	/* That look began before it was known that the name had just appeared: only the next one is told. */
	if (o->appeared && !o->opened && !o->hinted) {
		rest(all, o, until(all, o->since + LINK_MS));
		return;
	}
	if (!looks_the_same(&o->seen, now)) {
		o->appeared = o->appeared && !o->seen.st_ino;
		o->seen = *now;
		o->since = loop_now(all->loop);
	}
	rest(all, o, until(all, o->since + all->source->settle_ms));
}

bool odds_full(struct odds *all, const char *name)
{
	struct odd *o = find_or_add(all, name);

	if (o)
		rest(all, o, FULL_MS);
	return o;
}

bool odds_directory(struct odds *all, const char *name)
{
	struct odd *o = find_or_add(all, name);
	bool news = o && !o->directory;

	if (o)
		o->directory = true;
	return news;
}

void odds_appeared(struct odds *all, const char *name)
{
	struct odd *o = find_or_add(all, name);

	if (!o)
		return;
	o->appeared = true;
	o->opened = o->hinted = false;
	o->seen = (struct stat){ 0 };
	o->since = loop_now(all->loop);
	rest(all, o, LINK_MS);
}

void odds_opened(struct odds *all, const char *name)
{
	struct odd *o = find(all, name);

	if (o)
		o->opened = true;
}

void odds_forget(struct odds *all, const char *name)
{
	struct odd *o = map_count(all->by_name) ? find(all, name) : NULL;

	if (!o)
		return;
	list_remove(&o->link);
	map_take(all->by_name, o->name, strlen(o->name));
	free(o);
}

bool odds_rests(const struct odds *all, const char *name)
{
	const struct odd *o = find(all, name);

	return o && o->stuck && o->due > loop_now(all->loop);
}

/* Linked into place: it appeared, and nobody opened it. */
static bool was_linked(const struct odds *all, const struct odd *o)
{
	return o->appeared && !o->opened && loop_now(all->loop) - o->since >= LINK_MS;
}

void odds_hint(struct odds *all, const char *name, struct drop_hint *h)
{
	struct odd *o = find(all, name);

	if (!o)
		return;
	h->directory = o->directory;
	h->linked = o->hinted = was_linked(all, o);
	h->seen = o->seen;
	h->seen_ms = o->seen.st_ino ? loop_now(all->loop) - o->since : 0;
}

void odds_give(struct odds *all, void (*give)(void *arg, const char *name), void *arg)
{
	int64_t now = loop_now(all->loop);

	LIST_EACH(at, &all->resting) {
		const struct odd *o = LIST_OF(at, struct odd, link);

		if (o->due > now)
			continue;
		list_remove(at);
		give(arg, o->name);
	}
}

bool odds_any(const struct odds *all)
{
	return !list_empty(&all->resting);
}
