#include "queue/couriers/results.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/couriers/suspect.h"
#include "queue/destination/health.h"
#include "queue/destination/lease.h"
#include "queue/operator/orders.h"
#include "queue/operator/verify.h"
#include "queue/report/notice_session.h"
#include "queue/result/batch.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"
#include "queue/route/elsewhere.h"

/* "once more" in a row without progress: as many kept connections may have died */
enum { ROUNDS_MAX = 100 };

static const char *process_of(const struct destination *d)
{
	return protocol_name(d->protocol);
}

static void take(struct queue *q, struct flight *f, uint32_t rcpt, const struct answer *a)
{
	const struct destination *d = f->entry->destination;
	struct note n = {
		.outcome = a->verdict.outcome, .maybe_twice = a->verdict.maybe_twice, .when = queue_now(q),
		.sent_off = f->sent_off,
		.setup = a->setup, .transmission = a->transmission, .conn_use = a->conn_use,
		.pid = f->courier->pid,
		.process = process_of(d), .transport = d->transport, .destination = d->number,
		.relay = a->relay, .tls = a->tls, .text = a->verdict.text,
		.reply = a->verdict.reply, .peer_reports = a->peer_reports,
	};

	memcpy(n.dsn, a->verdict.dsn, sizeof n.dsn);
	judge(q, f->active, rcpt, &n);
}

void results_note(struct courier *c, uint32_t request, const char *text)
{
	const struct flight *f = flight_find(c, request);

	if (!f)
		return;
	log_note(process_of(f->entry->destination), c->pid, f->active->name, text);
	if (f->active->verification)
		verify_note(f->active, text);
}

/* The recipient that the answer is about, or RCPT_NONE. */
static uint32_t addressed(struct courier *c, const struct flight *f, const struct answer *a)
{
	uint32_t rcpt = f && a->rcpt < f->count ? f->rcpts[a->rcpt] : RCPT_NONE;

	if (rcpt != RCPT_NONE && f->active->rcpts[rcpt].state == RCPT_FLYING)
		return rcpt;
	log_line(LOG_LEVEL_WARNING, "qmgr", f ? f->active->name : NULL,
		"courier %ld answers for recipient %u of request %u, which is not its: ignored",
		(long)c->pid, (unsigned)a->rcpt, (unsigned)a->request);
	return RCPT_NONE;
}

void results_answer(struct queue *q, struct courier *c, const struct answer *a)
{
	struct flight *f = flight_find(c, a->request);
	uint32_t rcpt = addressed(c, f, a);
	struct recipient *r;

	if (rcpt == RCPT_NONE)
		return;
	f->unanswered--;
	f->maybe_twice |= a->verdict.maybe_twice;
	notice_session(q, f, a);
	if (outcome_is_final(a->verdict.outcome)) {
		f->progress = true;
		take(q, f, rcpt, a);
		return;
	}
	r = &f->active->rcpts[rcpt];
	r->state = RCPT_AGAIN;
	r->alone |= a->verdict.outcome == OUTCOME_ALONE;
	r->ours = a->verdict.outcome == OUTCOME_OURS;
}

/* A judgement of ours about somebody whom the courier left without one. */
static void defer(struct queue *q, struct flight *f, uint32_t rcpt, const char *dsn, const char *text)
{
	const struct destination *d = f->entry->destination;
	struct note n = {
		.outcome = OUTCOME_DEFERRED, .sent_off = f->sent_off, .pid = f->courier->pid,
		.process = process_of(d),
		.transport = d->transport, .destination = d->number, .relay = "none", .text = text,
	};

	memcpy(n.dsn, dsn, strlen(dsn) + 1);
	judge(q, f->active, rcpt, &n);
}

static void once_more(struct queue *q, struct flight *f, uint32_t rcpt, enum site site)
{
	struct destination *d = f->entry->destination;
	struct recipient *r = &f->active->rcpts[rcpt];

	if (f->progress || site == SITE_BUSY)
		r->rounds = 0;
	if (r->returned)
		defer(q, f, rcpt, "4.4.7", "its caller has it back");
	else if (r->ours)
		elsewhere_send(q, f->entry, rcpt);
	else if (d->health.dead)
		defer(q, f, rcpt, health_dsn(d), d->health.reason);
	else if (++r->rounds > ROUNDS_MAX)
		defer(q, f, rcpt, "4.5.0", "the host takes nobody, although it does not refuse");
	else
		destination_return(d, f->entry, rcpt);
}

