#include "table/type.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct pairs {
	struct map *map;             /* to strings that are owned here */
};

struct pairs *pairs_new(void)
{
	struct pairs *p = mem_alloc(sizeof *p);

	p->map = map_new();
	return p;
}

void pairs_free(struct pairs *p)
{
	size_t cursor = 0;
	char *value;

	if (!p)
		return;
	while ((value = map_next(p->map, &cursor)))
		free(value);
	map_free(p->map);
	free(p);
}

static char *lower_copy(struct text t)
{
	char *s = mem_strn(t.p, t.n);

	for (size_t i = 0; i < t.n; i++)
		s[i] = (char)tolower((unsigned char)s[i]);
	return s;
}

bool pairs_add(struct pairs *p, struct text key, struct text value)
{
	char *folded = lower_copy(key);
	bool is_new = !map_get(p->map, folded, key.n);

	if (is_new)
		map_put(p->map, folded, key.n, mem_strn(value.p, value.n));
	free(folded);
	return is_new;
}

const char *pairs_get(const struct pairs *p, const char *key, size_t n)
{
	return map_get(p->map, key, n);
}

void pairs_each(const struct pairs *p, void (*told)(void *arg, const char *value), void *arg)
{
	size_t cursor = 0;
	const char *value;

	while ((value = map_next(p->map, &cursor)))
		told(arg, value);
}

size_t pairs_count(const struct pairs *p)
{
	return map_count(p->map);
}
