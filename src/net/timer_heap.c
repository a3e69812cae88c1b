#include "net/timer_heap.h"

#include <stdlib.h>

#include "base/mem.h"

static void put(struct timer_heap *h, size_t at, struct timer_slot *s)
{
	h->slots[at] = s;
	s->at = at;
}

static void sift_up(struct timer_heap *h, struct timer_slot *s)
{
	size_t at = s->at;

	while (at > 0 && h->slots[(at - 1) / 2]->due > s->due) {
		put(h, at, h->slots[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(h, at, s);
}

static void sift_down(struct timer_heap *h, struct timer_slot *s)
{
	size_t at = s->at;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < h->count && h->slots[child + 1]->due < h->slots[child]->due)
			child++;
		if (child >= h->count || h->slots[child]->due >= s->due)
			break;
		put(h, at, h->slots[child]);
		at = child;
	}
	put(h, at, s);
}

void timer_heap_set(struct timer_heap *h, struct timer_slot *s, int64_t due)
{
	if (s->set && s->due == due)
		return;
	s->due = due;
	if (!s->set) {
		if (h->count == h->room) {
			h->room = h->room ? 2 * h->room : 64;
			h->slots = mem_grow(h->slots, h->room, sizeof h->slots[0]);
		}
		put(h, h->count++, s);
		s->set = true;
	}
	sift_up(h, s);
	sift_down(h, s);
}

void timer_heap_remove(struct timer_heap *h, struct timer_slot *s)
{
	struct timer_slot *last;

	if (!s->set)
		return;
	s->set = false;
	last = h->slots[--h->count];
	if (last == s)
		return;
	put(h, s->at, last);
	sift_up(h, last);
	sift_down(h, last);
}

struct timer_slot *timer_heap_first(const struct timer_heap *h)
{
	return h->count ? h->slots[0] : NULL;
}

void timer_heap_release(struct timer_heap *h)
{
	free(h->slots);
	*h = (struct timer_heap){ 0 };
}
