#include "courier/delivery/delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/content/forwarding.h"
#include "courier/content/generic.h"
#include "courier/delivery/delivery_private.h"

static void delivery_free(struct delivery *d)
{
	list_remove(&d->in);
	list_remove(&d->ahead);
	d->tools->running_count--;
	if (d->phase != FOLLOWING)
		session_free(d->session);
	dane_cancel(d->dane);
	free(d->tls_peer);
	hosts_free(d->hosts);
	if (d->fd >= 0)
		close(d->fd);
	tally_free(d->tally);
	envelope_free(d->outside);
	free(d->part.rcpts);
	free(d->site_reason);
	free(d->asked);
	request_free(d->request);
	free(d);
}

void delivery_free_all(struct delivery_tools *t)
{
	LIST_EACH(at, &t->running)
		delivery_free(LIST_OF(at, struct delivery, in));
}

/* The end. */

/* A destination is busy or dead only if somebody really has to wait for it, and if no host of it has
 * served. */
void delivery_finish(struct delivery *d, enum connection connection, uint32_t next)
{
	struct delivery_tools *t = d->tools;
	bool fine = d->served || tally_deferred(d->tally) == 0;
	struct finish f = {
		.request = d->request->number, .destination = d->request->destination,
		.took_idle = d->took_idle, .connection = connection, .next = next,
		.site = fine ? SITE_FINE : d->site, .reason = fine ? NULL : d->site_reason,
		.served = d->served, .tls = d->tls_peer,
	};

	assert(tally_left(d->tally) == 0);
	if (!fine)
		memcpy(f.dsn, tally_deferred_dsn(d->tally), sizeof f.dsn);
	link_send_finish(t->link, &f);
	delivery_free(d);
	t->over(t->arg);
}

/* Over a connection that has served before; one that was passed on but serves other senders makes room for
 * another. */
static void go_on(struct delivery *d, struct session *s)
{
	session_give(s, &delivery_events, d);
	if (!session_serves(s, d->request->envelope->sender, d->request->tls_wanted)) {
		session_drop(s);
		delivery_next_host(d);
		return;
	}
	d->session = s;
	d->reused = true;
	delivery_begin(d, session_is_only(s));
}

/* To the request that has waited longest for a connection of this destination, else to the pool. */
static void hand_on(struct delivery *d)
{
	struct delivery_tools *t = d->tools;
	struct session *s = d->session;
	struct list *first = ahead_take(t->ahead, d->request->destination);
	struct delivery *next = first ? LIST_OF(first, struct delivery, ahead) : NULL;

	d->session = NULL;
	if (!next)
		pool_put(t->pool, d->request->destination, s, d->transport->idle_time);
	delivery_finish(d, next ? CONNECTION_PASSED : CONNECTION_KEPT, next ? next->request->number : 0);
	if (next)
		go_on(next, s);
}

/* A connection that is not kept is closed before the request is over, since its lease is given back with
 * it. */
void delivery_end(struct delivery *d)
{
	struct session *s = d->session;

	if (s && session_reusable(s) && transport_keeps(d->transport, d->request->nexthop)) {
		hand_on(d);
	} else if (s && session_state(s) == SESSION_IDLE) {
		d->phase = PARTING;
		session_quit(s);
	} else {
		delivery_finish(d, CONNECTION_CLOSED, 0);
	}
}

void delivery_give_back(struct delivery *d)
{
	struct delivery_tools *t = d->tools;
	struct finish f = { .request = d->request->number, .destination = d->request->destination,
		.untried = true,
		.site = SITE_FINE };

	link_send_finish(t->link, &f);
	delivery_free(d);
	t->over(t->arg);
}

/* Beginning. */

/* A reason of ours not to try at all. */
static void refuse(struct delivery *d, const char *dsn, const char *text)
{
	delivery_set_reason(d, STAGE_LOCAL, dsn, text);
	tally_answer_left(d->tally, NULL);
	delivery_finish(d, CONNECTION_CLOSED, 0);
}

/* NULL, or why this request is not carried out. */
static const char *obstacle(struct delivery *d, const char **dsn)
{
	const struct transport *t = transports_find(d->tools->transports, d->request->transport);
	const char *why;

	*dsn = "4.3.5";
	if (!t)
		return "the configuration names no such transport (any more)";
	d->transport = t;
	*dsn = "4.3.0";
	if (t->generic) {
		d->outside = generic_envelope(t->generic, d->request->envelope, &why);
		if (!d->outside)
			return why;
	}
	*dsn = "5.4.6";
	if (forwarding_loops(d->request, (d->outside ? d->outside : d->request->envelope)->rcpts[0].address,
		d->fd))
		return "mail forwarding loop: the message was delivered to this recipient before";
	return NULL;
}

static void set_off(struct delivery *d)
{
	struct session *idle = pool_take(d->tools->pool, d->request->destination, d->request->envelope->sender,
		d->request->tls_wanted);

	d->took_idle = idle != NULL;
	if (idle)
		go_on(d, idle);
	else
		delivery_next_host(d);
}

/* One that came ahead may follow at once where the replies to a content are awaited. */
static void offer(struct delivery_tools *t, const struct delivery *waiting)
{
	if (!waiting->transport->manner->pipeline_transactions)
		return;
	LIST_EACH(at, &t->running) {
		struct delivery *d = LIST_OF(at, struct delivery, in);

		if (waiting->phase != WAITING)
			return;
		if (d->phase == TRYING && d->request->destination == waiting->request->destination)
			session_offer(d->session);
	}
}

static void await(struct delivery *d)
{
	ahead_put(d->tools->ahead, d->request->destination, &d->ahead);
	offer(d->tools, d);
}

/* What XFORWARD says of a message that was dropped here. */
static struct xforward client_of(const struct request *r)
{
	static char local[] = "LOCAL";
	struct xforward client = r->client;

	client.ident = client.ident ? client.ident : r->queue_id;
	client.source = client.source ? client.source : local;
	return client;
}

void delivery_start(struct delivery_tools *t, struct request *r, int fd)
{
	struct delivery *d = mem_alloc(sizeof *d);
	const char *dsn, *why;

	d->tools = t;
	d->request = r;
	d->fd = fd;
	d->client = client_of(r);
	d->tally = tally_new(t->link, r);
	list_init(&d->ahead);
	list_append(&t->running, &d->in);
	t->running_count++;
	why = obstacle(d, &dsn);
	if (why)
		refuse(d, dsn, why);
	else if (r->ahead)
		await(d);
	else
		set_off(d);
}

static bool is_request(const struct list *at, uint32_t request)
{
	return LIST_OF(at, const struct delivery, ahead)->request->number == request;
}

/* One that follows may come back yet. */
static void remember_recall(struct delivery_tools *t, uint32_t request)
{
	LIST_EACH(at, &t->running) {
		struct delivery *d = LIST_OF(at, struct delivery, in);

		d->recalled |= d->phase == FOLLOWING && d->request->number == request;
	}
}

void delivery_recall(struct delivery_tools *t, uint32_t destination, uint32_t request)
{
	struct list *waiting = ahead_take_that(t->ahead, destination, is_request, request);

	if (waiting)
		delivery_give_back(LIST_OF(waiting, struct delivery, ahead));
	else
		remember_recall(t, request);
}
