/* The timers of a loop as a heap, the earliest in front; adding, moving and removing cost O(log n). For
 * loop.c only. */
#ifndef CAUSEWAY_NET_TIMER_HEAP_H
#define CAUSEWAY_NET_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in its timer. */
struct timer_slot {
	int64_t due;
	size_t at;           /* place in the heap */
	bool set;            /* it is in the heap */
};

/* All zero is an empty heap. */
struct timer_heap {
	struct timer_slot **slots;
	size_t count, room;
};

void timer_heap_set(struct timer_heap *, struct timer_slot *, int64_t due);   /* adds or moves */
void timer_heap_remove(struct timer_heap *, struct timer_slot *);             /* harmless if it is not in */
struct timer_slot *timer_heap_first(const struct timer_heap *);               /* NULL: empty */
void timer_heap_release(struct timer_heap *);

#endif
