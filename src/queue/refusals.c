#include "queue/refusals.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "link/keys.h"
#include "queue/couriers.h"

enum { ENTRIES_MAX = 10000, VALUE_MAX = 4096 };

struct refused {
	char *key;
	size_t n;
	char value[];
};

struct refusals {
	struct map *all;             /* struct refused by key */
};

struct refusals *refusals_new(void)
{
	struct refusals *r = mem_alloc(sizeof *r);

	r->all = map_new();
	return r;
}

static void refused_free(struct refused *e)
{
	if (e)
		free(e->key);
	free(e);
}

static void clear(struct refusals *r)
{
	struct refused *e;
	size_t cursor = 0;

	while ((e = map_next(r->all, &cursor)))
		refused_free(e);
	map_free(r->all);
}

void refusals_free(struct refusals *r)
{
	if (!r)
		return;
	clear(r);
	free(r);
}

static void tell(struct courier *c, const struct refused *e)
{
	if (!c->broken)
		link_send_keep(c->link, e->key, e->value, e->n);
}

/* When there are too many all go: each costs one more refusal. */
static struct refused *put(struct refusals *r, const char *key, const void *value, size_t n)
{
	struct refused *e = mem_alloc(sizeof *e + n);

	e->key = mem_str(key);
	e->n = n;
	memcpy(e->value, value, n);
	if (map_count(r->all) >= ENTRIES_MAX) {
		clear(r);
		r->all = map_new();
	}
	refused_free(map_put(r->all, key, strlen(key), e));
	return e;
}

bool refusals_keep(struct refusals *r, struct courier *from, const char *key, const void *value, size_t n)
{
	const struct refused *e;

	if (strncmp(key, LINK_KEY_REFUSED_LOGIN, strlen(LINK_KEY_REFUSED_LOGIN)) != 0)
		return false;
	if (n > VALUE_MAX)
		return true;
	e = put(r, key, value, n);
	LIST_EACH(l, &from->home->list) {
		struct courier *c = LIST_OF(l, struct courier, all);

		if (c != from)
			tell(c, e);
	}
	return true;
}

void refusals_tell(const struct refusals *r, struct courier *c)
{
	const struct refused *e;
	size_t cursor = 0;

	while ((e = map_next(r->all, &cursor)))
		tell(c, e);
}
