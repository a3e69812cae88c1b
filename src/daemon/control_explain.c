/* Which way mail for an address takes. */
#include "daemon/control_private.h"

void control_answer_explain(struct question *q)
{
	const char *address = question_name(q), *why = NULL;
	json_t *way;

	if (!address)
		return;
	way = queue_explain(q->control->queue, address, &why);
	if (way)
		http_reply_json(q->call, 200, way);
	else
		http_reply_error(q->call, 400, "'%s' is not an address: %s", address, why);
}
