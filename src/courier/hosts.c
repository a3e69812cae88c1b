#include "courier/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "courier/ports.h"
#include "format/domain.h"

#define FAILURE_MAX 1200

struct hosts {
	const struct hosts_setup *setup;
	const struct manner *manner;
	void (*found)(void *arg, const struct host *);
	void *arg;
	struct loop_task answer;         /* gives `next` to who asked */
	struct resolver_query *query;
	bool local;                      /* unix: */
	bool named;                      /* the nexthop has at least one element */
	struct text rest;                /* of the nexthop: elements that were not looked at yet */
	struct text fallback;            /* the same of fallback_relay, when rest is at its end */
	bool fallen_back;                /* rest is what fallback was */
	struct domain_nexthop element;   /* the one at hand */
	struct endpoint *addresses;      /* of the element, those not given yet from `at` on */
	size_t count, at;
	int64_t given, sessions;         /* of the element, for the limits */
	struct host next;
	bool has_next;
	const char *failure_dsn;
	char *failure;
};

struct hosts *hosts_new(const struct hosts_setup *setup, const struct manner *m, const char *nexthop)
{
	struct hosts *h = mem_alloc(sizeof *h);

	h->setup = setup;
	h->manner = m;
	h->rest = text_of(nexthop);
	h->local = m->protocol == PROTOCOL_LMTP && domain_lmtp(&h->rest) == DOMAIN_LMTP_SOCKET;
	if (!h->local)
		h->fallback = text_of(m->fallback_relay);
	return h;
}

void hosts_free(struct hosts *h)
{
	if (!h)
		return;
	loop_cancel(h->setup->loop, &h->answer);
	resolver_cancel(h->query);
	free(h->addresses);
	free(h->failure);
	free(h);
}

/* What may pass stands over what does not: one soft failure makes the whole search one. */
static void fail(struct hosts *h, const char *dsn, const char *what, const char *detail)
{
	struct buf b;

	if (h->fallen_back && dsn[0] == '5')
		dsn = "4.3.5";   /* a relay of ours that is not there is our mistake */
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
	loop_later(h->setup->loop, &h->answer);
}

/* The socket's path is the one host there is. */
static void next_local(struct hosts *h)
{
	char path[sizeof(struct sockaddr_un)];

	if (h->rest.n == 0) {
		answer_later(h, false);
		return;
	}
	h->named = true;
	snprintf(path, sizeof path, "%.*s", (int)h->rest.n, h->rest.p);
	h->next = (struct host){ .name = h->setup->myhostname, .last = true };
	if (endpoint_unix(&h->next.at, path) && h->rest.n < sizeof path)
		answer_later(h, true);
	else {
		fail(h, "4.3.5", "the nexthop's path is longer than the system allows for a socket", path);
		answer_later(h, false);
	}
	h->rest.n = 0;
}

static void shuffle(struct hosts *h)
{
	for (size_t i = h->count; i > 1; i--) {
		size_t other = arc4random_uniform((uint32_t)i);
		struct endpoint e = h->addresses[i - 1];

		h->addresses[i - 1] = h->addresses[other];
		h->addresses[other] = e;
	}
}

/* The order within a family stays. */
static void family_first(struct hosts *h, bool v6)
{
	for (size_t i = 1; i < h->count; i++) {
		struct endpoint e = h->addresses[i];
		size_t to = i;

		if (endpoint_is_v6(&e) != v6)
			continue;
		for (; to > 0 && endpoint_is_v6(&h->addresses[to - 1]) != v6; to--)
			h->addresses[to] = h->addresses[to - 1];
		h->addresses[to] = e;
	}
}

static size_t count_family(const struct hosts *h, bool v6)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += endpoint_is_v6(&h->addresses[i]) == v6;
	return n;
}

/* How many of a family stay when most are left of both together: the smaller one keeps what fits into half,
 * the odd one goes to the family that is first. */
static size_t share(size_t own, size_t other, size_t most, bool first)
{
	size_t half = most / 2;

	if (own <= half)
		return own;
	if (other <= half)
		return most - other;
	return half + (first ? most % 2 : 0);
}

