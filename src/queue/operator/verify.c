#include "queue/operator/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "queue/core.h"
#include "queue/couriers/couriers.h"
#include "queue/destination/health.h"
#include "queue/result/delivery_log.h"
#include "queue/result/judge.h"
#include "queue/route/router.h"

enum { NOTES_MAX = 50 };

struct verifications {
	struct queue *queue;
	struct list all;
};

struct verification {
	struct list of_all;
	struct message message;       /* stands for it; nobody finds it by its id */
	struct active *active;
	int64_t began;                /* ms of the boot clock */
	struct loop_timer *limit;
	struct loop_task over;        /* nothing can come any more: it may go */
	json_t *notes;
	void (*done)(void *arg, json_t *result, const char *why);   /* NULL: has been called */
	void *arg;
};

struct verifications *verifications_new(struct queue *q)
{
	struct verifications *all = mem_alloc(sizeof *all);

	all->queue = q;
	list_init(&all->all);
	return all;
}

static void verification_free(struct verification *v)
{
	loop_cancel(v->active->queue->loop, &v->over);
	loop_timer_free(v->limit);
	list_remove(&v->of_all);
	active_free(v->active);
	json_decref(v->notes);
	free(v);
}

void verifications_free(struct verifications *all)
{
	if (!all)
		return;
	LIST_EACH(l, &all->all)
		verification_free(LIST_OF(l, struct verification, of_all));
	free(all);
}

static void over(void *arg)
{
	verification_free(arg);
}

/* --- the answer --- */

static const struct destination *destination_of(const struct verification *v)
{
	return v->active->entries ? v->active->entries->destination : NULL;
}

static void answer(struct verification *v, const char *status, const char *dsn, const char *relay,
	const char *text)
{
	const struct destination *d = destination_of(v);
	struct queue *q = v->active->queue;
	json_t *o;

	if (!v->done)
		return;
	o = json_object();
	json_object_set_new(o, "id", json_string(v->active->name));
	json_object_set_new(o, "address", json_clean(v->active->envelope->rcpts[0].address));
	json_object_set_new(o, "status", json_string(status));
	json_object_set_new(o, "dsn", json_clean(dsn));
	json_object_set_new(o, "text", json_clean(text));
	json_object_set_new(o, "relay", json_clean(relay));
	json_object_set_new(o, "destination", d ? json_clean(d->name) : json_null());
	json_object_set_new(o, "seconds", json_real((double)(queue_now(q) - v->began) / 1000));
	json_object_set(o, "notes", v->notes);
	v->done(v->arg, o, NULL);
	v->done = NULL;
	loop_timer_stop(v->limit);
	json_decref(o);
}

void verify_judged(struct active *a)
{
	const struct note *n = a->rcpts[0].note;

	delivery_log(a->queue, a, 0);
	answer(a->verification, note_status(n), n->dsn, n->relay, n->text);
}

void verify_note(struct active *a, const char *text)
{
	if (json_array_size(a->verification->notes) < NOTES_MAX)
		json_array_append_new(a->verification->notes, json_clean(text));
}

/* --- where it is --- */

/* One that is dead is asked by this: the operator wants to know now. Ahead of the line, since whoever is
 * first there will ask. */
static void ask_dead(struct entry *e)
{
	struct destination *d = e->destination;

	if (!d->health.dead || d->health.probing || !e->waiting)
		return;
	destination_withdraw(d, e);
	destination_enqueue(d, e, true);
	health_ask_front(d);
}

void verify_check(struct active *a)
{
	struct verification *v = a->verification;
	struct entry *e = a->entries;

	if (active_phase(a) != ATTEMPT_WAITING)
		return;
	if (e && e->waiting && (e->destination->health.suspended || !v->done))
		judge_waiting(a->queue, a, "4.3.2", "the destination is suspended by the operator; nobody was asked");
	if (a->open == 0)
		loop_later(a->queue->loop, &v->over);
	else if (e)
		ask_dead(e);
}

/* What it has been waiting for all the time. */
static char *obstacle(const struct verification *v)
{
	const struct destination *d = destination_of(v);

	if (!d)
		return mem_str("its way is still being looked for");
	if (v->active->flights)
		return mem_fmt("%s is being asked, and has not answered yet", d->name);
	if (d->health.dead)
		return mem_fmt("%s cannot be reached (%s), and is just being asked again", d->name, d->health.reason);
	if (!couriers_have_credit(d->queue->couriers))
		return mem_str("no courier takes requests");
	if (d->pause_until > queue_now(d->queue))
		return mem_fmt("%s is asked at intervals, and it was not its turn", d->name);
	return mem_fmt("no connection to %s is free: %u of %u are busy", d->name, d->busy, d->rules.limit);
}

static void give_up(struct verification *v, const char *reason)
{
	struct active *a = v->active;
	char *where = obstacle(v), *text = mem_fmt("%s: %s", reason, where);

	if (active_phase(a) == ATTEMPT_WAITING && a->open)
		judge_waiting(a->queue, a, "4.4.7", text);
	else
		answer(v, "deferred", "4.4.7", "none", text);
	verify_check(a);
	free(text);
	free(where);
}

static void time_over(void *arg)
{
	give_up(arg, "no answer within the time limit");
}

void verifications_end(struct verifications *all)
{
	LIST_EACH(l, &all->all)
		give_up(LIST_OF(l, struct verification, of_all), "the daemon stops");
}

/* --- asking --- */

/* From the null sender: such a question must not be answered by mail (RFC 5321 4.5.5). */
static struct envelope *envelope_for(const char *address)
{
	struct envelope *e = envelope_new();

	free(e->sender);
	e->sender = mem_str("");
	envelope_add(e, address, NULL, 0);
	return e;
}

static struct verification *verification_new(struct queue *q, const char *address)
{
	struct verification *v = mem_alloc(sizeof *v);
	struct spool_message none = { .envelope = envelope_for(address), .fd = -1 };

	v->message.id = spool_new_id(q->spool);
	v->message.arrived = v->began = queue_now(q);
	v->active = active_new(q, &v->message, &none);
	v->active->verification = v;
	v->limit = loop_timer_new(q->loop, time_over, v);
	v->over = (struct loop_task){ .fn = over, .arg = v };
	v->notes = json_array();
	list_append(&q->verifications->all, &v->of_all);
	return v;
}

void queue_verify(struct queue *q, const char *address, int64_t limit,
	void (*done)(void *arg, json_t *result, const char *why), void *arg)
{
	struct verification *v;
	const char *why;

	if (!address_check(text_of(address), &why)) {
		done(arg, NULL, why);
		return;
	}
	v = verification_new(q, address);
	v->done = done;
	v->arg = arg;
	loop_timer_set(v->limit, limit);
	router_ask(q->router, v->active);
}
