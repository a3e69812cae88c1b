#include "queue/result/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/operator/metrics.h"
#include "queue/result/delivery_log.h"
#include "queue/result/settle.h"

#define SETTLED UINT32_MAX
#define TAKEN_BACK (UINT32_MAX - 1)
#define CALL (UINT32_MAX - 2)

struct item {
	union {
		struct active *active;
		struct wait *wait;    /* TAKEN_BACK */
		struct batch_call *call;   /* CALL */
	};
	uint32_t rcpt;                /* or one of the above */
};

struct batch {
	struct batches *all;
	struct batch *next;
	struct item *items;
	size_t count, room;
	struct batch_call *calls;
	int64_t asked;                /* for its commit; ms of the boot clock */
	bool needed;
	bool hurried;                 /* somebody waits for it */
};

struct batches {
	struct queue *queue;
	struct batch *open;
	struct batch *first, *last;   /* under way */
	struct batch *spare;
};

static struct batch *batch_new(struct batches *all)
{
	struct batch *b = all->spare;

	if (b) {
		all->spare = b->next;
		b->next = NULL;
		b->count = 0;
		b->calls = NULL;
		b->needed = b->hurried = false;
		return b;
	}
	b = mem_alloc(sizeof *b);
	b->all = all;
	return b;
}

static void free_chain(struct batch *b)
{
	struct batch *next;

	for (; b; b = next) {
		next = b->next;
		free(b->items);
		free(b);
	}
}

struct batches *batches_new(struct queue *q)
{
	struct batches *all = mem_alloc(sizeof *all);

	all->queue = q;
	all->open = batch_new(all);
	return all;
}

void batches_free(struct batches *all)
{
	if (!all)
		return;
	free_chain(all->open);
	free_chain(all->first);
	free_chain(all->spare);
	free(all);
}

static void add(struct batches *all, struct item item)
{
	struct batch *b = all->open;

	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->items = mem_grow(b->items, b->room, sizeof *b->items);
	}
	b->items[b->count++] = item;
	batch_add_other(all);
}

void batch_add_result(struct batches *all, struct active *a, uint32_t rcpt)
{
	add(all, (struct item){ .active = a, .rcpt = rcpt });
	all->open->hurried |= waits_for(all->queue->waits, a);
}

void batch_add_settled(struct batches *all, struct active *a)
{
	add(all, (struct item){ .active = a, .rcpt = SETTLED });
}

void batch_add_wait(struct batches *all, struct wait *w)
{
	add(all, (struct item){ .wait = w, .rcpt = TAKEN_BACK });
	all->open->hurried = true;
}

void batch_add_told(struct batches *all, struct batch_call *call)
{
	add(all, (struct item){ .call = call, .rcpt = CALL });
}

void batch_add_other(struct batches *all)
{
	all->open->needed = true;
	queue_wake(all->queue);
}

void batch_add_call(struct batches *all, struct batch_call *call)
{
	call->next = all->open->calls;
	all->open->calls = call;
	all->open->hurried = true;
	batch_add_other(all);
}

static void tell(struct batches *all, const struct item *i)
{
	if (i->rcpt == SETTLED) {
		settle_committed(all->queue, i->active);
		return;
	}
	if (i->rcpt == TAKEN_BACK) {
		waits_committed(i->wait);
		return;
	}
	if (i->rcpt == CALL) {
		i->call->fn(i->call->arg);
		return;
	}
	delivery_log(all->queue, i->active, i->rcpt);
	event_result(all->queue, i->active, i->rcpt);
	metrics_count(all->queue->metrics, all->queue, i->active, i->rcpt);
	waits_result(all->queue->waits, i->active, i->rcpt);
}

static void finish(struct batches *all, struct batch *b)
{
	struct batch_call *call, *next;

	for (size_t i = 0; i < b->count; i++)
		tell(all, &b->items[i]);
	for (call = b->calls; call; call = next) {
		next = call->next;
		call->fn(call->arg);
	}
	b->next = all->spare;
	all->spare = b;
}

/* What was asked for earlier is on the disk too, and is told first. */
static void committed(void *arg)
{
	struct batch *until = arg, *b;
	struct batches *all = until->all;

	do {
		b = all->first;
		assert(b);
		all->first = b->next;
		if (!all->first)
			all->last = NULL;
		finish(all, b);
	} while (b != until);
	queue_wake(all->queue);
}

void batches_commit(struct batches *all)
{
	struct batch *b = all->open;

	if (!b->needed)
		return;
	b->asked = queue_now(all->queue);
	if (all->last)
		all->last->next = b;
	else
		all->first = b;
	all->last = b;
	all->open = batch_new(all);
	spool_commit(all->queue->spool, committed, b);
	if (b->hurried)
		spool_hurry(all->queue->spool);
}

bool batches_idle(const struct batches *all)
{
	return !all->open->needed && !all->first;
}

int64_t batches_age(const struct batches *all)
{
	return all->first ? queue_now(all->queue) - all->first->asked : 0;
}