/* Lets mx_address_limit leave addresses of both families; the order stays. */
static void balance(struct hosts *h)
{
	size_t most = (size_t)h->manner->mx_address_limit, room[2], kept = 0;
	size_t v4 = count_family(h, false), v6 = count_family(h, true);

	if (most == 0 || h->count <= most || v4 == 0 || v6 == 0)
		return;
	room[false] = share(v4, v6, most, !endpoint_is_v6(&h->addresses[0]));
	room[true] = share(v6, v4, most, endpoint_is_v6(&h->addresses[0]));
	for (size_t i = 0; i < h->count; i++) {
		size_t *left = &room[endpoint_is_v6(&h->addresses[i])];

		if (*left == 0)
			continue;
		(*left)--;
		h->addresses[kept++] = h->addresses[i];
	}
	h->count = kept;
}

static void arrange(struct hosts *h)
{
	if (h->manner->randomize_addresses)
		shuffle(h);
	if (h->manner->address_preference != PREFER_ANY)
		family_first(h, h->manner->address_preference == PREFER_IPV6);
	if (h->manner->balance_inet_protocols)
		balance(h);
}

static void set_port(struct endpoint *e, uint16_t port)
{
	if (endpoint_is_v6(e))
		e->at.v6.sin6_port = htons(port);
	else
		e->at.v4.sin_port = htons(port);
}

static bool under_limit(int64_t count, int64_t limit)
{
	return limit == 0 || count < limit;
}

static bool has_address(const struct hosts *h)
{
	return h->at < h->count && under_limit(h->given, h->manner->mx_address_limit)
		&& under_limit(h->sessions, h->manner->mx_session_limit);
}

static void give_address(struct hosts *h)
{
	struct text rest = h->rest, fallback = h->fallback, more;

	h->next.name = h->element.host;
	h->next.at = h->addresses[h->at++];
	h->given++;
	set_port(&h->next.at, h->element.port);
	h->next.last = !has_address(h) && !text_list_next(&rest, &more) && !text_list_next(&fallback, &more);
	answer_later(h, true);
}

static void next_inet(struct hosts *h);

static void looked_up(void *arg, const struct resolver_answer *a)
{
	struct hosts *h = arg;

	h->query = NULL;
	if (a->result != RESOLVER_FOUND)
		fail(h, a->result == RESOLVER_LATER ? "4.4.3" : "5.4.4", a->text, NULL);
	h->addresses = mem_grow(h->addresses, a->count + 1, sizeof h->addresses[0]);
	if (a->count > 0)
		memcpy(h->addresses, a->addresses, a->count * sizeof h->addresses[0]);
	h->count = a->count;
	arrange(h);
	next_inet(h);
}

/* Those of the nexthop, then those of fallback_relay. */
static bool next_element(struct hosts *h, struct text *element)
{
	if (text_list_next(&h->rest, element))
		return true;
	if (!h->named || h->fallen_back)
		return false;
	h->fallen_back = true;
	h->rest = h->fallback;
	h->fallback = text_of("");
	return text_list_next(&h->rest, element);
}

/* Turns to the next element of the list; false if there is none. */
static bool take_element(struct hosts *h)
{
	struct text element;
	const char *why;
	const char *service;
	char shown[600];

	h->count = h->at = 0;
	h->given = h->sessions = 0;
	while (next_element(h, &element)) {
		h->named = true;
		snprintf(shown, sizeof shown, "bad nexthop \"%.*s\"", (int)element.n, element.p);
		if (!domain_nexthop(element, &h->element, &why)) {
			fail(h, "4.3.5", shown, why);
			continue;
		}
		service = h->element.service[0] ? h->element.service : h->manner->tcp_port;
		if (h->element.port > 0 || port_find(h->setup->known_tcp_ports, service, &h->element.port))
			return true;
		fail(h, "4.3.5", shown, "no such port or service");
	}
	return false;
}

static void next_inet(struct hosts *h)
{
	if (has_address(h))
		give_address(h);
	else if (take_element(h))
		h->query = resolver_ask(h->setup->resolver, h->element.host, looked_up, h);
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
