/* What the operator asks about messages. */
#include <string.h>

#include "base/mem.h"
#include "daemon/control_private.h"

static void list_each(void *arg, json_t *message)
{
	http_array_add(arg, message);
}

static void list_end(void *arg)
{
	http_array_end(arg);
}

void control_answer_list(struct question *q)
{
	if (!question_selectors(q))
		return;
	http_array_begin(q->call);
	queue_list(q->control->queue, &q->filter, list_each, list_end, q->call);
}

static void show_done(void *arg, json_t *message)
{
	if (message)
		http_reply_json(arg, 200, json_incref(message));
	else
		http_reply_error(arg, 404,
			"there is no such message in the queue: it may have been delivered");
}

void control_answer_show(struct question *q)
{
	const char *content = http_call_query(q->call, "content");
	uint64_t id;

	if (question_id(q->call, q->tail, &id))
		queue_show(q->control->queue, id, content && strcmp(content, "0") != 0, show_done, q->call);
}

static void retry_done(void *arg, size_t count)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "messages", json_integer((json_int_t)count));
	http_reply_json(arg, 200, o);
}

static void retry_one_done(void *arg, size_t count)
{
	if (count > 0)
		retry_done(arg, count);
	else
		show_done(arg, NULL);
}

void control_answer_retry(struct question *q)
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
		queue_retry(queue, 0, &q->filter, dry_run, retry_done, q->call);
	else if (question_id(q->call, id_text, &id))
		queue_retry(queue, id, &q->filter, dry_run, retry_one_done, q->call);
}
