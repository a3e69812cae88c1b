#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/destination.h"

/* Takes the room in front first, then grows by an eighth: see the promise about bytes a message in queue/message.h. */
static void make_room(struct parking *p)
{
	if (p->head > p->room / 4) {
		memmove(p->ids, p->ids + p->head, (p->end - p->head) * sizeof *p->ids);
		p->end -= p->head;
		p->head = 0;
		return;
	}
	p->room += p->room / 8 + 64;
	p->ids = mem_grow(p->ids, p->room, sizeof *p->ids);
}

void parking_add(struct parking *p, uint64_t id)
{
	if (p->end == p->room)
		make_room(p);
	p->ids[p->end++] = id;
}

bool parking_take(struct parking *p, uint64_t *id)
{
	if (p->head == p->end)
		return false;
	*id = p->ids[p->head++];
	if (p->head == p->end)
		parking_free(p);
	return true;
}

size_t parking_count(const struct parking *p)
{
	return p->end - p->head;
}

void parking_free(struct parking *p)
{
	free(p->ids);
	*p = (struct parking){ 0 };
}
