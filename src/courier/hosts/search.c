#include "courier/hosts/search.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/hosts/addresses.h"
#include "courier/hosts/exchangers.h"

enum { TEXT_MAX = 1000, SMTP_PORT = 25, SERVICE_SIZE = 80 };

/* The addresses of one target, while they are asked for and until all are there. */
struct asked {
	struct search *search;
	struct target *target;
	struct addresses *question;
	struct address *list;
	size_t count;
};

struct search {
	struct lookup_for of;
	char domain[DOMAIN_SIZE];        /* as it was written */
	char ascii[DOMAIN_SIZE];
	char service[SERVICE_SIZE];      /* "_submission._tcp" while SRV is what is asked, else "" */
	uint16_t port;                   /* where no SRV record gives one */
	bool exact;
	bool minds_loops;
	struct lookup *lookup;
	struct targets targets;
	struct asked *asked;
	size_t pending;
	struct candidates candidates;
	struct search_result result;
	char text[TEXT_MAX];
	void (*done)(void *arg, const struct search_result *);
	void *arg;
	struct loop_task tell;
};

bool search_minds_loops(const struct transport *t, uint16_t port)
{
	return t->manner->protocol == PROTOCOL_SMTP && port == SMTP_PORT;
}

static void forget_asked(struct search *s)
{
	for (size_t i = 0; i < s->targets.count && s->asked; i++) {
		addresses_cancel(s->asked[i].question);
		free(s->asked[i].list);
	}
	free(s->asked);
	s->asked = NULL;
	targets_clear(&s->targets);
}

void search_free(struct search *s)
{
	if (!s)
		return;
	loop_cancel(s->of.setup->loop, &s->tell);
	lookup_cancel(s->lookup);
	forget_asked(s);
	candidates_clear(&s->candidates);
	free(s);
}

static void tell(void *arg)
{
	struct search *s = arg;

	s->result.list = s->candidates.list;
	s->result.count = s->candidates.count;
	s->result.text = s->text;
	s->done(s->arg, &s->result);
}

static void settle(struct search *s)
{
	loop_later(s->of.setup->loop, &s->tell);
}

static void fail(struct search *s, const char *dsn, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void fail(struct search *s, const char *dsn, const char *format, ...)
{
	va_list args;

	s->result.dsn = dsn;
	va_start(args, format);
	vsnprintf(s->text, sizeof s->text, format, args);
	va_end(args);
}

/* --- all addresses are there --- */

/* Tells of those that were there before and are not any more; before is cleared. */
static void tell_missing(struct search *s, struct candidates *before, const char *why)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct candidate *c = &before->list[i];
		size_t k = 0;

		while (k < s->candidates.count && (s->candidates.list[k].target != c->target
			|| !endpoint_same(&s->candidates.list[k].at, &c->at)))
			k++;
		if (k == s->candidates.count)
			lookup_left_out(&s->of, c->target->name, &c->at, why);
	}
	candidates_clear(before);
}

/* This host as the only one, or as one that may be reached by several addresses: none of them is tried. */
static void loop_of_host(struct search *s)
{
	s->candidates.count = 0;
	s->result.loops = true;
	fail(s, "5.4.6", "mail for %s loops back to myself", s->domain);
}

static void loop_of_exchangers(struct search *s, uint16_t ours, uint16_t best_found)
{
	s->result.backup = true;
	candidates_cut(&s->candidates, ours);
	if (s->candidates.count > 0)
		return;
	s->result.loops = best_found == s->result.best;
	if (s->result.loops)
		fail(s, "5.4.6", "mail for %s loops back to myself", s->domain);
	else
		fail(s, "4.4.4", "unable to find primary relay for %s", s->domain);
}

static void look_for_loops(struct search *s)
{
	const struct candidate *self = s->minds_loops ? candidates_self(&s->candidates, s->of.setup->own) : NULL;
	struct candidates before;

	if (!self)
		return;
	before = candidates_copy(&s->candidates);
	if (s->result.exchangers)
		loop_of_exchangers(s, self->target->preference, before.list[0].target->preference);
	else
		loop_of_host(s);
	tell_missing(s, &before, "it is this host itself, or no better than this host");
}

