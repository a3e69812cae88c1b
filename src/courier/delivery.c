#include "courier/delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/dane.h"
#include "courier/forwarding.h"
#include "courier/generic.h"
#include "courier/tally.h"
#include "format/domain.h"


/* What is awaited. */
enum phase {
	WAITING,     /* a connection, sent ahead */
	FOLLOWING,   /* the end of the request before on the same connection */
	SEARCHING,   /* the next host; a session that is left may end meanwhile */
	TRYING,      /* the end of an attempt: the session has the recipients that are left */
	PARTING      /* the end of a connection that is not kept: everybody has an answer */
};

struct delivery {
	struct list in;                  /* those that run */
	struct list ahead;               /* those of the destination that wait */
	struct delivery *follower;       /* whose commands go out behind this one's content, or NULL */
	bool recalled;                   /* while it followed */
	enum phase phase;
	struct delivery_tools *tools;
	struct request *request;
	int fd;
	const struct transport *transport;
	struct hosts *hosts;             /* NULL: not needed yet */
	struct hosts_watch watch;
	char *tls_peer;                  /* of a new connection with TLS, for the operator */
	struct dane *dane;               /* TLSA records of the host at hand are looked up */
	struct session *session;
	bool took_idle;                  /* from the pool, when it began */
	struct session_peer peer;        /* the host at hand */
	bool reused;                     /* the session served before this request */
	bool stale;                      /* it turned out to be dead before anything was tried */
	bool asked_hosts;                /* some host was given */
	bool at_last;                    /* the session goes to the last of them */
	struct xforward client;          /* borrows from the request */
	struct endpoint used;            /* where an idle session went: not asked twice */
	struct envelope *outside;        /* its addresses as the peer sees them; NULL: as they are */
	struct envelope part;            /* the recipients of the transaction that runs */
	uint32_t *asked;                 /* those as indexes of the request's envelope */
	struct tally *tally;
	enum site site;
	char *site_reason;
	bool served;
};

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

static void set_site(struct delivery *d, enum site site, const char *reason)
{
	char *copy = site == SITE_FINE ? NULL : mem_str(reason ? reason : "unknown");

	free(d->site_reason);
	d->site = site;
	d->site_reason = copy;
}

/* Reasons for who is left. */

static struct policy last_policy(const struct delivery *d)
{
	return (struct policy){ .last_host = true,
		.soft_bounce = d->request->soft_bounce || d->tools->sessions.soft_bounce,
		.lmtp = d->transport && d->transport->manner->protocol == PROTOCOL_LMTP };
}

static void set_reason(struct delivery *d, enum stage stage, const char *dsn, const char *text)
{
	struct policy p = last_policy(d);
	struct verdict v = { 0 };

	verdict_lost(&v, &p, stage, dsn, text);
	tally_give_reason(d->tally, &v, NULL, d->session ? session_tls(d->session) : NULL);
}

/* What a host that is not the last one says for now: only if nothing better comes is it the answer. */
static void keep_reason(struct delivery *d, struct verdict *v)
{
	tally_note(d->tally, v->text);
	v->outcome = OUTCOME_DEFERRED;
	tally_give_reason(d->tally, v, session_relay(d->session), session_tls(d->session));
}

/* The end. */

/* A destination is busy or dead only if somebody really has to wait for it, and if no host of it has
 * served. */
static void finish(struct delivery *d, enum connection connection, uint32_t next)
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
	link_send_finish(t->link, &f);
	delivery_free(d);
	t->over(t->arg);
}

static void go_on(struct delivery *d, struct session *);

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
	finish(d, next ? CONNECTION_PASSED : CONNECTION_KEPT, next ? next->request->number : 0);
	if (next)
		go_on(next, s);
}

/* A connection that is not kept is closed before the request is over, since its lease is given back with
 * it. */
static void end(struct delivery *d)
{
	struct session *s = d->session;

	if (s && session_reusable(s) && transport_keeps(d->transport, d->request->nexthop)) {
		hand_on(d);
	} else if (s && session_state(s) == SESSION_IDLE) {
		d->phase = PARTING;
		session_quit(s);
	} else {
		finish(d, CONNECTION_CLOSED, 0);
	}
}

/* From host to host. */

static void next_host(struct delivery *d);
static void connect_in_clear(struct delivery *d);

/* Whether a kept connection failed before anything was said of the message. */
static bool before_message(enum stage stage)
{
	return stage == STAGE_IDLE || stage == STAGE_RSET;
}

