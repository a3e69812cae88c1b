#include "courier/delivery/ahead.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct row {
	struct list waiting;
};

struct ahead {
	struct idmap *rows;          /* by destination; those in which somebody waits */
	size_t count;
};

struct ahead *ahead_new(void)
{
	struct ahead *a = mem_alloc(sizeof *a);

	a->rows = idmap_new();
	return a;
}

void ahead_free(struct ahead *a)
{
	struct row *r;
	size_t cursor = 0;

	if (!a)
		return;
	while ((r = idmap_next(a->rows, &cursor)))
		free(r);
	idmap_free(a->rows);
	free(a);
}

void ahead_put(struct ahead *a, uint32_t destination, struct list *waiting)
{
	struct row *r = idmap_get(a->rows, destination);

	if (!r) {
		r = mem_alloc(sizeof *r);
		list_init(&r->waiting);
		idmap_put(a->rows, destination, r);
	}
	list_append(&r->waiting, waiting);
	a->count++;
}

size_t ahead_count(const struct ahead *a)
{
	return a->count;
}

const struct list *ahead_first(const struct ahead *a, uint32_t destination)
{
	const struct row *r = idmap_get(a->rows, destination);

	return r ? r->waiting.next : NULL;
}

static bool any(const struct list *at, uint32_t request)
{
	(void)at;
	(void)request;
	return true;
}

struct list *ahead_take_that(struct ahead *a, uint32_t destination,
	bool (*fits)(const struct list *, uint32_t request), uint32_t request)
{
	struct row *r = idmap_get(a->rows, destination);
	struct list *found = NULL;

	if (!r)
		return NULL;
	for (struct list *at = r->waiting.next; at != &r->waiting && !found; at = at->next)
		if (fits(at, request))
			found = at;
	if (found) {
		list_remove(found);
		a->count--;
	}
	if (list_empty(&r->waiting)) {
		idmap_take(a->rows, destination);
		free(r);
	}
	return found;
}

struct list *ahead_take(struct ahead *a, uint32_t destination)
{
	return ahead_take_that(a, destination, any, 0);
}
