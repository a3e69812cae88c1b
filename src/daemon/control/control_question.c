#include "daemon/control/control_question.h"

#include <string.h>

#include "base/text.h"
#include "format/journal/queue_id.h"
#include "queue/message/message.h"

static bool read_state(struct question *q, const char *state)
{
	q->filter.state = state;
	return !state || message_state_is_known(state);
}

/* An empty text is found in everything, which nobody means to act on; an empty sender is the null sender. */
static bool read_texts(struct question *q)
{
	struct queue_filter *f = &q->filter;

	f->to = http_call_query(q->call, "to");
	f->from = http_call_query(q->call, "from");
	f->reason = http_call_query(q->call, "reason");
	if (f->from && !*f->from)
		f->from = "<>";
	return !(f->to && !*f->to) && !(f->reason && !*f->reason);
}

bool question_selectors(struct question *q)
{
	static const char *const known[] = { "state", "to", "from", "older", "reason", "all", "id",
		"dry_run", NULL };
	const char *unknown = http_call_unknown(q->call, known), *older = http_call_query(q->call, "older");

	if (unknown) {
		http_reply_error(q->call, 400, "there is no parameter '%s' here", unknown);
		return false;
	}
	if (!read_texts(q)) {
		http_reply_error(q->call, 400, "to, reason: need a text to look for");
		return false;
	}
	if (!read_state(q, http_call_query(q->call, "state"))) {
		http_reply_error(q->call, 400, "state: '%s' is not active, deferred, held or incoming",
			q->filter.state);
		return false;
	}
	if (older && !text_duration(text_of(older), &q->filter.older)) {
		http_reply_error(q->call, 400, "older: '%s' is not a time (use ms s m h d w)", older);
		return false;
	}
	q->selects = q->filter.state || q->filter.to || q->filter.from || q->filter.reason || older;
	return true;
}

bool question_id(struct http_call *call, const char *text, uint64_t *id)
{
	/* to the queue 0 means all messages */
	if (queue_id_parse(text, strlen(text), id) && *id != 0)
		return true;
	http_reply_error(call, 400, "'%s' is not the id of a message", text);
	return false;
}

const char *question_name_among(const struct question *q, const char *const *known)
{
	const char *unknown = http_call_unknown(q->call, known), *name = http_call_query(q->call, "name");

	if (!unknown && name && *name)
		return name;
	if (unknown)
		http_reply_error(q->call, 400, "there is no parameter '%s' here", unknown);
	else
		http_reply_error(q->call, 400, "say which: name=…");
	return NULL;
}

const char *question_name(const struct question *q)
{
	static const char *const known[] = { "name", NULL };

	return question_name_among(q, known);
}

void question_no_message(struct http_call *call)
{
	http_reply_error(call, 404, "there is no such message in the queue: it may have been delivered");
}