static void verdict(void *arg, size_t rcpt, struct verdict *v)
{
	struct delivery *d = arg;
	uint32_t index = d->asked[rcpt];

	if (v->outcome == OUTCOME_KEEP) {
		keep_reason(d, v);
	} else if (v->outcome == OUTCOME_AGAIN && d->reused && before_message(v->stage)) {
		d->stale = true;
		verdict_clear(v);
	} else {
		tally_answer(d->tally, index, v, d->session);
	}
}

static void note(void *arg, const char *text)
{
	struct delivery *d = arg;

	tally_note(d->tally, text);
}

static void dot(void *arg)
{
	struct delivery *d = arg;

	link_mark_dot(d->tools->link, d->request->number);
}

static void session_failed(struct delivery *d)
{
	const char *dsn;
	enum site site;
	const char *text = session_failure(d->session, &dsn, &site);

	set_reason(d, STAGE_CONNECT, dsn, text);
	set_site(d, site, text);
	if (!d->at_last)
		tally_note(d->tally, text);
	if (session_timed_out(d->session))
		dead_addresses_add(d->tools->hosts.dead, session_peer_at(d->session));
	session_free(d->session);
	d->session = NULL;
}

static void transaction_over(struct delivery *d)
{
	const char *reason;
	enum site site = session_site(d->session, &reason);

	set_site(d, site, reason);
	if (!d->reused && session_tls_peer(d->session)) {
		free(d->tls_peer);
		d->tls_peer = mem_str(session_tls_peer(d->session));
	}
	if (session_complaint(d->session))
		tally_note(d->tally, session_complaint(d->session));
	if (session_greeted(d->session) && site == SITE_FINE && !d->stale)
		d->served = true;
	if (session_greeted(d->session) && d->hosts) {
		dead_addresses_remove(d->tools->hosts.dead, session_peer_at(d->session));
		hosts_count_session(d->hosts);
	}
}

/* An attempt is over: whoever is left goes to the next host. */
static void attempt_over(struct delivery *d)
{
	if (session_state(d->session) == SESSION_FAILED)
		session_failed(d);
	else
		transaction_over(d);
	if (tally_left(d->tally) == 0)
		end(d);
	else if (d->session && session_wants_clear(d->session))
		connect_in_clear(d);
	else
		next_host(d);
}

static void settled(void *arg)
{
	struct delivery *d = arg;

	switch (d->phase) {
	case WAITING:
	case FOLLOWING:
	case SEARCHING:
		break;
	case TRYING:
		attempt_over(d);
		break;
	case PARTING:
		finish(d, CONNECTION_CLOSED, 0);
		break;
	}
}

static void may_follow(void *arg);
static void passed(void *arg);
static void returned(void *arg);

static const struct session_events session_events = {
	.verdict = verdict, .note = note, .dot = dot, .settled = settled,
	.may_follow = may_follow, .passed = passed, .returned = returned,
};

/* Opportunistic TLS that fails must not keep mail for ever, nor may it be talked out of it at once: mail that has
 * waited for a while, and what only asks, goes on in clear. Never what has to be secret: credentials, or mail whose
 * sender asks for TLS; nor where TLS has worked before, on a connection that is used again. */
static bool may_retry_in_clear(const struct delivery *d)
{
	const struct request *r = d->request;

	return session_security(d->session)->policy.level == TLS_MAY && !d->reused && !r->envelope->requiretls
		&& !session_has_login(d->session) && (r->probe || r->age >= d->tools->minimal_backoff_time);
}

/* The peer is told who it was before (RFC 3461 section 4.2). */
static void rename_rcpt(struct envelope_rcpt *r, char *address)
{
	if (!r->original && strcmp(r->address, address) != 0)
		r->original = r->address;
	r->address = address;
}

static void gather(struct delivery *d)
{
	free(d->part.rcpts);
	free(d->asked);
	tally_gather(d->tally, &d->part, &d->asked);
	if (!d->outside)
		return;
	d->part.sender = d->outside->sender;
	for (size_t i = 0; i < d->part.count; i++)
		rename_rcpt(&d->part.rcpts[i], d->outside->rcpts[d->asked[i]].address);
}

static struct session_job make_job(struct delivery *d, bool last_host)
{
	const struct request *r = d->request;
	uint64_t size = r->content_size > DOT_LINE ? r->content_size - DOT_LINE : 0;

	gather(d);
	return (struct session_job){
		.transaction = {
			.envelope = &d->part, .client = &d->client, .age = r->age, .content_size = r->trace_size + size,
			.eight_bit = r->eight_bit, .utf8_header = r->utf8_header,
			.probe = r->probe, .last_host = last_host,
			.retry_in_clear = may_retry_in_clear(d),
		},
		.trace = r->trace, .trace_size = r->trace_size,
		.fd = d->fd, .content_at = r->content_at, .content_size = r->content_size,
		.long_lines = r->long_lines,
	};
}

