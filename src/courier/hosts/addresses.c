#include "courier/hosts/addresses.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/domain.h"

enum { TEXT_MAX = 1000, FAMILIES = 2 };

struct addresses {
	const struct lookup_for *of;
	char *host;
	char ascii[DOMAIN_SIZE];
	char asked[DOMAIN_SIZE];         /* what the DNS is asked for now: ascii, perhaps completed */
	struct text search;              /* domains that may still complete it */
	bool absolute;                   /* ascii itself was asked for */
	struct lookup *lookups[FAMILIES];
	unsigned pending;
	struct address *list;
	size_t count;
	char canonical[DNSMSG_NAME_SIZE];
	enum lookup_status status;
	char text[TEXT_MAX];
	void (*done)(void *arg, const struct addresses_answer *);
	void *arg;
	struct loop_task tell;
};

static void addresses_free(struct addresses *a)
{
	loop_cancel(a->of->setup->loop, &a->tell);
	free(a->host);
	free(a->list);
	free(a);
}

void addresses_cancel(struct addresses *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < FAMILIES; i++)
		lookup_cancel(a->lookups[i]);
	addresses_free(a);
}

/* The answers come in any order. */
static void order_families(struct addresses *a)
{
	bool first = a->of->setup->ipv6_first;
	struct address one;

	for (size_t i = 1; i < a->count; i++) {
		size_t to = i;

		one = a->list[i];
		if (endpoint_is_v6(&one.at) != first)
			continue;
		for (; to > 0 && endpoint_is_v6(&a->list[to - 1].at) != first; to--)
			a->list[to] = a->list[to - 1];
		a->list[to] = one;
	}
}

static void tell(void *arg)
{
	struct addresses *a = arg;
	struct addresses_answer out = {
		.status = a->status, .text = a->status == LOOKUP_FOUND ? NULL : a->text,
		.list = a->list, .count = a->count, .canonical = a->canonical,
	};

	order_families(a);
	a->done(a->arg, &out);
	addresses_free(a);
}

static void settle(struct addresses *a, enum lookup_status status, const char *what, const char *detail)
{
	a->status = status;
	if (what)
		snprintf(a->text, sizeof a->text, "%s %.300s%s%s", what, a->host, detail ? ": " : "",
			detail ? detail : "");
	loop_later(a->of->setup->loop, &a->tell);
}

static bool add(struct addresses *a, const struct endpoint *at, bool secure)
{
	bool v6 = endpoint_is_v6(at);

	if (v6 ? !a->of->setup->ipv6 : !a->of->setup->ipv4)
		return false;
	a->list = mem_grow(a->list, a->count + 1, sizeof a->list[0]);
	a->list[a->count++] = (struct address){ *at, secure };
	return true;
}

/* --- the hosts file --- */

static bool is_in_file(const struct addresses *a)
{
	size_t count;

	return hosts_file_find(a->of->setup->hosts_file, a->host, &count) && count > 0;
}

static void from_hosts_file(struct addresses *a)
{
	const struct endpoint *known;
	size_t count;

	known = hosts_file_find(a->of->setup->hosts_file, a->host, &count);
	for (size_t i = 0; i < count; i++)
		add(a, &known[i], false);
	if (a->count > 0)
		settle(a, LOOKUP_FOUND, NULL, NULL);
	else if (count > 0)
		settle(a, LOOKUP_NOTHING, "inet_protocols leaves no address of", NULL);
	else if (!a->text[0])
		settle(a, LOOKUP_NOTHING, "unable to look up host", "it is not in the hosts file");
	else
		settle(a, a->status, NULL, NULL);
}

/* --- the DNS --- */

static void ask_dns(struct addresses *a);

/* The next name to ask for; false if there is none. A name with dots is asked for as it is first, one without
 * is completed first (resolver(5)). */
static bool next_name(struct addresses *a)
{
	bool dotted = strchr(a->ascii, '.');
	struct text domain;
	int n;

	if (!a->absolute && (dotted || a->search.n == 0)) {
		a->absolute = true;
		memcpy(a->asked, a->ascii, sizeof a->asked);
		return true;
	}
	while (text_list_next(&a->search, &domain)) {
		n = snprintf(a->asked, sizeof a->asked, "%s.%.*s", a->ascii, (int)domain.n, domain.p);
		if (n > 0 && (size_t)n < sizeof a->asked)
			return true;
	}
	if (a->absolute)
		return false;
	a->absolute = true;
	memcpy(a->asked, a->ascii, sizeof a->asked);
	return true;
}

