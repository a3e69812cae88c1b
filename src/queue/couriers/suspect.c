#include "queue/couriers/suspect.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/destination/dispatch.h"
#include "queue/destination/health.h"
#include "queue/message/unwritten.h"
#include "queue/report/notices.h"
#include "queue/result/batch.h"
#include "queue/result/settle.h"

enum {
	GUILTY = 3,                   /* there when a courier crashed, and then alone in two */
	ASK_AGAIN = 30 * 1000         /* ms after which a courier that was asked for does not come any more */
};

struct suspects {
	struct queue *queue;
	struct list line;             /* of entries */
	size_t count;
	bool asked;
	int64_t asked_at;             /* for a courier; ms of the boot clock */
};

struct suspects *suspects_new(struct queue *q)
{
	struct suspects *s = mem_alloc(sizeof *s);

	s->queue = q;
	list_init(&s->line);
	return s;
}

void suspects_free(struct suspects *s)
{
	free(s);
}

/* --- the count --- */

static void set_count(struct queue *q, struct active *a, unsigned count)
{
	a->message->suspect = count & MESSAGE_SUSPECT_MAX;
	spool_suspect(q->spool, a->message->id, count);
	batch_add_other(q->batches);
	if (a->unwritten)
		unwritten_write(q->unwritten, a);
}

/* What waits in lines with others, or would. */
static void set_apart(struct active *a)
{
	for (struct entry *e = a->entries; e; e = e->next) {
		if (list_empty(&e->in_line) || e->apart)
			continue;
		destination_withdraw(e->destination, e);
		destination_enqueue(e->destination, e, false);
	}
}

static void tell_held(struct queue *q, const struct active *a)
{
	char *text = mem_fmt("Message %s from <%s> has made two couriers crash that had nothing else to do. It "
		"is held; all other mail goes on.\nLook at it with causewayctl show %s, then release or delete it, "
		"and please report what the log says about the crash.\n",
		a->name, a->envelope->sender, a->name);

	notices_raise(q->notices, &(struct notice){ .class = NOTICE_SOFTWARE, .key = a->name,
		.subject = "a message makes couriers crash, and is held", .text = text });
	free(text);
}

bool suspect_crashed(struct queue *q, struct active *a, const struct courier *c)
{
	const struct message *m = a->message;

	if (c->apart && m->suspect < MESSAGE_SUSPECT_MAX)
		set_count(q, a, m->suspect + 1u);
	else if (!m->suspect)
		set_count(q, a, 1);
	set_apart(a);
	if (!c->apart || m->suspect < GUILTY)
		return false;
	log_line(LOG_LEVEL_WARNING, "qmgr", a->name,
		"this message has made two couriers crash that had nothing else to do: it is held; "
		"look at it, then release or delete it");
	tell_held(q, a);
	return true;
}

void suspect_survived(struct queue *q, struct active *a, const struct courier *c)
{
	if (c->apart && a->message->suspect)
		set_count(q, a, 0);
}

/* --- the line --- */

void suspects_enqueue(struct suspects *s, struct entry *e, bool front)
{
	if (front)
		list_prepend(&s->line, &e->in_line);
	else
		list_append(&s->line, &e->in_line);
	e->apart = true;
	s->count++;
	queue_wake(s->queue);
}

void suspects_withdraw(struct suspects *s, struct entry *e)
{
	list_remove(&e->in_line);
	e->apart = false;
	s->count--;
}

static void ask(struct suspects *s)
{
	int64_t now = queue_now(s->queue);

	if (s->asked && now - s->asked_at < ASK_AGAIN)
		return;
	s->asked = true;
	s->asked_at = now;
	queue_start_apart(s->queue);
}

/* False if it has to wait; what waits for a sign of life may leave memory then, or be over for the moment. */
static bool try(struct suspects *s, struct courier *c, struct entry *e)
{
	struct queue *q = s->queue;
	struct destination *d = e->destination;

	if (destination_has_room(d, queue_now(q)) && couriers_choose(q->couriers, d, true) == c) {
		dispatch_send(q, e, c, false);
		return true;
	}
	list_remove(&e->in_line);
	list_append(&s->line, &e->in_line);
	if (health_stalls(d))
		settle_check(q, e->active);
	return false;
}

void suspects_turn(struct suspects *s)
{
	struct courier *c = couriers_apart(s->queue->couriers);
	struct list *first;

	if (c)
		s->asked = false;
	if (s->count && !c)
		ask(s);
	if (!c || c->flying || !c->credit)
		return;
	if (!s->count)
		courier_retire(c);
	for (size_t left = s->count; left && (first = list_first(&s->line)); left--)
		if (try(s, c, LIST_OF(first, struct entry, in_line)))
			break;
	couriers_flush(s->queue->couriers);
}
