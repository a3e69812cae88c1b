/*
 * Both kinds share one open-addressing table of (hash, pointer) slots with linear probing. For an idmap the
 * hash is a bijection of the key, so equal hashes are equal keys; a map's slots point to entries that hold
 * the key.
 */
#include "base/map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

enum { FIRST_SLOTS = 16 };

struct slot {
	uint64_t hash;
	void *held;       /* NULL: free */
};

struct table {
	struct slot *slots;
	size_t count, mask;
	uint64_t seed[2];
};

struct entry {
	void *value;
	size_t n;
	char key[];
};

struct map {
	struct table table;
};

struct idmap {
	struct table table;
};

static void seed(struct table *t)
{
	/* Fails only before the kernel's generator is ready at boot; a fixed seed is merely predictable
	 * then. */
	if (getrandom(t->seed, sizeof t->seed, GRND_NONBLOCK) < 0)
		t->seed[0] = (uintptr_t)t;
}

static void table_init(struct table *t)
{
	t->slots = mem_alloc(FIRST_SLOTS * sizeof *t->slots);
	t->mask = FIRST_SLOTS - 1;
	seed(t);
}

static bool same(const struct slot *s, uint64_t hash, const char *key, size_t n)
{
	const struct entry *e = s->held;

	return s->hash == hash && (!key || (e->n == n && memcmp(e->key, key, n) == 0));
}

/* The slot that holds the key, or the free one where it would go; key NULL: the hash is the key. */
static struct slot *find(const struct table *t, uint64_t hash, const char *key, size_t n)
{
	size_t i = hash & t->mask;

	while (t->slots[i].held && !same(&t->slots[i], hash, key, n))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static void widen(struct table *t)
{
	struct slot *old = t->slots;
	size_t old_size = t->mask + 1;

	t->slots = mem_alloc(old_size * 2 * sizeof *t->slots);
	t->mask = old_size * 2 - 1;
	for (size_t i = 0; i < old_size; i++) {
		size_t at = old[i].hash & t->mask;

		if (!old[i].held)
			continue;
		while (t->slots[at].held)
			at = (at + 1) & t->mask;
		t->slots[at] = old[i];
	}
	free(old);
}

static void fill(struct table *t, struct slot *s, uint64_t hash, void *held)
{
	*s = (struct slot){ hash, held };
	if (++t->count > t->mask / 4 * 3)
		widen(t);
}

/* Frees the slot and moves later ones of the same run back, so that no marks of removal are needed. */
static void vacate(struct table *t, struct slot *s)
{
	size_t hole = (size_t)(s - t->slots), i = hole;

	for (;;) {
		i = (i + 1) & t->mask;
		if (!t->slots[i].held)
			break;
		if (((i - t->slots[i].hash) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole].held = NULL;
	t->count--;
}

static void *next(const struct table *t, size_t *cursor)
{
	while (*cursor <= t->mask) {
		void *held = t->slots[(*cursor)++].held;

		if (held)
			return held;
	}
	return NULL;
}

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* SipHash-1-3: keys come from outside, so nobody may choose them to collide. */
static uint64_t hash_bytes(const struct table *t, const char *key, size_t n)
{
	uint64_t v[4] = {
		t->seed[0] ^ 0x736f6d6570736575, t->seed[1] ^ 0x646f72616e646f6d,
		t->seed[0] ^ 0x6c7967656e657261, t->seed[1] ^ 0x7465646279746573
	};
	uint64_t word;
	size_t left = n;

	for (; left >= sizeof word; left -= sizeof word, key += sizeof word) {
		memcpy(&word, key, sizeof word);
		sip_word(v, word);
	}
	word = 0;
	if (left)
		memcpy(&word, key, left);
	sip_word(v, word ^ (uint64_t)n << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_id(const struct table *t, uint64_t x)
{
	x ^= t->seed[0];
	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9;
	return x ^ x >> 32;
}

struct map *map_new(void)
{
	struct map *m = mem_alloc(sizeof *m);

	table_init(&m->table);
	return m;
}

void map_free(struct map *m)
{
	struct entry *e;
	size_t at = 0;

	if (!m)
		return;
	while ((e = next(&m->table, &at)))
		free(e);
	free(m->table.slots);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m->table.count;
}

void *map_get(const struct map *m, const char *key, size_t n)
{
	struct entry *e = find(&m->table, hash_bytes(&m->table, key, n), key, n)->held;

	return e ? e->value : NULL;
}

void *map_put(struct map *m, const char *key, size_t n, void *value)
{
	uint64_t hash = hash_bytes(&m->table, key, n);
	struct slot *s = find(&m->table, hash, key, n);
	struct entry *e = s->held;
	void *old = NULL;

	assert(value);
	if (e) {
		old = e->value;
	} else {
		e = mem_alloc(sizeof *e + n);
		e->n = n;
		if (n)
			memcpy(e->key, key, n);
		fill(&m->table, s, hash, e);
	}
	e->value = value;
	return old;
}

void *map_take(struct map *m, const char *key, size_t n)
{
	struct slot *s = find(&m->table, hash_bytes(&m->table, key, n), key, n);
	struct entry *e = s->held;
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	vacate(&m->table, s);
	free(e);
	return value;
}

void *map_next(const struct map *m, size_t *cursor)
{
	struct entry *e = next(&m->table, cursor);

	return e ? e->value : NULL;
}

struct idmap *idmap_new(void)
{
	struct idmap *m = mem_alloc(sizeof *m);

	table_init(&m->table);
	return m;
}

void idmap_free(struct idmap *m)
{
	if (!m)
		return;
	free(m->table.slots);
	free(m);
}

size_t idmap_count(const struct idmap *m)
{
	return m->table.count;
}

void *idmap_get(const struct idmap *m, uint64_t key)
{
	return find(&m->table, hash_id(&m->table, key), NULL, 0)->held;
}

void *idmap_put(struct idmap *m, uint64_t key, void *value)
{
	uint64_t hash = hash_id(&m->table, key);
	struct slot *s = find(&m->table, hash, NULL, 0);
	void *old = s->held;

	assert(value);
	if (old)
		s->held = value;
	else
		fill(&m->table, s, hash, value);
	return old;
}

void *idmap_take(struct idmap *m, uint64_t key)
{
	struct slot *s = find(&m->table, hash_id(&m->table, key), NULL, 0);
	void *value = s->held;

	if (value)
		vacate(&m->table, s);
	return value;
}

void *idmap_next(const struct idmap *m, size_t *cursor)
{
	return next(&m->table, cursor);
}
