#include "link/queue_end.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "link/marks.h"

/* A request that is out. */
struct slot {
	uint32_t number, destination, rcpts;
	uint32_t next_free;
	bool used;
};

struct queue_end {
	const struct link_events *events;
	void *arg;
	struct marks *marks;
	struct slot *slots;            /* LINK_SLOTS of them, touched from the front */
	uint32_t seen, first_free;     /* LINK_SLOTS: none free among those seen */
	struct idmap *by_number;       /* to struct slot */
};

struct queue_end *queue_end_new(const struct link_events *events, void *arg, int *marks_fd)
{
	struct queue_end *q = mem_alloc(sizeof *q);

	q->events = events;
	q->arg = arg;
	q->marks = marks_make(LINK_SLOTS, marks_fd);
	q->slots = mem_alloc(LINK_SLOTS * sizeof q->slots[0]);
	q->first_free = LINK_SLOTS;
	q->by_number = idmap_new();
	return q;
}

void queue_end_free(struct queue_end *q)
{
	if (!q)
		return;
	idmap_free(q->by_number);
	free(q->slots);
	marks_free(q->marks);
	free(q);
}

static uint32_t slot_number(const struct queue_end *q, const struct slot *s)
{
	return (uint32_t)(s - q->slots);
}

uint32_t queue_end_take(struct queue_end *q, const struct request *r)
{
	struct slot *s;

	if (q->first_free != LINK_SLOTS) {
		s = &q->slots[q->first_free];
		q->first_free = s->next_free;
	} else {
		assert(q->seen < LINK_SLOTS);
		s = &q->slots[q->seen++];
	}
	*s = (struct slot){ r->number, r->destination, (uint32_t)r->envelope->count, LINK_SLOTS, true };
	idmap_put(q->by_number, s->number, s);
	if (q->marks)
		marks_put(q->marks, slot_number(q, s), false);
	return slot_number(q, s);
}

static void slot_return(struct queue_end *q, struct slot *s)
{
	s->used = false;
	idmap_take(q->by_number, s->number);
	s->next_free = q->first_free;
	q->first_free = slot_number(q, s);
}

static struct slot *slot_of(struct queue_end *q, uint32_t number, struct unpack *u)
{
	struct slot *s = &q->slots[number];

	if (number < q->seen && s->used)
		return s;
	unpack_fail(u, "a request is not out");
	return NULL;
}

uint32_t queue_end_slot(const struct queue_end *q, uint32_t number)
{
	const struct slot *s = idmap_get(q->by_number, number);

	assert(s);
	return slot_number(q, s);
}

bool queue_end_marked(const struct queue_end *q, uint32_t number)
{
	const struct slot *s = idmap_get(q->by_number, number);

	return s && q->marks && marks_get(q->marks, slot_number(q, s));
}

static void hear_credit(struct queue_end *q, struct unpack *u)
{
	uint32_t more;

	unpack_u32(u, 0);
	more = unpack_u32(u, LINK_SLOTS);
	if (unpack_end(u))
		q->events->credit(q->arg, more);
}

static void hear_answer(struct queue_end *q, struct unpack *u)
{
	struct answer a;
	struct slot *s;

	if (!message_get_answer(u, &a) || !(s = slot_of(q, a.request, u)))
		return;
	if (a.rcpt >= s->rcpts) {
		unpack_fail(u, "an answer for a recipient that is not in the request");
		return;
	}
	a.request = s->number;
	q->events->answer(q->arg, &a);
}

/* The request to which that in slot s passes its connection; NULL, with a fault, if it cannot. */
static struct slot *heir_of(struct queue_end *q, const struct slot *s, uint32_t number, struct unpack *u)
{
	struct slot *heir = slot_of(q, number, u);

	if (!heir || (heir != s && heir->destination == s->destination))
		return heir;
	unpack_fail(u, "a connection is passed to another destination");
	return NULL;
}

static void hear_finish(struct queue_end *q, struct unpack *u)
{
	struct finish f;
	struct slot *s, *next = NULL;

	if (!message_get_finish(u, &f) || !(s = slot_of(q, f.request, u)))
		return;
	if (f.destination != s->destination) {
		unpack_fail(u, "a request ends at another destination");
		return;
	}
	if (f.connection == CONNECTION_PASSED && !(next = heir_of(q, s, f.next, u)))
		return;
	f.request = s->number;
	f.next = next ? next->number : 0;
	slot_return(q, s);
	q->events->finish(q->arg, &f);
}

static void hear_closed(struct queue_end *q, struct unpack *u)
{
	uint32_t destination = unpack_u32(u, UINT32_MAX), count = unpack_u32(u, LINK_SLOTS);

	if (unpack_end(u))
		q->events->closed(q->arg, destination, count);
}

static void hear_note(struct queue_end *q, struct unpack *u)
{
	uint32_t number = unpack_u32(u, LINK_SLOTS - 1);
	const char *text = unpack_line(u, LINK_FIELD_MAX);
	const struct slot *s;

	if (unpack_end(u) && text && (s = slot_of(q, number, u)))
		q->events->note(q->arg, s->number, text);
}

void queue_end_hear(struct queue_end *q, enum message_kind kind, struct unpack *u)
{
	switch (kind) {
	case MESSAGE_CREDIT:
		hear_credit(q, u);
		break;
	case MESSAGE_ANSWER:
		hear_answer(q, u);
		break;
	case MESSAGE_FINISH:
		hear_finish(q, u);
		break;
	case MESSAGE_CLOSED:
		hear_closed(q, u);
		break;
	case MESSAGE_NOTE:
		hear_note(q, u);
		break;
	default:
		unpack_fail(u, "it is not for the queue");
	}
}
