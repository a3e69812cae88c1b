#include "courier/dead_addresses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum { MOST = 10000, KEY_SIZE = ENDPOINT_TEXT_SIZE + 8 };

struct dead {
	struct list in;              /* oldest first */
	char key[KEY_SIZE];
	int64_t when;                /* loop_now */
};

struct dead_addresses {
	struct loop *loop;
	int64_t remember;
	struct map *by_key;
	struct list list;
};

struct dead_addresses *dead_addresses_new(struct loop *loop, int64_t remember_ms)
{
	struct dead_addresses *d = mem_alloc(sizeof *d);

	d->loop = loop;
	d->remember = remember_ms;
	d->by_key = map_new();
	list_init(&d->list);
	return d;
}

static void forget(struct dead_addresses *d, struct dead *one)
{
	map_take(d->by_key, one->key, strlen(one->key));
	list_remove(&one->in);
	free(one);
}

void dead_addresses_free(struct dead_addresses *d)
{
	if (!d)
		return;
	LIST_EACH(at, &d->list)
		forget(d, LIST_OF(at, struct dead, in));
	map_free(d->by_key);
	free(d);
}

static struct dead *find(struct dead_addresses *d, const struct endpoint *at, char key[KEY_SIZE])
{
	char address[ENDPOINT_TEXT_SIZE];

	snprintf(key, KEY_SIZE, "%s %u", endpoint_text(at, address), endpoint_port(at));
	return map_get(d->by_key, key, strlen(key));
}

static bool is_over(const struct dead_addresses *d, const struct dead *one)
{
	return loop_now(d->loop) - one->when >= d->remember;
}

/* Makes room: those whose time is over, and the oldest if there are too many. */
static void tidy(struct dead_addresses *d)
{
	LIST_EACH(at, &d->list) {
		struct dead *one = LIST_OF(at, struct dead, in);

		if (!is_over(d, one) && map_count(d->by_key) < MOST)
			return;
		forget(d, one);
	}
}

void dead_addresses_add(struct dead_addresses *d, const struct endpoint *at)
{
	char key[KEY_SIZE];
	struct dead *one = find(d, at, key);

	if (one)
		forget(d, one);
	tidy(d);
	one = mem_alloc(sizeof *one);
	memcpy(one->key, key, sizeof key);
	one->when = loop_now(d->loop);
	map_put(d->by_key, one->key, strlen(one->key), one);
	list_append(&d->list, &one->in);
}

void dead_addresses_remove(struct dead_addresses *d, const struct endpoint *at)
{
	char key[KEY_SIZE];
	struct dead *one = map_count(d->by_key) > 0 ? find(d, at, key) : NULL;

	if (one)
		forget(d, one);
}

bool dead_addresses_has(struct dead_addresses *d, const struct endpoint *at, int64_t *since)
{
	char key[KEY_SIZE];
	struct dead *one = d && map_count(d->by_key) > 0 ? find(d, at, key) : NULL;

	if (!one || is_over(d, one))
		return false;
	*since = loop_now(d->loop) - one->when;
	return true;
}
