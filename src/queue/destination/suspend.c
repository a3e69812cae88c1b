/* What the operator orders of a destination: it is in the journal, and so outlives the process. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/destination/health.h"
#include "queue/destination/suspend.h"
#include "queue/operator/message_json.h"
#include "queue/queue.h"
#include "queue/result/batch.h"
#include "queue/route/route.h"

enum { SHOWN_MAX = 200 };

/* The destination of that name, made if need be; NULL and *why if there can be none. */
static struct destination *named(struct queue *q, const char *name, char **why)
{
	struct text nexthop = text_of(name), transport;
	char *word, *clean;
	struct destination *d = NULL;

	if (!text_until(&nexthop, ':', &transport) || !nexthop.n || transport.n >= ROUTE_TRANSPORT_MAX ||
		nexthop.n >= ROUTE_NEXTHOP_MAX) {
		clean = text_cleaned(name, SHOWN_MAX);
		*why = mem_fmt("'%s' is not a destination: it is written transport:nexthop, as in the list of "
			"destinations", clean);
		free(clean);
		return NULL;
	}
	word = mem_strn(transport.p, transport.n);
	if (settings_transport(q->settings, word))
		d = destinations_get(q->destinations, word, nexthop.p);
	else
		*why = mem_fmt("there is no transport '%s'", word);
	free(word);
	return d;
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

static void order(struct queue *q, struct destination *d, bool suspend)
{
	spool_suspend(q->spool, d->name, suspend);
	if (suspend)
		health_suspend(d);
	else
		health_resume(d);
}

void queue_suspend(struct queue *q, const char *destination, bool suspend,
	void (*done)(void *arg, json_t *destination, const char *why), void *arg)
{
	char *why = q->ready ? NULL : mem_str("the queue is still being read, try again in a moment");
	struct destination *d = why ? NULL : named(q, destination, &why);
	struct suspension *s;

	if (!d) {
		done(arg, NULL, why);
		free(why);
		return;
	}
	order(q, d, suspend);
	s = mem_alloc(sizeof *s);
	*s = (struct suspension){ .destination = destination_json(d), .done = done, .arg = arg };
	s->committed = (struct batch_call){ .fn = committed, .arg = s };
	batch_add_call(q->batches, &s->committed);
	queue_wake(q);
}

void suspend_known(void *arg, const char *destination)
{
	struct queue *q = arg;
	char *why = NULL, *clean;
	struct destination *d = named(q, destination, &why);

	if (d) {
		health_suspend(d);
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
