#include "net/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <unbound.h>
#include <unbound-event.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/dnsmsg.h"
#include "format/domain.h"
#include "net/hosts_file.h"

#define CLASS_IN 1
#define ADDRESSES_MAX 100
#define DNSSEC_BOGUS 1      /* the sec argument of libunbound's event call-back */

/* Zones that libunbound would answer by itself; what the servers say counts for these too. */
static const char *const built_in_zones[] = {
	"test.", "invalid.", "onion.", "home.arpa.", "resolver.arpa.", "service.arpa.",
};

struct resolver {
	struct loop *loop;
	struct ub_ctx *ctx;
	struct hosts_file *hosts;
	bool ipv4, ipv6;
	struct map *lookups;         /* under way, by name: struct lookup */
	struct list all;             /* struct lookup, those being told included */
};

struct resolver_query {
	struct list in;
	void (*done)(void *arg, const struct resolver_answer *);
	void *arg;
};

/* One name being looked up, for all who ask for it meanwhile. */
struct lookup {
	struct list in_all;
	struct resolver *resolver;
	char key[DOMAIN_SIZE];       /* as it was asked for, in the form for keys */
	char name[DOMAIN_SIZE];      /* as the DNS is asked */
	struct list queries;
	unsigned pending;            /* questions to the DNS */
	struct endpoint addresses[ADDRESSES_MAX];
	size_t count;
	bool later;                  /* some question failed for now */
	char text[512];
	struct loop_task tell;
};

static void lookup_free(struct lookup *l)
{
	while (!list_empty(&l->queries)) {
		struct list *first = list_first(&l->queries);

		list_remove(first);
		free(LIST_OF(first, struct resolver_query, in));
	}
	loop_cancel(l->resolver->loop, &l->tell);
	list_remove(&l->in_all);
	free(l);
}

static void describe(const struct lookup *l, struct resolver_answer *a)
{
	*a = (struct resolver_answer){ .addresses = l->addresses, .count = l->count };
	a->text = l->count ? NULL : l->text;
	a->result = l->count ? RESOLVER_FOUND : l->later ? RESOLVER_LATER : RESOLVER_NOTHING;
}

/* The answers come in any order. */
static void ipv4_first(struct lookup *l)
{
	struct endpoint e;

	for (size_t i = 1; i < l->count; i++) {
		size_t to = i;

		e = l->addresses[i];
		for (; !endpoint_is_v6(&e) && to > 0 && endpoint_is_v6(&l->addresses[to - 1]); to--)
			l->addresses[to] = l->addresses[to - 1];
		l->addresses[to] = e;
	}
}

static void tell(void *arg)
{
	struct lookup *l = arg;
	struct resolver_answer a;

	map_take(l->resolver->lookups, l->key, strlen(l->key));
	ipv4_first(l);
	describe(l, &a);
	while (!list_empty(&l->queries)) {
		struct resolver_query *q = LIST_OF(list_first(&l->queries), struct resolver_query, in);

		list_remove(&q->in);
		q->done(q->arg, &a);
		free(q);
	}
	lookup_free(l);
}

static void settle(struct lookup *l)
{
	if (l->pending == 0)
		loop_later(l->resolver->loop, &l->tell);
}

/* The first complaint stays, but one that may pass goes over one that does not. */
static void complain(struct lookup *l, bool later, const char *what, const char *detail)
{
	if (l->text[0] && (l->later || !later))
		return;
	l->later = later;
	snprintf(l->text, sizeof l->text, "%s %s%s%s", what, l->name, detail ? ": " : "",
		detail ? detail : "");
}

static void take_records(struct lookup *l, struct dnsmsg *m)
{
	struct dnsmsg_record r;
	char numeric[DNSMSG_ADDRESS_SIZE];
	enum dnsmsg_result result;
	size_t before = l->count;

	while ((result = dnsmsg_next(m, &r)) == DNSMSG_RECORD)
		if (dnsmsg_address(&r, numeric) && l->count < ADDRESSES_MAX
			&& endpoint_inet(&l->addresses[l->count], numeric, 0))
			l->count++;
	if (result == DNSMSG_BAD)
		complain(l, true, "a damaged DNS answer came for", NULL);
	else if (l->count == before)
		complain(l, false, "the DNS has no address of a wanted family for host", NULL);
}

/* The code is in the packet, or beside it where there is none. */
static void take_packet(struct lookup *l, int rcode, const void *packet, int size)
{
	struct dnsmsg m = { .rcode = (unsigned)rcode };

	if (rcode == DNSMSG_NOERROR && (!packet || size < 0 || !dnsmsg_open(&m, packet, (size_t)size)))
		complain(l, true, "a damaged DNS answer came for", NULL);
	else if (m.rcode == DNSMSG_NXDOMAIN)
		complain(l, false, "there is no such host in the DNS:", NULL);
	else if (m.rcode != DNSMSG_NOERROR)
		complain(l, true, "no good answer came from the name servers for host", NULL);
	else
		take_records(l, &m);
}

static void heard(void *arg, int rcode, void *packet, int size, int sec, char *why_bogus, int ratelimited)
{
	struct lookup *l = arg;

	(void)ratelimited;
	if (sec == DNSSEC_BOGUS)
		complain(l, true, "the DNS answer failed DNSSEC validation for host", why_bogus);
	else
		take_packet(l, rcode, packet, size);
	l->pending--;
	settle(l);
}

static void ask_dns(struct lookup *l, int type)
{
	int error = ub_resolve_event(l->resolver->ctx, l->name, type, CLASS_IN, l, heard, NULL);

	if (error == 0)
		return;
	complain(l, true, "the DNS look-up could not be made for host", ub_strerror(error));
	l->pending--;
}

