#include "queue/operator/orders.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/destination/lease.h"
#include "queue/message/unwritten.h"
#include "queue/operator/walk.h"
#include "queue/result/batch.h"
#include "queue/result/settle.h"

static bool is_held(const struct message *m)
{
	return m->state == MESSAGE_HELD || m->order == ORDER_HOLD;
}

bool order_applies(enum queue_order order, const struct message *m)
{
	if (m->order == ORDER_DELETE || (m->active && m->active->done))
		return false;
	switch (order) {
	case QUEUE_RETRY:
	case QUEUE_HOLD:
		return !is_held(m);
	case QUEUE_RELEASE:
		return is_held(m);
	default:
		return true;
	}
}

static void say(const struct message *m, const char *what)
{
	char id[QUEUE_ID_SIZE];

	log_line(LOG_LEVEL_INFO, "qmgr", queue_id_print(m->id, id), "%s", what);
}

/* Who has no connection yet does not get one. */
static void stop_attempt(struct queue *q, struct active *a)
{
	for (struct entry *e = a->entries; e; e = e->next) {
		destination_withdraw(e->destination, e);
		lease_recall_message(e->destination, a);
	}
	settle_check(q, a);
}

static void resume_attempt(struct active *a)
{
	if (active_phase(a) == ATTEMPT_ENDING || active_phase(a) == ATTEMPT_ROUTING)
		return;
	for (struct entry *e = a->entries; e; e = e->next)
		if (e->waiting)
			destination_enqueue(e->destination, e, false);
}

/* What waits on the disk obeys at once, all else when its attempt is over. */
static void obey(struct queue *q, struct message *m, enum message_order order)
{
	m->order = order;
	if (m->state == MESSAGE_ACTIVE)
		stop_attempt(q, m->active);
	else if (m->state != MESSAGE_LOADING)
		order_complete(q, m);
}

/* One that is in memory only would need its queue file first, and while the disk is full there is none. */
static bool is_under_way(const struct queue *q, const struct message *m)
{
	const struct active *a = m->active;
	struct spool_state spool;

	spool_state(q->spool, &spool);
	return m->state == MESSAGE_ACTIVE && m->order == ORDER_NONE && a->open && !waits_for(q->waits, a) &&
		!(a->unwritten && spool.intake_stopped);
}

void orders_route_anew(struct queue *q)
{
	struct message *m;
	size_t cursor = 0;

	while ((m = messages_each(q->messages, &cursor)))
		if (is_under_way(q, m))
			obey(q, m, ORDER_ROUTE);
}

struct deletion {
	struct batch_call committed;
	const struct queue *queue;
	uint64_t id;
};

static void deleted(void *arg)
{
	struct deletion *d = arg;
	char id[QUEUE_ID_SIZE];

	log_line(LOG_LEVEL_INFO, "qmgr", queue_id_print(d->id, id), "removed");
	event_deleted(d->queue, d->id);
	free(d);
}

/* The log, and programs that follow the message, are told when it is on the disk. */
static void tell_deletion(struct queue *q, uint64_t id)
{
	struct deletion *d = mem_alloc(sizeof *d);

	*d = (struct deletion){ .committed = { .fn = deleted, .arg = d }, .queue = q, .id = id };
	batch_add_told(q->batches, &d->committed);
}

void order_complete(struct queue *q, struct message *m)
{
	enum message_order order = m->order;

	m->order = ORDER_NONE;
	if (order == ORDER_ROUTE) {
		schedule_set(q->schedule, m, queue_now(q));
		return;
	}
	schedule_remove(q->schedule, m);
	batch_add_other(q->batches);
	if (order == ORDER_HOLD) {
		spool_hold(q->spool, m->id, true);
		messages_set_state(q->messages, m, MESSAGE_HELD);
		return;
	}
	spool_done(q->spool, m->id);
	tell_deletion(q, m->id);
	messages_remove(q->messages, m);
}

/* The journal knows at once of one whose attempt may go on for a while. */
void order_hold(struct queue *q, struct message *m)
{
	if (m->state == MESSAGE_ACTIVE)
		spool_hold(q->spool, m->id, true);
	if (m->active && m->active->unwritten)
		unwritten_write(q->unwritten, m->active);
	batch_add_other(q->batches);
	obey(q, m, ORDER_HOLD);
}

/* Who released it knows of the crashes: it is not held again before it has caused two more. */
static void forgive(struct queue *q, struct message *m)
{
	if (m->suspect <= 1)
		return;
	m->suspect = 1;
	spool_suspect(q->spool, m->id, 1);
}

static void release(struct queue *q, struct message *m)
{
	say(m, "released by the operator");
	spool_hold(q->spool, m->id, false);
	forgive(q, m);
	m->order = ORDER_NONE;
	if (m->state == MESSAGE_ACTIVE)
		resume_attempt(m->active);
	if (m->state != MESSAGE_HELD)
		return;
	messages_set_state(q->messages, m, m->attempts ? MESSAGE_DEFERRED : MESSAGE_INCOMING);
	schedule_set(q->schedule, m, queue_now(q));
}

void order_give(struct queue *q, enum queue_order order, struct message *m)
{
	switch (order) {
	case QUEUE_RETRY:
		if (m->heap_at)
			schedule_set(q->schedule, m, queue_now(q));
		break;
	case QUEUE_HOLD:
		say(m, "held by the operator");
		order_hold(q, m);
		break;
	case QUEUE_RELEASE:
		release(q, m);
		break;
	case QUEUE_DELETE:
		say(m, "deleted by the operator");
		obey(q, m, ORDER_DELETE);
	}
	queue_wake(q);
}

/* --- about many --- */

struct order_question {
	struct queue *queue;
	enum queue_order order;
	bool dry_run;
	struct batch_call committed;
	struct queue_order_answer answer;
	void (*done)(void *arg, const struct queue_order_answer *);
	void *arg;
};

static void order_one(void *arg, const struct walk_stop *s)
{
	struct order_question *o = arg;

	o->answer.found++;
	if (!order_applies(o->order, s->message))
		return;
	o->answer.changed++;
	if (!o->dry_run)
		order_give(o->queue, o->order, s->message);
}

static void answer(void *arg)
{
	struct order_question *o = arg;

	o->done(o->arg, &o->answer);
	free(o);
}

/* What is made due may wait for a destination that is believed dead: the operator may know better. */
static void ask_all_now(struct queue *q)
{
	struct destination *d;
	size_t cursor = 0;

	while ((d = destinations_each(q->destinations, &cursor)))
		health_ask_now(d);
}

/* The operator is told when it is on the disk. */
static void order_end(void *arg, size_t count)
{
	struct order_question *o = arg;

	if (o->dry_run || !count) {
		answer(o);
		return;
	}
	if (o->order == QUEUE_RETRY)
		ask_all_now(o->queue);
	o->committed = (struct batch_call){ .fn = answer, .arg = o };
	batch_add_call(o->queue->batches, &o->committed);
}

void queue_order(struct queue *q, enum queue_order order, uint64_t id, const struct queue_filter *filter,
	bool dry_run, void (*done)(void *arg, const struct queue_order_answer *), void *arg)
{
	struct order_question *o = mem_alloc(sizeof *o);

	*o = (struct order_question){ .queue = q, .order = order, .dry_run = dry_run, .done = done, .arg = arg };
	walk_begin(q, &(struct walk_order){
		.id = id, .filter = filter, .at = order_one, .end = order_end, .arg = o });
}
