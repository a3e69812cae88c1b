/* Which way mail for an address takes. */
#include "daemon/control/control_private.h"

static void explained(void *arg, json_t *way)
{
	http_reply_json(arg, 200, json_incref(way));
}

void control_answer_explain(struct question *q)
{
	const char *address = question_name(q), *why = NULL;

	if (address && !queue_explain(q->control->queue, address, explained, q->call, &why))
		http_reply_error(q->call, 400, "'%s' is not an address: %s", address, why);
}