static void begin(struct delivery *d, bool last_host)
{
	struct session_job job = make_job(d, last_host);

	d->phase = TRYING;
	session_begin(d->session, &job);
}

/* This host is the best exchanger itself: the queue has another transport for that. */
static void give_away(struct delivery *d, const char *text)
{
	struct verdict v = { .outcome = OUTCOME_OURS, .stage = STAGE_LOOKUP, .text = mem_str(text) };

	tally_note(d->tally, text);
	tally_note(d->tally, "passing the recipients to best_mx_transport");
	tally_give_reason(d->tally, &v, NULL, NULL);
	tally_answer_left(d->tally, d->session);
	end(d);
}

/* Two requests on one connection. */

/* Whether senders have logins of their own: whose mail comes next on a connection then matters. */
static bool is_personal(const struct transport *t)
{
	return t->credentials && t->manner->sender_dependent_authentication;
}

/* The request that has waited longest for a connection of this destination gets this one already. */
static void may_follow(void *arg)
{
	struct delivery *d = arg, *next;
	struct list *first = NULL;
	struct session_job job;

	if (transport_keeps(d->transport, d->request->nexthop) && !is_personal(d->transport))
		first = ahead_take(d->tools->ahead, d->request->destination);
	if (!first)
		return;
	next = d->follower = LIST_OF(first, struct delivery, ahead);
	next->phase = FOLLOWING;
	next->session = d->session;
	next->reused = true;
	job = make_job(next, session_is_only(d->session));
	session_follow(d->session, &job, &session_events, next);
}

/* The connection is the follower's, with its lease. */
static void passed(void *arg)
{
	struct delivery *d = arg;

	transaction_over(d);
	d->session = NULL;
	d->follower->phase = TRYING;
	finish(d, CONNECTION_PASSED, d->follower->request->number);
}

static void give_back(struct delivery *d)
{
	struct delivery_tools *t = d->tools;
	struct finish f = { .request = d->request->number, .destination = d->request->destination, .untried = true,
		.site = SITE_FINE };

	link_send_finish(t->link, &f);
	delivery_free(d);
	t->over(t->arg);
}

/* Nothing came of it: it waits again, unless the queue has wanted it back meanwhile. */
static void returned(void *arg)
{
	struct delivery *d = arg;

	d->phase = WAITING;
	d->session = NULL;
	d->reused = false;
	if (d->recalled)
		give_back(d);
	else
		ahead_put(d->tools->ahead, d->request->destination, &d->ahead);
}

