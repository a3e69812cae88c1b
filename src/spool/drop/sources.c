#include "spool/drop/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct sources {
	struct source **all;     /* drop/new is the first */
	size_t count, turn;
};

static bool watch(struct source *s, struct loop *loop, struct disk *disk, void (*names)(void *arg), void *arg,
	char **why)
{
	int error;

	s->drop = drop_new(loop, disk, s, names, arg, &error);
	if (!s->drop)
		*why = mem_fmt("%s: cannot be watched: %s", s->path, strerror(error));
	return s->drop;
}

struct sources *sources_new(struct loop *loop, struct disk *disk, const struct tree *tree,
	const struct spool_setup *setup, void (*names)(void *arg), void *arg, char **why)
{
	struct sources *all = mem_alloc(sizeof *all);
	bool good = true;

	all->all = mem_alloc((setup->pickup_count + 1) * sizeof *all->all);
	for (size_t i = 0; good && i <= setup->pickup_count; i++) {
		struct source *s = i ? source_pickup(tree, &setup->pickups[i - 1], why) : source_drop(tree);

		good = s && watch(s, loop, disk, names, arg, why);
		if (s)
			all->all[all->count++] = s;
	}
	if (good)
		return all;
	sources_free(all);
	return NULL;
}

void sources_free(struct sources *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++) {
		drop_free(all->all[i]->drop);
		source_free(all->all[i]);
	}
	free(all->all);
	free(all);
}

void sources_begin(struct sources *all)
{
	for (size_t i = 0; i < all->count; i++)
		drop_begin(all->all[i]->drop);
}

void sources_end(struct sources *all)
{
	for (size_t i = 0; i < all->count; i++)
		drop_end(all->all[i]->drop);
}

static struct source *find(const struct sources *all, const char *name)
{
	for (size_t i = 1; i < all->count; i++)
		if (strcmp(all->all[i]->name, name) == 0)
			return all->all[i];
	return all->all[0];
}

const struct source *sources_find(const struct sources *all, const char *name)
{
	return find(all, name);
}

void sources_reconfigure(struct sources *all, const struct spool_setup *setup)
{
	for (size_t i = 0; i < setup->pickup_count; i++) {
		struct source *s = find(all, setup->pickups[i].path);

		if (!s->pickup)
			continue;
		s->form = setup->pickups[i].form;
		s->settle_ms = setup->pickups[i].settle_ms;
	}
}

bool sources_next(struct sources *all, const struct source **source, char name[NAME_MAX + 1],
	struct drop_hint *hint)
{
	for (size_t i = 0; i < all->count; i++) {
		all->turn = (all->turn + 1) % all->count;
		*source = all->all[all->turn];
		if (drop_next((*source)->drop, name, hint))
			return true;
	}
	return false;
}
