/* What the operator orders: about messages, and about destinations. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/control/control_private.h"

/* --- messages --- */

static void many_done(void *arg, const struct queue_order_answer *a)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "messages", json_integer((json_int_t)a->changed));
	json_object_set_new(o, "found", json_integer((json_int_t)a->found));
	http_reply_json(arg, 200, o);
}

static void one_done(void *arg, const struct queue_order_answer *a)
{
	if (a->found > 0)
		many_done(arg, a);
	else
		question_no_message(arg);
}

static void give(struct question *q, enum queue_order order)
{
	const char *id_text = http_call_query(q->call, "id"), *dry = http_call_query(q->call, "dry_run");
	bool all = http_call_query(q->call, "all"), dry_run = dry && strcmp(dry, "0") != 0;
	struct queue *queue = q->control->queue;
	uint64_t id;

	if (!question_selectors(q))
		return;
	if ((id_text != NULL) + all + q->selects != 1)
		http_reply_error(q->call, 400,
			"say which messages: id=…, all=1, or selectors (state to from older reason)");
	else if (!id_text)
		queue_order(queue, order, 0, &q->filter, dry_run, many_done, q->call);
	else if (question_id(q->call, id_text, &id))
		queue_order(queue, order, id, &q->filter, dry_run, one_done, q->call);
}

void control_answer_retry(struct question *q)
{
	give(q, QUEUE_RETRY);
}

void control_answer_hold(struct question *q)
{
	give(q, QUEUE_HOLD);
}

void control_answer_release(struct question *q)
{
	give(q, QUEUE_RELEASE);
}

void control_answer_delete(struct question *q)
{
	give(q, QUEUE_DELETE);
}

/* --- destinations --- */

static void suspend_done(void *arg, json_t *destination, const char *why)
{
	if (destination)
		http_reply_json(arg, 200, json_incref(destination));
	else
		http_reply_error(arg, 404, "%s", why);
}

static void suspend(struct question *q, bool suspended)
{
	const char *name = question_name(q);

	if (name)
		queue_suspend(q->control->queue, name, suspended, suspend_done, q->call);
}

void control_answer_suspend(struct question *q)
{
	suspend(q, true);
}

void control_answer_resume(struct question *q)
{
	suspend(q, false);
}