static void arrange(struct search *s)
{
	const struct hosts_setup *setup = s->of.setup;
	const struct manner *m = s->of.transport->manner;
	struct candidates before = candidates_copy(&s->candidates);

	if (*s->service)
		candidates_balance(&s->candidates, m);
	else
		candidates_arrange(&s->candidates, m, s->result.exchangers || (setup->ipv4 && setup->ipv6));
	tell_missing(s, &before, "mx_address_limit, with a share for each address family");
	candidates_dead_last(&s->candidates, setup->dead);
}

static void collect(struct search *s)
{
	for (size_t i = 0; i < s->targets.count; i++)
		for (size_t k = 0; k < s->asked[i].count; k++) {
			struct address *a = &s->asked[i].list[k];
			const struct target *t = s->asked[i].target;

			endpoint_set_port(&a->at, t->port ? t->port : s->port);
			if (!candidates_add(&s->candidates, t, &a->at, a->secure))
				lookup_left_out(&s->of, t->name, &a->at, "there are too many");
		}
}

/* No address at all: the failure that counts most was noted when it came. */
static void no_address(struct search *s)
{
	bool srv = *s->service;

	if (!s->result.exchangers)
		return;
	lookup_note(&s->of, "warning: no %s host for %s has a valid address record", srv ? "SRV" : "MX",
		s->domain);
	if (!srv && s->of.transport->manner->defer_if_no_mx_address_found && s->result.dsn[0] == '5')
		s->result.dsn = "4.4.4";
}

static bool try_without_srv(struct search *s, bool query_failed);

static void gathered(struct search *s)
{
	collect(s);
	if (s->candidates.count == 0) {
		no_address(s);
		if (*s->service && try_without_srv(s, false))
			return;
	} else {
		look_for_loops(s);
		arrange(s);
	}
	settle(s);
}

/* --- addresses --- */

/* A failure that may pass stands over those that do not (behaviour N-14). */
static void note_failure(struct search *s, const struct addresses_answer *a)
{
	const char *dsn = lookup_dsn(a->status);

	if (s->result.dsn && s->result.dsn[0] == '4' && dsn[0] == '5')
		return;
	fail(s, dsn, "%s", a->text);
}

static void addresses_came(void *arg, const struct addresses_answer *a)
{
	struct asked *asked = arg;
	struct search *s = asked->search;

	asked->question = NULL;
	asked->target->canonical = mem_str(a->canonical);
	if (a->status == LOOKUP_FOUND) {
		asked->list = mem_grow(NULL, a->count, sizeof a->list[0]);
		memcpy(asked->list, a->list, a->count * sizeof a->list[0]);
		asked->count = a->count;
	} else {
		note_failure(s, a);
		lookup_left_out(&s->of, asked->target->name, NULL, a->text);
	}
	if (--s->pending == 0)
		gathered(s);
}

/* All at once: the answers are in the cache, or come from different servers. */
static void ask_addresses(struct search *s)
{
	s->result.dsn = NULL;
	s->asked = mem_alloc(s->targets.count * sizeof s->asked[0]);
	s->pending = s->targets.count;
	for (size_t i = 0; i < s->targets.count; i++) {
		struct asked *a = &s->asked[i];

		a->search = s;
		a->target = &s->targets.list[i];
		a->question = addresses_ask(&s->of, a->target->name, addresses_came, a);
	}
}

static void ask_host(struct search *s)
{
	s->result.exchangers = s->result.exchangers_secure = false;
	s->result.best = 0;
	targets_add(&s->targets, s->domain, 0, 0, 0);
	ask_addresses(s);
}

static void ask_exchangers(struct search *s, bool secure)
{
	s->result.exchangers = true;
	s->result.exchangers_secure = secure;
	s->result.best = s->targets.list[0].preference;
	ask_addresses(s);
}

