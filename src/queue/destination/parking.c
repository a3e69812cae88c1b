#include "queue/destination/parking.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/destination/health.h"

/* Takes the room in front first, then grows by an eighth: see the promise about bytes a message in
 * queue/message/message.h. */
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

void parking_park(struct destination *d, struct entry *e)
{
	struct message *m = e->active->message;
	bool is_known = m->parked && !e->active->entries->next;

	e->active->parked = true;
	if (e->parked || is_known)
		return;
	e->parked = true;
	m->parked = 1;
	parking_add(&d->parking, m->id);
	if (!d->health.dead)
		destination_crowded(d);
}

void parking_adopt(struct destination *d, struct parking *failed)
{
	uint64_t id;

	while (parking_take(failed, &id)) {
		struct message *m = messages_find(d->queue->messages, id);

		if (!m)
			continue;
		m->parked = 1;
		if (m->active)
			m->active->parked = true;
		parking_add(&d->parking, id);
	}
}

/* False if it is under way: then its attempt's end makes it due, or it comes back here by itself. */
static bool make_due(struct queue *q, struct message *m)
{
	m->parked = 0;
	m->called = 1;
	if (m->active && m->active->parked)
		m->active->wake = true;
	if (!m->heap_at)
		return false;
	schedule_set(q->schedule, m, queue_now(q));
	queue_wake(q);
	return true;
}

static size_t call(struct destination *d, size_t max)
{
	struct queue *q = d->queue;
	size_t count = 0;
	uint64_t id;

	while (count < max && parking_take(&d->parking, &id)) {
		struct message *m = messages_find(q->messages, id);

		if (m && m->parked)
			count += make_due(q, m);
	}
	return count;
}

size_t parking_call(struct destination *d, size_t max)
{
	return d->health.suspended ? 0 : call(d, max);
}

void parking_call_elsewhere(struct destination *d)
{
	call(d, SIZE_MAX);
}

/* Active messages that there is room for yet. */
static size_t room(const struct queue *q)
{
	size_t active = messages_in(q->messages, MESSAGE_ACTIVE) + q->loading;

	return active < q->active_limit ? q->active_limit - active : 0;
}

/* No line may be longer than the room that is left: so however many destinations are slow, some room remains
 * for those that are not. One may always be in line: it may be sent off in this very turn. */
static bool is_crowded(const struct destination *d)
{
	return d->in_line > room(d->queue) + 1;
}

/* Who was called to a living destination stays, or it would be called again and again. */
bool parking_wanted(const struct destination *d, const struct message *m)
{
	if (d->health.suspended)
		return true;
	if (d->health.dead)
		return !d->health.probe_wanted && (health_is_long_dead(d) || is_crowded(d));
	return !m->called && is_crowded(d);
}

/* Some more once the line is short, but never the last eighth of all room: that is for others. */
void parking_refill(struct destination *d)
{
	size_t space = room(d->queue), reserve = d->queue->active_limit / 8 + 1;

	space = space > reserve ? space - reserve : 0;
	if (d->in_line < (space + 3) / 4)
		parking_call(d, (space + 1) / 2 - d->in_line);
}
