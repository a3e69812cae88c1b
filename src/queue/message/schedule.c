#include "queue/message/schedule.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct schedule {
	struct message **heap;
	size_t count, room;
};

struct schedule *schedule_new(void)
{
	return mem_alloc(sizeof(struct schedule));
}

void schedule_free(struct schedule *s)
{
	if (!s)
		return;
	free(s->heap);
	free(s);
}

static bool earlier(const struct message *a, const struct message *b)
{
	return a->due < b->due || (a->due == b->due && a->id < b->id);
}

static void put(struct schedule *s, size_t at, struct message *m)
{
	s->heap[at] = m;
	m->heap_at = (uint32_t)at + 1;
}

static void rise(struct schedule *s, struct message *m)
{
	size_t at = m->heap_at - 1;

	for (; at > 0 && earlier(m, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		put(s, at, s->heap[(at - 1) / 2]);
	put(s, at, m);
}

static void sink(struct schedule *s, struct message *m)
{
	size_t at = m->heap_at - 1;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < s->count && earlier(s->heap[child + 1], s->heap[child]))
			child++;
		if (child >= s->count || !earlier(s->heap[child], m))
			break;
		put(s, at, s->heap[child]);
		at = child;
	}
	put(s, at, m);
}

/* Grows by an eighth: with doubling, half of the heap could be waste, and there is a promise about bytes a
 * message. */
static void add(struct schedule *s, struct message *m)
{
	assert(s->count < UINT32_MAX - 1);
	if (s->count == s->room) {
		s->room += s->room / 8 + 64;
		s->heap = mem_grow(s->heap, s->room, sizeof *s->heap);
	}
	put(s, s->count++, m);
}

void schedule_set(struct schedule *s, struct message *m, int64_t due)
{
	m->due = due;
	if (!m->heap_at)
		add(s, m);
	rise(s, m);
	sink(s, m);
}

void schedule_remove(struct schedule *s, struct message *m)
{
	struct message *last;

	if (!m->heap_at)
		return;
	last = s->heap[--s->count];
	if (last != m) {
		put(s, m->heap_at - 1, last);
		rise(s, last);
		sink(s, last);
	}
	m->heap_at = 0;
}

struct message *schedule_first(const struct schedule *s)
{
	return s->count ? s->heap[0] : NULL;
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
	if (value > most)
		value = most;
	return value < least ? least : value;
}

int64_t schedule_backoff(int64_t age, int64_t least, int64_t most, uint32_t random)
{
	int64_t wait = within(age, least, most), spread = wait / 10;

	if (wait <= least)
		wait += spread / 2;
	else if (wait >= most)
		wait -= spread / 2;
	if (spread)
		wait += (int64_t)(random % (uint64_t)spread) - spread / 2;
	return within(wait, least, most);
}

/* splitmix64: two shifts and two products are random enough to spread retries. */
uint32_t schedule_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (uint32_t)(x >> 32);
}