/* --- MX --- */

static void mx_came(void *arg, const struct lookup_answer *a)
{
	struct search *s = arg;
	bool ignore = s->of.setup->settings->ignore_mx_lookup_error && a->status != LOOKUP_FILTERED;
	enum exchangers e;

	s->lookup = NULL;
	e = exchangers_read(&s->of, s->domain, NULL, a, &s->targets, &s->result.dsn, s->text, sizeof s->text);
	if (e == EXCHANGERS_FOUND)
		ask_exchangers(s, a->secure);
	else if (e == EXCHANGERS_NONE || (e == EXCHANGERS_FAILED && ignore))
		ask_host(s);
	else
		settle(s);
}

/* A domain that is no name, or a numeric address, has no MX: it is a host, or refused as one. */
static void ask_mx(struct search *s)
{
	s->lookup = lookup_ask(&s->of, s->ascii, DNSMSG_MX, mx_came, s);
}

static void ask_domain(struct search *s)
{
	bool mx = s->of.transport->manner->protocol == PROTOCOL_SMTP && !s->exact && s->of.transport->dns;

	if (mx && *s->ascii)
		ask_mx(s);
	else
		ask_host(s);
}

/* --- SRV --- */

/* The way without SRV takes its place where the settings say so, and its result counts. */
static bool try_without_srv(struct search *s, bool query_failed)
{
	const struct settings *set = s->of.setup->settings;

	if (!set->allow_srv_lookup_fallback && !(query_failed && set->ignore_srv_lookup_error))
		return false;
	lookup_note(&s->of, "skipping SRV lookup for %s: %s", s->domain, s->text);
	forget_asked(s);
	s->service[0] = '\0';
	ask_domain(s);
	return true;
}

static void srv_came(void *arg, const struct lookup_answer *a)
{
	struct search *s = arg;
	bool failed = a->status == LOOKUP_LATER;
	enum exchangers e;

	s->lookup = NULL;
	e = exchangers_read(&s->of, s->domain, s->service, a, &s->targets, &s->result.dsn, s->text,
		sizeof s->text);
	if (e == EXCHANGERS_FOUND)
		ask_exchangers(s, a->secure);
	else if (!try_without_srv(s, failed || (e == EXCHANGERS_FAILED && a->status == LOOKUP_FOUND)))
		settle(s);
}

static void ask_srv(struct search *s)
{
	char name[DNSMSG_NAME_SIZE];

	snprintf(name, sizeof name, "%s.%s", s->service, s->ascii);
	s->lookup = lookup_ask(&s->of, name, DNSMSG_SRV, srv_came, s);
}

static bool is_listed(const char *list, const char *service)
{
	struct text rest = text_of(list), word;

	while (text_list_next(&rest, &word))
		if (text_is(word, service))
			return true;
	return false;
}

/* --- the beginning --- */

struct search *search_start(const struct lookup_for *of, const struct domain_nexthop *element,
	const char *service, uint16_t port, void (*done)(void *arg, const struct search_result *), void *arg)
{
	struct search *s = mem_alloc(sizeof *s);
	const struct settings *set = of->setup->settings;
	const char *why;
	bool named;

	s->of = *of;
	s->exact = element->exact;
	s->port = port;
	s->minds_loops = search_minds_loops(of->transport, port);
	s->done = done;
	s->arg = arg;
	s->tell = (struct loop_task){ .fn = tell, .arg = s };
	snprintf(s->domain, sizeof s->domain, "%s", element->host);
	named = element->kind == DOMAIN_NAME
		&& domain_to_ascii(text_of(element->host), set->enable_idna2003_compatibility, s->ascii, &why);
	if (!named)
		s->ascii[0] = '\0';
	if (named && !s->exact && of->transport->dns && is_listed(set->use_srv_lookup, service)) {
		snprintf(s->service, sizeof s->service, "_%s._tcp", service);
		ask_srv(s);
	} else {
		ask_domain(s);
	}
	return s;
}