/* No further host: a destination is called dead only for what really had to wait for it. */
static void exhausted(struct delivery *d)
{
	const char *dsn, *text = hosts_failure(d->hosts, &dsn);
	bool waits;

	if (hosts_are_ours(d->hosts)) {
		give_away(d, text);
		return;
	}
	if (text && !(tally_reason(d->tally)->text && dsn[0] == '5')) {
		set_reason(d, STAGE_LOOKUP, dsn, text);
		waits = tally_reason(d->tally)->outcome == OUTCOME_DEFERRED && strcmp(dsn, "4.3.5") != 0;
		set_site(d, waits ? SITE_DEAD : SITE_FINE, text);
	}
	if (!tally_reason(d->tally)->text)
		set_reason(d, STAGE_LOCAL, "4.3.0", "server unavailable or unable to receive mail");
	tally_answer_left(d->tally, d->session);
	end(d);
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

static bool is_watched(const struct delivery *d)
{
	const struct debug_peers *watched = d->tools->sessions.debug_peers;
	const char *name = d->request->nexthop;

	return watched && debug_peers_has(watched, name);
}

static void host_found(void *arg, const struct host *host);

static void search(struct delivery *d)
{
	d->phase = SEARCHING;
	hosts_next(d->hosts, host_found, d);
}

/* Whoever calls itself as we are called is this host, if that is looked at: the best one means a loop, another one
 * that something is missing. */
static enum own_name own_name_means(const struct host *host)
{
	if (!host->loops)
		return OWN_NAME_FINE;
	return host->best ? OWN_NAME_LOOPS : OWN_NAME_WAITS;
}

/* A new connection to the host at hand. */
static void connect_to(struct delivery *d, struct security *security)
{
	struct delivery_tools *t = d->tools;

	t->connecting(t->arg);
	d->reused = false;
	d->session = session_new(&t->sessions, d->transport, &d->peer, security, &session_events, d);
	begin(d, d->at_last);
}

/* TLS failed where mail may do without it: the same host at once, in clear. */
static void connect_in_clear(struct delivery *d)
{
	struct security *security = security_in_clear(session_security(d->session));

	tally_note(d->tally, "TLS failed; trying the same host without it");
	session_free(d->session);
	connect_to(d, security);
}

/* A host that may not be asked by its TLS policy. */
static void skip_host(struct delivery *d, const char *dsn, const char *why)
{
	char *warning = mem_fmt("warning: %s", why), *clean = text_cleaned(warning, REPLY_TEXT_MAX);

	tally_note(d->tally, clean);
	set_reason(d, STAGE_TLS, dsn, *dsn == '4' && dsn[2] == '7' ? "client TLS configuration problem" : why);
	set_site(d, SITE_DEAD, clean);
	free(clean);
	free(warning);
	search(d);
}

/* What the TLSA records say is known. */
static void dane_known(void *arg, struct security *security, const char *dsn, const char *why)
{
	struct delivery *d = arg;

	d->dane = NULL;
	if (!why) {
		connect_to(d, security);
		return;
	}
	security_free(security);
	tally_note(d->tally, why);
	set_reason(d, STAGE_TLS, dsn, why);
	set_site(d, SITE_DEAD, why);
	search(d);
}

static void host_found(void *arg, const struct host *host)
{
	struct delivery *d = arg;
	struct delivery_tools *t = d->tools;
	struct security *security;
	const char *dsn;
	char *why;

	if (!host) {
		exhausted(d);
		return;
	}
	if (d->used.size > 0 && endpoint_same(&d->used, &host->at)) {
		search(d);
		return;
	}
	if (d->session)
		session_drop(d->session);
	security = security_new(d->transport, host, t->sessions.myhostname, &dsn, &why);
	d->session = NULL;
	if (!security) {
		skip_host(d, dsn, why);
		free(why);
		return;
	}
	d->peer = (struct session_peer){ .name = host->name, .at = host->at, .nexthop = host->nexthop,
		.name_is_sure = host->sure, .sender = d->request->envelope->sender, .only = host->last && !d->asked_hosts,
		.debug = is_watched(d), .own_name = own_name_means(host) };
	d->asked_hosts = true;
	d->at_last = host->last;
	if (security_needs_dane(security))
		d->dane = dane_ask(&(struct lookup_for){ &t->hosts, d->transport, &d->watch }, security, host, dane_known, d);
	else
		connect_to(d, security);
}

static void look_for_hosts(struct delivery *d)
{
	const struct manner *m = d->transport->manner;
	struct text nexthop = text_of(d->request->nexthop);
	d->watch = (struct hosts_watch){ .note = note, .arg = d };
	d->hosts = hosts_new(&d->tools->hosts, d->transport, d->request->nexthop, &d->watch);
	if (*m->fallback_relay && m->protocol == PROTOCOL_LMTP && domain_lmtp(&nexthop) == DOMAIN_LMTP_SOCKET)
		tally_note(d->tally, "warning: fallback_relay does not count for a nexthop that is a socket");
}

/* A kept connection that was dead was no try at all: the same host may be asked again, over a new one. */
static void next_host(struct delivery *d)
{
	if (d->stale) {
		session_free(d->session);
		d->session = NULL;
	} else if (d->reused) {
		d->used = *session_peer_at(d->session);
	}
	d->stale = false;
	if (!d->hosts)
		look_for_hosts(d);
	search(d);
}

/* Beginning. */

/* A reason of ours not to try at all. */
static void refuse(struct delivery *d, const char *dsn, const char *text)
{
	set_reason(d, STAGE_LOCAL, dsn, text);
	tally_answer_left(d->tally, NULL);
	finish(d, CONNECTION_CLOSED, 0);
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
	if (forwarding_loops(d->request, (d->outside ? d->outside : d->request->envelope)->rcpts[0].address, d->fd))
		return "mail forwarding loop: the message was delivered to this recipient before";
	return NULL;
}

/* Over a connection that has served before; one that was passed on but serves other senders makes room for another. */
static void go_on(struct delivery *d, struct session *s)
{
	session_give(s, &session_events, d);
	if (!session_serves(s, d->request->envelope->sender)) {
		session_drop(s);
		next_host(d);
		return;
	}
	d->session = s;
	d->reused = true;
	begin(d, session_is_only(s));
}

static void set_off(struct delivery *d)
{
	struct session *idle = pool_take(d->tools->pool, d->request->destination, d->request->envelope->sender);

	d->took_idle = idle != NULL;
	if (idle)
		go_on(d, idle);
	else
		next_host(d);
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
		give_back(LIST_OF(waiting, struct delivery, ahead));
	else
		remember_recall(t, request);
}
