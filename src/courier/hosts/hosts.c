#include "courier/hosts/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "courier/hosts/ports.h"
#include "courier/hosts/search.h"
#include "format/address/domain.h"

enum { FAILURE_MAX = 1200, SUBMISSIONS_PORT = 465 };

struct hosts {
	struct lookup_for of;
	struct hosts_watch watch;
	void (*found)(void *arg, const struct host *);
	void *arg;
	struct loop_task answer;         /* gives `next` to who asked */
	bool local;                      /* unix: */
	bool named;                      /* the nexthop has at least one element */
	bool relayhost;                  /* the nexthop is relayhost: that it fails is our mistake */
	struct text rest;                /* of the nexthop: elements that were not looked at yet */
	struct text fallback;            /* the same of fallback_relay, when rest is at its end */
	bool fallen_back;                /* rest is what fallback was */
	char *written;                   /* the element at hand … */
	struct domain_nexthop element;   /* … read … */
	uint16_t port;                   /* … with its port */
	struct search *search;
	const struct search_result *result;      /* of it, from `at` on not given yet */
	size_t at;
	int64_t given, sessions;         /* of the element, for the limits */
	struct host next;
	bool has_next;
	bool ours;
	const char *failure_dsn;
	char *failure;
};

struct hosts *hosts_new(const struct hosts_setup *setup, const struct transport *t, const char *nexthop,
	const struct hosts_watch *watch)
{
	struct hosts *h = mem_alloc(sizeof *h);
	bool lmtp = t->manner->protocol == PROTOCOL_LMTP;

	h->watch = *watch;
	h->of = (struct lookup_for){ .setup = setup, .transport = t, .watch = &h->watch };
	h->rest = text_of(nexthop);
	h->relayhost = !lmtp && strcmp(nexthop, setup->settings->relayhost) == 0;
	h->local = lmtp && domain_lmtp(&h->rest) == DOMAIN_LMTP_SOCKET;
	if (!h->local)
		h->fallback = text_of(t->manner->fallback_relay);
	return h;
}

void hosts_free(struct hosts *h)
{
	if (!h)
		return;
	loop_cancel(h->of.setup->loop, &h->answer);
	search_free(h->search);
	free(h->written);
	free(h->failure);
	free(h);
}

/* What may pass stands over what does not: one soft failure makes the whole search one. */
static void fail(struct hosts *h, const char *dsn, const char *what, const char *detail)
{
	struct buf b;

	if (dsn[0] == '5' && (h->fallen_back || h->relayhost)) {
		dsn = "4.3.5";   /* a relay of ours that is not there is our mistake */
		lookup_note(&h->of, "warning: %s: %s: the mail waits until that is mended",
			h->fallen_back ? "fallback_relay" : "relayhost", what);
	}
	if (h->failure && h->failure_dsn[0] == '4' && dsn[0] == '5')
		return;
	buf_init(&b, FAILURE_MAX);
	text_clean(text_of(what), FAILURE_MAX / 2, &b);
	if (detail) {
		buf_str(&b, ": ");
		text_clean(text_of(detail), FAILURE_MAX / 2 - 10, &b);
	}
	free(h->failure);
	h->failure = buf_take(&b);
	h->failure_dsn = dsn;
}

const char *hosts_failure(const struct hosts *h, const char **dsn)
{
	*dsn = h->failure_dsn;
	return h->failure;
}

bool hosts_are_ours(const struct hosts *h)
{
	return h->ours && *h->of.setup->settings->best_mx_transport && !h->relayhost && !h->fallen_back;
}

void hosts_count_session(struct hosts *h)
{
	h->sessions++;
}

static void answer(void *arg)
{
	struct hosts *h = arg;

	h->found(h->arg, h->has_next ? &h->next : NULL);
}

static void answer_later(struct hosts *h, bool has_next)
{
	if (!h->named)
		fail(h, "4.3.5", "the nexthop names no host", NULL);
	h->has_next = has_next;
	loop_later(h->of.setup->loop, &h->answer);
}

/* The socket's path is the one host there is. */
static void next_local(struct hosts *h)
{
	const char *myhostname = h->of.setup->settings->myhostname;
	char path[sizeof(struct sockaddr_un)];

	if (h->rest.n == 0) {
		answer_later(h, false);
		return;
	}
	h->named = true;
	snprintf(path, sizeof path, "%.*s", (int)h->rest.n, h->rest.p);
	free(h->written);
	h->written = mem_strn(h->rest.p, h->rest.n);
	h->next = (struct host){ .name = myhostname, .domain = myhostname, .canonical = "", .nexthop = h->written,
		.sure = true, .best = true, .last = true };
	if (endpoint_unix(&h->next.at, path) && h->rest.n < sizeof path)
		answer_later(h, true);
	else {
		fail(h, "4.3.5", "the nexthop's path is longer than the system allows for a socket", path);
		answer_later(h, false);
	}
	h->rest.n = 0;
}

/* --- the addresses of an element --- */

static bool under_limit(int64_t count, int64_t limit)
{
	return limit == 0 || count < limit;
}

static bool has_address(const struct hosts *h)
{
	const struct manner *m = h->of.transport->manner;

	return h->result && h->at < h->result->count && under_limit(h->given, m->mx_address_limit)
		&& under_limit(h->sessions, m->mx_session_limit);
}

