#include "spool/journal/owners.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct owners {
	struct idmap *counts;          /* to struct count; who has none is not there */
};

struct count {
	size_t messages;
};

/* User ids begin with 0, which is no key of an idmap. */
static uint64_t key_of(uint64_t uid)
{
	return uid + 1;
}

struct owners *owners_new(void)
{
	struct owners *o = mem_alloc(sizeof *o);

	o->counts = idmap_new();
	return o;
}

void owners_free(struct owners *o)
{
	struct count *c;
	size_t cursor = 0;

	while ((c = idmap_next(o->counts, &cursor)))
		free(c);
	idmap_free(o->counts);
	free(o);
}

void owners_add(struct owners *o, uint64_t uid)
{
	struct count *c = idmap_get(o->counts, key_of(uid));

	if (!c) {
		c = mem_alloc(sizeof *c);
		idmap_put(o->counts, key_of(uid), c);
	}
	c->messages++;
}

void owners_remove(struct owners *o, uint64_t uid)
{
	struct count *c = idmap_get(o->counts, key_of(uid));

	assert(c);
	if (--c->messages)
		return;
	idmap_take(o->counts, key_of(uid));
	free(c);
}

size_t owners_count(const struct owners *o, uint64_t uid)
{
	const struct count *c = idmap_get(o->counts, key_of(uid));

	return c ? c->messages : 0;
}
