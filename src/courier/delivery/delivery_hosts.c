#include "courier/delivery/delivery_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/domain.h"

/* This host is the best exchanger itself: the queue has another transport for that. */
static void give_away(struct delivery *d, const char *text)
{
	struct verdict v = { .outcome = OUTCOME_OURS, .stage = STAGE_LOOKUP, .text = mem_str(text) };

	tally_note(d->tally, text);
	tally_note(d->tally, "passing the recipients to best_mx_transport");
	tally_give_reason(d->tally, &v, NULL, NULL);
	tally_answer_left(d->tally, d->session);
	delivery_end(d);
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
		delivery_set_reason(d, STAGE_LOOKUP, dsn, text);
		waits = tally_reason(d->tally)->outcome == OUTCOME_DEFERRED && strcmp(dsn, "4.3.5") != 0;
		delivery_set_site(d, waits ? SITE_DEAD : SITE_FINE, text);
	}
	if (!tally_reason(d->tally)->text)
		delivery_set_reason(d, STAGE_LOCAL, "4.3.0", "server unavailable or unable to receive mail");
	tally_answer_left(d->tally, d->session);
	delivery_end(d);
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

/* Whoever calls itself as we are called is this host, if that is looked at: the best one means a loop,
 * another one that something is missing. */
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
	d->session = session_new(&t->sessions, d->transport, &d->peer, security, &delivery_events, d);
	delivery_begin(d, d->at_last);
}

/* TLS failed where mail may do without it: the same host at once, in clear. */
void delivery_connect_in_clear(struct delivery *d)
{
	struct security *security = security_in_clear(session_security(d->session));

	tally_note(d->tally, "TLS failed; trying the same host without it");
	session_free(d->session);
	connect_to(d, security);
}

/* A host that may not be asked by its TLS policy. */
static void skip_host(struct delivery *d, const char *dsn, const char *why)
{
	char *warning = mem_fmt("warning: %s", why);

	tally_note(d->tally, warning);
	free(warning);
	delivery_set_reason(d, STAGE_TLS, dsn, *dsn == '4' && dsn[2] == '7'
		? "client TLS configuration problem" : why);
	delivery_set_site(d, SITE_DEAD, why);
	search(d);
}

/* A host that gets no mail with REQUIRETLS: other mail it does get. That a relay of ours is one is a mistake
 * of ours. */
static void skip_for_requiretls(struct delivery *d, struct security *security, enum requiretls_lack lack,
	const char *dsn, const char *why)
{
	const struct manner *m = d->transport->manner;
	struct requiretls_outcome outcome = { .lack = lack, .violated = lack != REQUIRETLS_UNDECIDED };
	char *tls = m->log_tls_feature_status ? security_status(security, DIALOGUE_TLS_OPEN, false, outcome)
		: NULL;
	bool relay = *dsn == '5' && d->at_relay;

	tally_note(d->tally, why);
	if (relay)
		tally_note(d->tally,
			"warning: a relay of the configuration has no TLS policy for mail with REQUIRETLS: the mail "
			"waits until that is mended");
	delivery_set_reason_tls(d, STAGE_TLS, relay ? "4.3.5" : dsn, why, tls);
	security_free(security);
	free(tls);
	search(d);
}

/* All is known about the host at hand. */
static void go_to(struct delivery *d, struct security *security)
{
	enum requiretls_lack lack;
	const char *dsn;
	char *why;

	if (security_suffices(security, &lack, &dsn, &why)) {
		connect_to(d, security);
		return;
	}
	skip_for_requiretls(d, security, lack, dsn, why);
	free(why);
}

/* What the TLSA records say is known. */
static void dane_known(void *arg, struct security *security, const char *dsn, const char *why)
{
	struct delivery *d = arg;

	d->dane = NULL;
	if (!why) {
		go_to(d, security);
		return;
	}
	security_free(security);
	tally_note(d->tally, why);
	delivery_set_reason(d, STAGE_TLS, dsn, why);
	delivery_set_site(d, SITE_DEAD, why);
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
	security = security_new(d->transport, host, t->sessions.myhostname, &(struct security_mail){
		d->request->tls_wanted, d->request->envelope->sender }, &dsn, &why);
	d->session = NULL;
	if (!security) {
		skip_host(d, dsn, why);
		free(why);
		return;
	}
	d->peer = (struct session_peer){ .name = host->name, .at = host->at, .nexthop = host->nexthop,
		.name_is_sure = host->sure, .sender = d->request->envelope->sender,
		.only = host->last && !d->asked_hosts,
		.debug = is_watched(d), .own_name = own_name_means(host) };
	d->asked_hosts = true;
	d->at_last = host->last;
	d->at_relay = host->relay;
	if (security_needs_dane(security))
		d->dane = dane_ask(&(struct lookup_for){ &t->hosts, d->transport, &d->watch }, security, host,
			dane_known, d);
	else
		go_to(d, security);
}

static void look_for_hosts(struct delivery *d)
{
	const struct manner *m = d->transport->manner;
	struct text nexthop = text_of(d->request->nexthop);

	d->watch = (struct hosts_watch){ .note = delivery_note, .arg = d };
	d->hosts = hosts_new(&d->tools->hosts, d->transport, d->request->nexthop, &d->watch);
	if (*m->fallback_relay && m->protocol == PROTOCOL_LMTP && domain_lmtp(&nexthop) == DOMAIN_LMTP_SOCKET)
		tally_note(d->tally, "warning: fallback_relay does not count for a nexthop that is a socket");
}

/* A kept connection that was dead was no try at all: the same host may be asked again, over a new one. */
void delivery_next_host(struct delivery *d)
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