static bool is_last(struct hosts *h)
{
	struct text rest = h->rest, fallback = h->fallback, more;

	return !has_address(h) && !text_list_next(&rest, &more) && !text_list_next(&fallback, &more);
}

static void describe(struct hosts *h, const struct candidate *c)
{
	const struct search_result *r = h->result;
	char key[DOMAIN_SIZE];
	bool alias = c->target->canonical
		&& strcasecmp(c->target->canonical, domain_key(text_of(c->target->name), key)) != 0;
	bool override = alias && h->of.transport->manner->cname_overrides_servername;

	h->next = (struct host){
		.name = override ? c->target->canonical : c->target->name,
		.canonical = alias ? c->target->canonical : "",
		.nexthop = h->written, .domain = h->element.host, .at = c->at,
		.mx_used = r->exchangers, .mx_secure = r->exchangers_secure, .secure = c->secure,
		.preference = c->target->preference, .best = c->target->preference == r->best,
		.relay = h->relayhost || h->fallen_back, .loops = search_minds_loops(h->of.transport, h->port),
		.dead = c->dead,
	};
	h->next.sure = (!r->exchangers || r->exchangers_secure) && (!override || c->secure);
}

static void give_address(struct hosts *h)
{
	describe(h, &h->result->list[h->at++]);
	h->given++;
	h->next.last = is_last(h);
	answer_later(h, true);
}

/* What the limits leave out of the element that is done with. */
static void tell_left_out(struct hosts *h)
{
	for (; h->result && h->at < h->result->count; h->at++)
		lookup_left_out(&h->of, h->result->list[h->at].target->name, &h->result->list[h->at].at,
			under_limit(h->given, h->of.transport->manner->mx_address_limit) ? "mx_session_limit"
				: "mx_address_limit");
}

/* --- from element to element --- */

static void next_inet(struct hosts *h);

/* Whoever is a mail exchanger of the domain must not hand its mail to others than the better ones; and a loop
 * is a loop. */
static void end_list(struct hosts *h)
{
	h->rest = h->fallback = text_of("");
}

static void searched(void *arg, const struct search_result *r)
{
	struct hosts *h = arg;

	h->result = r;
	h->at = 0;
	h->ours = r->loops;
	if (r->backup || r->loops)
		end_list(h);
	if (r->count == 0)
		fail(h, r->dsn, r->text, NULL);
	next_inet(h);
}

/* Those of the nexthop, then those of fallback_relay. */
static bool next_element(struct hosts *h, struct text *element)
{
	if (text_list_next(&h->rest, element))
		return true;
	if (!h->named || h->fallen_back || text_trim(h->fallback).n == 0)
		return false;
	h->fallen_back = true;
	h->rest = h->fallback;
	h->fallback = text_of("");
	return text_list_next(&h->rest, element);
}

static const char *service_of(const struct hosts *h)
{
	return h->element.service[0] ? h->element.service : h->of.transport->manner->tcp_port;
}

/* Who speaks plainly to a port that waits for TLS waits until time runs out. */
static void hint_at_wrapper(const struct hosts *h)
{
	const struct manner *m = h->of.transport->manner;

	if (h->of.setup->settings->helpful_warnings && h->port == SUBMISSIONS_PORT
			&& m->protocol == PROTOCOL_SMTP && !m->tls_wrappermode)
		lookup_note(&h->of,
			"warning: %s: port 465 speaks TLS from the first byte: set tls_wrappermode = yes and "
			"tls_security_level = encrypt (or stronger)", h->written);
}

/* Reads the element; false with a complaint if there is nothing to find. */
static bool read_element(struct hosts *h, struct text element)
{
	const char *why;
	char shown[600];

	free(h->written);
	h->written = mem_strn(element.p, element.n);
	snprintf(shown, sizeof shown, "bad nexthop \"%.500s\"", h->written);
	if (!domain_nexthop(element, &h->element, &why)) {
		fail(h, "4.3.5", shown, why);
		return false;
	}
	h->port = h->element.port;
	if (h->port > 0 || port_find(h->of.setup->settings->known_tcp_ports, service_of(h), &h->port)) {
		hint_at_wrapper(h);
		return true;
	}
	fail(h, "4.3.5", shown, "no such port or service");
	return false;
}

/* Turns to the next element of the list; false if there is none. */
static bool take_element(struct hosts *h)
{
	struct text element;

	tell_left_out(h);
	search_free(h->search);
	h->search = NULL;
	h->result = NULL;
	h->given = h->sessions = 0;
	while (next_element(h, &element)) {
		h->named = true;
		if (read_element(h, element))
			return true;
	}
	return false;
}

static void next_inet(struct hosts *h)
{
	if (has_address(h))
		give_address(h);
	else if (take_element(h))
		h->search = search_start(&h->of, &h->element, service_of(h), h->port, searched, h);
	else
		answer_later(h, false);
}

void hosts_next(struct hosts *h, void (*found)(void *arg, const struct host *), void *arg)
{
	h->found = found;
	h->arg = arg;
	h->answer = (struct loop_task){ .fn = answer, .arg = h };
	free(h->failure);
	h->failure = NULL;
	if (h->local)
		next_local(h);
	else
		next_inet(h);
}