static void over(struct addresses *a)
{
	if (a->count > 0)
		settle(a, LOOKUP_FOUND, NULL, NULL);
	else if (a->status == LOOKUP_NOTHING && next_name(a))
		ask_dns(a);
	else if (a->status == LOOKUP_NOTHING && a->of->transport->native)
		from_hosts_file(a);
	else
		settle(a, a->status, NULL, NULL);
}

static void take(struct addresses *a, const struct lookup_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const struct dnsrecord *r = &answer->records[i];
		struct endpoint at;

		if (endpoint_binary(&at, r->data, r->size))
			add(a, &at, answer->secure);
	}
	snprintf(a->canonical, sizeof a->canonical, "%s", answer->name);
}

static void heard(struct addresses *a, unsigned family, const struct lookup_answer *answer)
{
	a->lookups[family] = NULL;
	a->pending--;
	if (answer->status == LOOKUP_FOUND) {
		take(a, answer);
	} else if (!a->text[0] || answer->status < a->status) {
		a->status = answer->status;
		snprintf(a->text, sizeof a->text, "%s", answer->text);
	}
	if (a->pending == 0)
		over(a);
}

static void heard_v4(void *arg, const struct lookup_answer *answer)
{
	heard(arg, 0, answer);
}

static void heard_v6(void *arg, const struct lookup_answer *answer)
{
	heard(arg, 1, answer);
}

static void ask_dns(struct addresses *a)
{
	const struct hosts_setup *s = a->of->setup;

	a->text[0] = '\0';
	a->status = LOOKUP_NOTHING;
	a->pending = (unsigned)s->ipv4 + (unsigned)s->ipv6;
	if (s->ipv4)
		a->lookups[0] = lookup_ask(a->of, a->asked, DNSMSG_A, heard_v4, a);
	if (s->ipv6)
		a->lookups[1] = lookup_ask(a->of, a->asked, DNSMSG_AAAA, heard_v6, a);
}

/* --- the question --- */

static void begin_search(struct addresses *a)
{
	const struct transport *t = a->of->transport;
	size_t n = strlen(a->host);
	bool dotted = strchr(a->ascii, '.');

	if (n > 0 && a->host[n - 1] == '.')
		return;
	if (t->dnsrch || (t->defnames && !dotted))
		a->search = text_of(a->of->setup->search);
	if (!t->dnsrch)   /* the first one is the local domain */
		a->search.n = strcspn(a->search.p ? a->search.p : "", " ,\t");
}

static void begin(struct addresses *a)
{
	const struct transport *t = a->of->transport;
	struct endpoint numeric;
	const char *why;

	if (endpoint_inet(&numeric, a->host, 0)) {
		if (add(a, &numeric, false))
			settle(a, LOOKUP_FOUND, NULL, NULL);
		else
			settle(a, LOOKUP_NOTHING, "inet_protocols leaves no address of", NULL);
		return;
	}
	if (!domain_to_ascii(text_of(a->host), a->of->setup->settings->enable_idna2003_compatibility, a->ascii,
		&why)) {
		settle(a, LOOKUP_INVALID, "this is not the name of a host:", why);
		return;
	}
	/* what its file does not have the system asks the DNS for, too */
	if (!t->host_dns && (!t->dns || is_in_file(a))) {
		from_hosts_file(a);
		return;
	}
	begin_search(a);
	if (next_name(a))
		ask_dns(a);
}

struct addresses *addresses_ask(const struct lookup_for *of, const char *host,
	void (*done)(void *arg, const struct addresses_answer *), void *arg)
{
	struct addresses *a = mem_alloc(sizeof *a);

	assert(of->setup->ipv4 || of->setup->ipv6);
	a->of = of;
	a->host = mem_str(host);
	a->done = done;
	a->arg = arg;
	a->tell = (struct loop_task){ .fn = tell, .arg = a };
	domain_key(text_of(host), a->canonical);
	begin(a);
	return a;
}
