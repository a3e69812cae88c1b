#include "queue/report/notice_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/report/notices.h"
#include "talk/manner.h"

static void tell(struct queue *q, const struct flight *f, enum notice_class class, const struct answer *a,
	const char *what)
{
	const struct destination *d = f->entry->destination;
	const char *protocol = d->protocol == PROTOCOL_LMTP ? "LMTP" : "SMTP";
	char *key = mem_fmt("%s %s", what, a->relay);
	char *subject = mem_fmt("Causeway %s client: %s %s", protocol, what, a->relay);
	const char *ahead = a->transcript ? "The conversation, without content:\n" : "";
	char *text = mem_fmt("%s %s, while message %s was being delivered.\nWhat became of it: %s\n%s", what,
		a->relay, f->active->name, a->verdict.text, ahead);

	notices_raise(q->notices, &(struct notice){
		.class = class, .key = key, .subject = subject, .text = text, .transcript = a->transcript });
	free(key);
	free(subject);
	free(text);
}

/* Something of ours could not be read. */
static bool is_data_error(const struct verdict *v)
{
	return v->outcome != OUTCOME_SENT && strcmp(v->dsn + 1, ".3.0") == 0 && !v->reply;
}

void notice_session(struct queue *q, struct flight *f, const struct answer *a)
{
	if (f->noticed || !*f->active->envelope->sender || !(a->transcript || is_data_error(&a->verdict)))
		return;
	f->noticed = true;
	if (a->transcript)
		tell(q, f, NOTICE_PROTOCOL, a, "errors from");
	else
		tell(q, f, NOTICE_DATA, a, "own data errors, talking to");
}