/* Backwards, as each goes to the front. */
static void finish_rcpts(struct queue *q, struct flight *f, enum site site)
{
	for (uint32_t i = f->count; i-- > 0;) {
		uint32_t rcpt = f->rcpts[i];

		switch (f->active->rcpts[rcpt].state) {
		case RCPT_AGAIN:
			once_more(q, f, rcpt, site);
			break;
		case RCPT_FLYING:
			log_line(LOG_LEVEL_WARNING, "qmgr", f->active->name,
				"courier %ld gave no result for %s", (long)f->courier->pid,
				f->active->envelope->rcpts[rcpt].address);
			defer(q, f, rcpt, "4.3.0", "the courier gave no result");
			break;
		default:
			break;
		}
	}
}

static void tell_health(struct destination *d, const struct finish *f, enum site site, bool probe)
{
	if (site == SITE_DEAD)
		health_failed(d, f, probe);
	else if (site == SITE_BUSY)
		health_busy(d, f, probe);
	else
		health_works(d);
}

static bool has_no_result(const struct flight *f, uint32_t rcpt)
{
	uint8_t state = f->active->rcpts[rcpt].state;

	return state == RCPT_FLYING || state == RCPT_AGAIN;
}

/* As if the recipient had never gone out. */
static void put_back(struct queue *q, struct flight *f, uint32_t rcpt, const char *why_not)
{
	if (f->active->rcpts[rcpt].returned)
		defer(q, f, rcpt, "4.3.0", why_not);
	else
		destination_return(f->entry->destination, f->entry, rcpt);
}

static void came_back(struct queue *q, struct flight *f)
{
	struct active *a = f->active;

	for (uint32_t i = f->count; i-- > 0;)
		if (has_no_result(f, f->rcpts[i]))
			put_back(q, f, f->rcpts[i], "its caller has it back");
	lease_lost(f);
	flight_end(f);
	settle_check(q, a);
}

void results_finish(struct queue *q, struct courier *c, const struct finish *said)
{
	struct flight *f = flight_find(c, said->request);
	enum site site = said->site == SITE_DEAD && said->served ? SITE_FINE : said->site;
	struct destination *d;
	struct active *a;
	struct entry *e;

	if (!f) {
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"courier %ld ends request %u, which it does not have: ignored",
			(long)c->pid,
			(unsigned)said->request);
		return;
	}
	if (said->untried && !list_empty(&f->ahead)) {
		came_back(q, f);
		return;
	}
	a = f->active;
	e = f->entry;
	d = e->destination;
	lease_back(f, said, flight_find(c, said->next));
	tell_health(d, said, site, f->probe);
	if (said->tls) {
		free(d->tls);
		d->tls = mem_str(said->tls);
	}
	a->soon |= site == SITE_BUSY && !d->health.dead;
	finish_rcpts(q, f, site);
	if (d->rate_delay)
		destination_pause(d, queue_now(q) + d->rate_delay);
	if ((d->health.dead || site == SITE_DEAD) && !f->maybe_twice && !a->verification)
		health_blames(d, e);
	suspect_survived(q, a, c);
	flight_end(f);
	settle_check(q, a);
}

/* --- lost couriers --- */

static void tell_lost_reply(const struct active *a, uint32_t rcpt)
{
	log_line(LOG_LEVEL_WARNING, "qmgr", a->name,
		"to=<%s>: the courier ended before the final reply was read; "
		"the recipient is tried again and may get a second copy", a->envelope->rcpts[rcpt].address);
}

void results_lost(struct queue *q, struct flight *f, bool crashed)
{
	struct active *a = f->active;
	struct destination *d = f->entry->destination;
	bool guilty = crashed && !a->verification && suspect_crashed(q, a, f->courier);

	for (uint32_t i = f->count; i-- > 0;) {
		uint32_t rcpt = f->rcpts[i];

		if (!has_no_result(f, rcpt))
			continue;
		if (f->dot_sent && a->rcpts[rcpt].state == RCPT_FLYING)
			tell_lost_reply(a, rcpt);
		if (guilty)
			defer(q, f, rcpt, "4.3.0", "this message makes couriers crash; it is held");
		else if (crashed && a->verification)
			defer(q, f, rcpt, "4.3.0", "the courier crashed while it asked");
		else
			put_back(q, f, rcpt, "the courier crashed while it had this message");
	}
	lease_lost(f);
	if (f->probe)
		health_unknown(d);
	flight_end(f);
	if (guilty)
		order_hold(q, a->message);
	else
		settle_check(q, a);
}
