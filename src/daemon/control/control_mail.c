/* What the operator asks about messages. */
#include <string.h>

#include "daemon/control/control_private.h"

static void list_each(void *arg, json_t *message)
{
	http_array_add(arg, message);
}

static bool list_full(void *arg)
{
	return http_array_full(arg);
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
	queue_list(q->control->queue, &q->filter, list_each, list_full, list_end, q->call);
}

static void show_done(void *arg, json_t *message)
{
	if (message)
		http_reply_json(arg, 200, json_incref(message));
	else
		question_no_message(arg);
}

void control_answer_show(struct question *q)
{
	const char *content = http_call_query(q->call, "content");
	uint64_t id;

	if (question_id(q->call, q->tail, &id))
		queue_show(q->control->queue, id, content && strcmp(content, "0") != 0, show_done, q->call);
}