static void ask_all(struct lookup *l)
{
	struct resolver *r = l->resolver;

	l->pending = (unsigned)r->ipv4 + (unsigned)r->ipv6;
	if (r->ipv4)
		ask_dns(l, DNSMSG_A);
	if (r->ipv6)
		ask_dns(l, DNSMSG_AAAA);
}

static bool wanted(const struct resolver *r, const struct endpoint *e)
{
	return endpoint_is_v6(e) ? r->ipv6 : r->ipv4;
}

static void take_hosts(struct lookup *l, const struct endpoint *found, size_t count)
{
	for (size_t i = 0; i < count && l->count < ADDRESSES_MAX; i++)
		if (wanted(l->resolver, &found[i]))
			l->addresses[l->count++] = found[i];
	if (l->count == 0)
		complain(l, false, "inet_protocols leaves no address of", NULL);
}

static void begin(struct lookup *l, struct text host)
{
	struct endpoint numeric;
	const struct endpoint *known;
	const char *why;
	size_t count;

	if (endpoint_inet(&numeric, l->name, 0)) {
		take_hosts(l, &numeric, 1);
		return;
	}
	known = hosts_file_find(l->resolver->hosts, l->name, &count);
	if (count > 0)
		take_hosts(l, known, count);
	else if (!domain_to_ascii(host, false, l->name, &why))
		complain(l, false, "not the name of a host:", why);
	else
		ask_all(l);
}

static struct lookup *lookup_new(struct resolver *r, const char *host)
{
	struct lookup *l = mem_alloc(sizeof *l);

	l->resolver = r;
	l->tell = (struct loop_task){ .fn = tell, .arg = l };
	list_init(&l->queries);
	list_append(&r->all, &l->in_all);
	domain_key(text_of(host), l->key);
	memcpy(l->name, l->key, sizeof l->name);
	map_put(r->lookups, l->key, strlen(l->key), l);
	begin(l, text_of(host));
	settle(l);
	return l;
}

struct resolver_query *resolver_ask(struct resolver *r, const char *host,
	void (*done)(void *arg, const struct resolver_answer *), void *arg)
{
	struct resolver_query *q = mem_alloc(sizeof *q);
	char key[DOMAIN_SIZE];
	struct lookup *l;

	q->done = done;
	q->arg = arg;
	domain_key(text_of(host), key);
	l = map_get(r->lookups, key, strlen(key));
	l = l ? l : lookup_new(r, host);
	list_append(&l->queries, &q->in);
	return q;
}

void resolver_cancel(struct resolver_query *q)
{
	if (!q)
		return;
	list_remove(&q->in);
	free(q);
}

/* Setting up. */

static int set_servers(struct ub_ctx *ctx, const char *servers)
{
	struct text list = text_of(servers), server;
	char address[ENDPOINT_TEXT_SIZE];
	int error = 0;

	if (text_trim(list).n == 0) {
		ub_ctx_resolvconf(ctx, NULL);
		return 0;
	}
	while (!error && text_list_next(&list, &server)) {
		snprintf(address, sizeof address, "%.*s", (int)server.n, server.p);
		error = ub_ctx_set_fwd(ctx, address);
	}
	return error;
}

static int set_up(struct ub_ctx *ctx, const struct resolver_setup *setup)
{
	int error = set_servers(ctx, setup->servers);

	ub_ctx_debuglevel(ctx, 0);
	ub_ctx_debugout(ctx, NULL);
	if (!error && setup->trust_anchor_file[0] && access(setup->trust_anchor_file, R_OK) == 0)
		error = ub_ctx_add_ta_file(ctx, setup->trust_anchor_file);
	if (!error)
		error = ub_ctx_set_option(ctx, "do-not-query-localhost:", "no");
	if (!error)
		error = ub_ctx_set_option(ctx, "unblock-lan-zones:", "yes");
	for (size_t i = 0; !error && i < sizeof built_in_zones / sizeof built_in_zones[0]; i++)
		error = ub_ctx_zone_remove(ctx, built_in_zones[i]);
	return error;
}

static void warmed_up(void *arg, int rcode, void *packet, int size, int sec, char *why_bogus,
	int ratelimited)
{
	(void)arg, (void)rcode, (void)packet, (void)size, (void)sec, (void)why_bogus, (void)ratelimited;
}

/* libunbound reads its files and starts its worker at the first question; localhost is one that needs no
 * network. */
static int warm_up(struct ub_ctx *ctx)
{
	return ub_resolve_event(ctx, "localhost.", DNSMSG_A, CLASS_IN, NULL, warmed_up, NULL);
}

struct resolver *resolver_new(struct loop *loop, const struct resolver_setup *setup, char **why)
{
	struct resolver *r = mem_alloc(sizeof *r);
	int error;

	r->loop = loop;
	r->ipv4 = setup->ipv4;
	r->ipv6 = setup->ipv6;
	list_init(&r->all);
	r->lookups = map_new();
	r->hosts = hosts_file_read(setup->hosts_file);
	r->ctx = mem_check(ub_ctx_create_event(loop_base(loop)));
	error = set_up(r->ctx, setup);
	if (!error)
		error = warm_up(r->ctx);
	if (!error)
		return r;
	*why = mem_fmt("resolver: %s (servers \"%s\", trust_anchor_file \"%s\")", ub_strerror(error),
		setup->servers, setup->trust_anchor_file);
	resolver_free(r);
	return NULL;
}

/* The context goes first: it may still report look-ups that it drops. */
void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	ub_ctx_delete(r->ctx);
	LIST_EACH(at, &r->all)
		lookup_free(LIST_OF(at, struct lookup, in_all));
	hosts_file_free(r->hosts);
	map_free(r->lookups);
	free(r);
}
