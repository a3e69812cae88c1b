/* What the operator orders of a destination: it is in the journal, and so outlives the process. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "format/address/domain.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/destination/suspend.h"
#include "queue/operator/message_json.h"
#include "queue/queue.h"
#include "queue/result/batch.h"
#include "queue/route/route.h"

enum { SHOWN_MAX = 200, COMPLAINT_MAX = 1024 };

/* A name that somebody has written, and what it says. */
struct aim {
	const char *name, *nexthop;
	const struct settings_transport *transport;
};

/* --- what cannot be a destination --- */

static char *no_destination(const char *name, const char *complaint)
{
	char *clean = text_cleaned(name, SHOWN_MAX), *why;

	why = mem_fmt("'%s' is not a destination: %s", clean, complaint);
	free(clean);
	return why;
}

/* False and *why if there can be no destination of that name. */
static bool aim_at(const struct queue *q, const char *name, struct aim *aim, char **why)
{
	struct text nexthop = text_of(name), transport;
	char *word;

	if (!text_until(&nexthop, ':', &transport) || !nexthop.n || transport.n >= ROUTE_TRANSPORT_MAX ||
		nexthop.n >= ROUTE_NEXTHOP_MAX) {
		*why = no_destination(name, "it is written transport:nexthop, as in the list of destinations");
		return false;
	}
	word = mem_strn(transport.p, transport.n);
	*aim = (struct aim){ name, nexthop.p, settings_transport(q->settings, word) };
	if (!aim->transport)
		*why = settings_no_transport(q->settings, word);
	free(word);
	return aim->transport;
}

static const char *complaint_of_hosts(struct text list)
{
	const char *why = "it names no host";
	struct domain_nexthop ignored;
	struct text element;

	while (text_list_next(&list, &element)) {
		if (!domain_nexthop(element, &ignored, &why))
			return why;
		why = NULL;
	}
	return why;
}

/* What is wrong with a nexthop that no mail has had yet, or NULL. */
static const char *complaint_of(const struct aim *aim)
{
	struct text nexthop = text_of(aim->nexthop);

	if (aim->transport->manner->protocol == PROTOCOL_LMTP && domain_lmtp(&nexthop) == DOMAIN_LMTP_SOCKET)
		return domain_socket_complaint(nexthop);
	return complaint_of_hosts(nexthop);
}

static bool is_known(const struct queue *q, const struct aim *aim)
{
	return destinations_known(q->destinations, aim->transport->name, aim->nexthop);
}

/* As aim_at; what mail has already is a destination, whatever it looks like. */
static bool aim_well(const struct queue *q, const char *name, struct aim *aim, char **why)
{
	const char *complaint;

	if (!aim_at(q, name, aim, why))
		return false;
	complaint = is_known(q, aim) ? NULL : complaint_of(aim);
	if (complaint)
		*why = no_destination(name, complaint);
	return !complaint;
}

/* --- orders --- */

/* What the operator should know of a destination that may be a mistyped one; the name it was meant to be can
 * only be one of those that are there. */
static json_t *hint(const struct queue *q, const struct aim *aim, bool suspend)
{
	struct nearest *nearest = nearest_new(aim->name);
	const struct destination *d;
	size_t cursor = 0;
	struct buf out;
	json_t *text;

	while ((d = destinations_each(q->destinations, &cursor)))
		nearest_consider(nearest, d->name);
	buf_init(&out, COMPLAINT_MAX);
	buf_fmt(&out, "nothing has been sent there lately; it %s", suspend ? "is suspended from now on" :
		"was not suspended");
	nearest_print(nearest, &out);
	nearest_free(nearest);
	text = json_clean(buf_text(&out));
	buf_free(&out);
	return text;
}

struct suspension {
	struct batch_call committed;
	json_t *destination;
	void (*done)(void *arg, json_t *destination, const char *why);
	void *arg;
};

static void committed(void *arg)
{
	struct suspension *s = arg;

	s->done(s->arg, s->destination, NULL);
	json_decref(s->destination);
	free(s);
}

/* Returns what is told of the destination; the caller's. */
static json_t *carry_out(struct queue *q, const struct aim *aim, bool suspend)
{
	json_t *note = is_known(q, aim) ? NULL : hint(q, aim, suspend), *answer;
	struct destination *d = destinations_get(q->destinations, aim->transport->name, aim->nexthop);

	spool_suspend(q->spool, d->name, suspend);
	if (suspend)
		health_suspend(d);
	else
		health_resume(d);
	answer = destination_json(d);
	if (note)
		json_object_set_new(answer, "note", note);
	return answer;
}

void queue_suspend(struct queue *q, const char *destination, bool suspend,
	void (*done)(void *arg, json_t *destination, const char *why), void *arg)
{
	char *why = q->ready ? NULL : mem_str("the queue is still being read, try again in a moment");
	struct suspension *s;
	struct aim aim;

	if (why || !aim_well(q, destination, &aim, &why)) {
		done(arg, NULL, why);
		free(why);
		return;
	}
	s = mem_alloc(sizeof *s);
	*s = (struct suspension){ .destination = carry_out(q, &aim, suspend), .done = done, .arg = arg };
	s->committed = (struct batch_call){ .fn = committed, .arg = s };
	batch_add_call(q->batches, &s->committed);
	queue_wake(q);
}

void suspend_known(void *arg, const char *destination)
{
	struct queue *q = arg;
	char *why = NULL, *clean;
	struct aim aim;

	if (aim_at(q, destination, &aim, &why)) {
		health_suspend(destinations_get(q->destinations, aim.transport->name, aim.nexthop));
		return;
	}
	clean = text_cleaned(destination, SHOWN_MAX);
	log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
		"destination %s was suspended by the operator, but %s: that it was suspended is forgotten",
		clean, why);
	spool_suspend(q->spool, destination, false);
	free(clean);
	free(why);
}
