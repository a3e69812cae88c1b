/* Whether a destination takes mail for an address. */
#include "base/text.h"
#include "daemon/control/control_private.h"

enum { LIMIT = 50 * 1000 };           /* ms: less than clients of HTTP mostly wait */

static void answer(void *arg, json_t *result, const char *why)
{
	if (result)
		http_reply_json(arg, 200, json_incref(result));
	else
		http_reply_error(arg, 400, "this is not an address: %s", why);
}

/* Answers the call and returns 0 if it is no good. */
static int64_t limit_of(const struct question *q)
{
	const char *text = http_call_query(q->call, "timeout");
	int64_t limit = LIMIT;

	if (!text || (text_duration(text_of(text), &limit) && limit > 0 && limit <= LIMIT))
		return limit;
	http_reply_error(q->call, 400, "timeout: '%s' is not a time of at most %d s", text, LIMIT / 1000);
	return 0;
}

void control_answer_verify(struct question *q)
{
	static const char *const also[] = { "name", "timeout", NULL };
	const char *address = question_name_among(q, also);
	int64_t limit = address ? limit_of(q) : 0;

	if (limit)
		queue_verify(q->control->queue, address, limit, answer, q->call);
}
