#include "queue/destination/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "queue/core.h"
#include "queue/couriers/flight.h"
#include "queue/couriers/wear.h"
#include "queue/destination/lease.h"
#include "queue/message/trace.h"

/* The message's envelope with just the flight's recipients; they are borrowed. */
static struct envelope excerpt(const struct flight *f, struct envelope_rcpt *rcpts)
{
	const struct envelope *whole = f->active->envelope;
	struct envelope part = *whole;

	for (uint32_t i = 0; i < f->count; i++)
		rcpts[i] = whole->rcpts[f->rcpts[i]];
	part.rcpts = rcpts;
	part.count = f->count;
	return part;
}

/* What is dropped has its envelope, as what smtpd takes elsewhere; causeway-inject has looked itself. */
static bool needs_smtputf8(const struct queue *q, const struct active *a)
{
	const char *classes = q->settings->smtputf8_autodetect_classes;

	if (a->envelope->smtputf8 || !a->utf8_header)
		return a->envelope->smtputf8;
	return text_list_has(classes, "smtpd") || text_list_has(classes, "all");
}

/* A content filter that loses the parameter of MAIL brings it back in a header field. */
static bool adds_requiretls_field(const struct queue *q, const struct active *a)
{
	return a->tls_wanted == TLS_WANTED_REQUIRED && q->settings->tls.requiretls_esmtp_header
		&& !a->requiretls_field;
}

static char *received(const struct queue *q, struct active *a)
{
	if (!a->trace)
		a->trace = trace_received(q->settings->myhostname, a, queue_wall(q, a->message->arrived),
			adds_requiretls_field(q, a));
	return a->trace;
}

static void send_flight(struct queue *q, struct flight *f)
{
	struct active *a = f->active;
	struct destination *d = f->entry->destination;
	struct envelope_rcpt one, *rcpts = f->count == 1 ? &one : mem_alloc(f->count * sizeof *rcpts);
	struct envelope part = excerpt(f, rcpts);
	struct request r = {
		.number = f->number, .destination = d->number, .queue_id = a->name,
		.transport = d->transport, .nexthop = d->nexthop, .flags = d->flags,
		.envelope = &part, .content_at = a->content_at, .content_size = a->content_size,
		.eight_bit = a->eight_bit, .utf8_header = a->utf8_header, .long_lines = a->long_lines,
		.tls_wanted = a->tls_wanted,
		.probe = a->verification, .connection_probe = f->probe, .ahead = !list_empty(&f->ahead),
		.soft_bounce = q->settings->soft_bounce, .attempt = a->message->attempts + 1u,
		.age = message_age(a->message, queue_now(q)),
	};
	char *flagged;

	part.smtputf8 = needs_smtputf8(q, a);
	flagged = *d->flags ? trace_flagged(d->flags, &part, &rcpts[0], received(q, a)) : NULL;

	r.trace = flagged ? flagged : received(q, a);
	r.trace_size = strlen(r.trace);
	link_send_request(f->courier->link, &r, a->fd);
	wear_used(f->courier);
	free(flagged);
	if (rcpts != &one)
		free(rcpts);
}

void dispatch_send(struct queue *q, struct entry *e, struct courier *c, bool ahead)
{
	struct destination *d = e->destination;
	struct flight *f = flight_begin(c, e, e->waiting < d->rcpt_limit ? e->waiting : d->rcpt_limit, ahead);

	f->count = f->unanswered = (uint32_t)destination_take(d, e, f->rcpts, f->count);
	for (uint32_t i = 0; i < f->count; i++)
		e->active->rcpts[f->rcpts[i]].state = RCPT_FLYING;
	f->probe = d->health.dead;
	d->health.probing |= f->probe;
	d->health.probe_wanted = false;
	send_flight(q, f);
}

/* With the window full, requests go ahead to where connections are busy, so that none of these has to rest
 * until the next request comes. Not with max_use, which counts what a courier is sent: some of that would
 * come back; nor where the window has shrunk: a connection that is passed on is never given back. */
static void send_ahead(struct queue *q, struct destination *d)
{
	struct courier *c;

	if (!d->waiting || !d->keeps || q->settings->max_use > 0 || d->busy > width_of(d)
		|| !destination_is_full(d, queue_now(q)))
		return;
	c = couriers_ahead(q->couriers, d);
	if (!c)
		return;
	dispatch_send(q, destination_first(d), c, true);
	destination_try_again(d);
}

/* One request in turn; a destination whose connections lie idle at couriers that take nothing now is tried
 * again next time. */
static void try_one(struct queue *q, struct destination *d, struct list *blocked)
{
	struct courier *c;

	if (!destination_has_room(d, queue_now(q))) {
		send_ahead(q, d);
		return;
	}
	if (!d->waiting) {
		lease_recall(d, width_of(d));
		return;
	}
	c = couriers_choose(q->couriers, d, false);
	if (!c) {
		list_append(blocked, &d->ready);
		return;
	}
	dispatch_send(q, destination_first(d), c, false);
	destination_try_again(d);
}

void dispatch(struct queue *q)
{
	struct destination *d;
	struct list blocked, *first;

	list_init(&blocked);
	while (couriers_have_credit(q->couriers) && (d = destinations_ready(q->destinations)))
		try_one(q, d, &blocked);
	while ((first = list_first(&blocked))) {
		list_remove(first);
		destination_try_again(LIST_OF(first, struct destination, ready));
	}
	couriers_flush(q->couriers);
}
