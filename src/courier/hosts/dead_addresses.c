#include "courier/hosts/dead_addresses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "link/keys.h"

enum { MOST = 10000, KEY_SIZE = sizeof LINK_KEY_DEAD_ADDRESS + ENDPOINT_TEXT_SIZE + 8 };

struct dead {
	struct list in;              /* in the order in which this courier came to know */
	char key[KEY_SIZE];          /* also the link's: "… ADDRESS PORT" */
	int64_t when;                /* loop_now */
};

struct dead_addresses {
	struct loop *loop;
	struct link *link;
	int64_t remember;
	struct map *by_key;
	struct list list;
};

struct dead_addresses *dead_addresses_new(struct loop *loop, struct link *link, int64_t remember_ms)
{
	struct dead_addresses *d = mem_alloc(sizeof *d);

	d->loop = loop;
	d->link = link;
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

static struct dead *find(struct dead_addresses *d, const char *key)
{
	return map_get(d->by_key, key, strlen(key));
}

static void make_key(const struct endpoint *at, char key[KEY_SIZE])
{
	char address[ENDPOINT_TEXT_SIZE];

	snprintf(key, KEY_SIZE, LINK_KEY_DEAD_ADDRESS "%s %u", endpoint_text(at, address), endpoint_port(at));
}

static struct dead *find_at(struct dead_addresses *d, const struct endpoint *at)
{
	char key[KEY_SIZE];

	if (map_count(d->by_key) == 0)
		return NULL;
	make_key(at, key);
	return find(d, key);
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

static void put(struct dead_addresses *d, const char *key, int64_t when)
{
	struct dead *one = find(d, key);

	if (one)
		forget(d, one);
	tidy(d);
	one = mem_alloc(sizeof *one);
	snprintf(one->key, sizeof one->key, "%s", key);
	one->when = when;
	map_put(d->by_key, one->key, strlen(one->key), one);
	list_append(&d->list, &one->in);
}

void dead_addresses_add(struct dead_addresses *d, const struct endpoint *at)
{
	int64_t now = loop_wall(d->loop);
	char key[KEY_SIZE], when[32];

	make_key(at, key);
	put(d, key, loop_now(d->loop));
	snprintf(when, sizeof when, "%lld", (long long)now);
	if (d->link)
		link_send_keep_until(d->link, key, now + d->remember, when, strlen(when));
}

void dead_addresses_remove(struct dead_addresses *d, const struct endpoint *at)
{
	struct dead *one = find_at(d, at);

	if (!one)
		return;
	if (d->link)
		link_send_keep_until(d->link, one->key, 0, NULL, 0);
	forget(d, one);
}

/* Another courier's words; nothing: it answers again. A clock that was set since makes it at most as young as
 * what is found now. */
void dead_addresses_hear(struct dead_addresses *d, const char *key, const void *value, size_t n)
{
	struct text text = text_make(value, n);
	struct dead *one;
	uint64_t when;
	int64_t age;

	if (strncmp(key, LINK_KEY_DEAD_ADDRESS, strlen(LINK_KEY_DEAD_ADDRESS)) != 0 || strlen(key) >= KEY_SIZE)
		return;
	if (text_number(&text, INT64_MAX, &when)) {
		age = loop_wall(d->loop) - (int64_t)when;
		put(d, key, loop_now(d->loop) - (age > 0 ? age : 0));
	} else if ((one = find(d, key))) {
		forget(d, one);
	}
}

bool dead_addresses_has(struct dead_addresses *d, const struct endpoint *at, int64_t *since)
{
	struct dead *one = d ? find_at(d, at) : NULL;

	if (!one || is_over(d, one))
		return false;
	*since = loop_now(d->loop) - one->when;
	return true;
}
