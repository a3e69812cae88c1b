#include "courier/tls/dane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/domain.h"

enum { BASES_MAX = 2, NAME_SIZE = DOMAIN_SIZE + 16 };

struct dane {
	struct lookup_for lookups;
	struct security *security;
	struct lookup *lookup;
	struct loop_task later;          /* tells what is known without a question */
	char bases[BASES_MAX][DOMAIN_SIZE];  /* names that may have TLSA records, the first one counts */
	size_t base_count, at;
	char name[DOMAIN_SIZE];          /* of the host, for DNS */
	char *host;                      /* the same for people */
	uint16_t port;
	bool mx_used, mx_secure;
	char *why;                       /* the host may not be used */
	void (*done)(void *arg, struct security *, const char *dsn, const char *why);
	void *arg;
};

static void dane_free(struct dane *d)
{
	free(d->host);
	free(d->why);
	free(d);
}

void dane_cancel(struct dane *d)
{
	if (!d)
		return;
	loop_cancel(d->lookups.setup->loop, &d->later);
	lookup_cancel(d->lookup);
	security_free(d->security);
	dane_free(d);
}

/* --- the end --- */

static void refuse(struct dane *d, const char *what)
{
	d->why = mem_fmt("%s for %s:%u", what, d->host, d->port);
}

static void finish(struct dane *d)
{
	struct security *s = d->security;

	if (!d->why && s->wrapper && s->policy.level < TLS_ENCRYPT)
		refuse(d, "level dane came to nothing, and tls_wrappermode needs encrypt or a stricter one");
	if (!d->why)
		tls_policy_complete(&s->policy, d->lookups.transport->manner, &d->why);
	d->done(d->arg, s, "4.7.5", d->why);
	dane_free(d);
}

static void tell(void *arg)
{
	finish(arg);
}

/* Without records dane is another level, and dane-only nothing. */
static void fall_back(struct dane *d, enum tls_level level, const char *what)
{
	if (d->security->policy.level == TLS_DANE_ONLY)
		refuse(d, what);
	else
		d->security->policy.level = level;
}

/* --- records --- */

/* Usages 0 and 1 have no meaning for SMTP (RFC 7672 3.1.3); matching type 255 is private. */
static bool is_usable(const struct dnsrecord *r)
{
	return r->size > 3 && (r->data[0] == 2 || r->data[0] == 3) && r->data[2] != 255;
}

static void add_record(struct security *s, const struct dnsrecord *r)
{
	unsigned char *data = mem_alloc(r->size - 3);

	memcpy(data, r->data + 3, r->size - 3);
	s->records = mem_grow(s->records, s->record_count + 1, sizeof *s->records);
	s->records[s->record_count++] = (struct tls_record){ .usage = r->data[0], .selector = r->data[1],
		.matching = r->data[2], .data = data, .size = r->size - 3 };
}

static void add_records(struct dane *d, const struct lookup_answer *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (is_usable(&a->records[i]))
			add_record(d->security, &a->records[i]);
		else
			lookup_note(&d->lookups, "warning: TLSA record %zu of %s cannot be used, it is passed over",
				i + 1, d->bases[d->at]);
}

/* An MX that nobody vouches for may be anybody's: who answers there is then at most trusted, or not even
 * looked at. */
static void weigh_insecure_mx(struct dane *d)
{
	struct tls_policy *p = &d->security->policy;

	if (!d->mx_used || d->mx_secure || p->level != TLS_DANE)
		return;
	if (d->lookups.transport->manner->tls_dane_insecure_mx_policy == INSECURE_MX_ENCRYPT)
		p->level = TLS_ENCRYPT;
	else
		p->half = true;
}

static void use(struct dane *d, const struct lookup_answer *a)
{
	struct security *s = d->security;

	s->base = mem_str(d->bases[d->at]);
	s->mx_used = d->mx_used;
	add_records(d, a);
	if (s->record_count == 0)
		fall_back(d, TLS_ENCRYPT, "TLSA records unusable");
	else
		weigh_insecure_mx(d);
}

/* --- questions --- */

static void ask(struct dane *d);

static void answered(void *arg, const struct lookup_answer *a)
{
	struct dane *d = arg;

	d->lookup = NULL;
	if (a->status == LOOKUP_FOUND && a->secure && a->count > 0) {
		use(d, a);
	} else if (a->status != LOOKUP_FOUND && a->status != LOOKUP_NOTHING) {
		refuse(d, "TLSA lookup error");
	} else if (++d->at < d->base_count) {
		ask(d);
		return;
	} else {
		fall_back(d, TLS_MAY, "no TLSA records found");
	}
	finish(d);
}

/* RFC 6698 3 */
static void ask(struct dane *d)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "_%u._tcp.%s", d->port, d->bases[d->at]);
	d->lookup = lookup_ask(&d->lookups, name, DNSMSG_TLSA, answered, d);
}

static void add_base(struct dane *d, const char *name)
{
	for (size_t i = 0; i < d->base_count; i++)
		if (strcmp(d->bases[i], name) == 0)
			return;
	if (d->base_count < BASES_MAX)
		snprintf(d->bases[d->base_count++], DOMAIN_SIZE, "%s", name);
}

/* An alias in a signed zone of a host in one that is not: the alias itself may have records (RFC 7672
 * 2.2.2). */
static void alias_answered(void *arg, const struct lookup_answer *a)
{
	struct dane *d = arg;

	d->lookup = NULL;
	if (a->status == LOOKUP_FOUND && a->secure) {
		add_base(d, d->name);
		ask(d);
		return;
	}
	if (a->status == LOOKUP_FOUND || a->status == LOOKUP_NOTHING)
		fall_back(d, TLS_MAY, "no TLSA records found");
	else
		refuse(d, "CNAME lookup error");
	finish(d);
}

/* --- what has to be so before anything is asked --- */

/* What of the configuration makes answers that cannot be relied on; NULL: nothing. */
static const char *obstacle(const struct dane *d)
{
	const struct manner *m = d->lookups.transport->manner;

	if (!d->lookups.transport->host_dns)
		return "DANE needs host_lookup = dns";
	if (!d->lookups.transport->dnssec)
		return "DANE needs dns_support_level = dnssec";
	if (*m->dns_resolver_options)
		return "DANE does not go with dns_resolver_options";
	if (m->protocol == PROTOCOL_SMTP && d->lookups.setup->settings->ignore_mx_lookup_error)
		return "DANE does not go with ignore_mx_lookup_error";
	return NULL;
}

static bool may_begin(struct dane *d)
{
	const char *what = obstacle(d);

	if (what) {
		lookup_note(&d->lookups, "warning: %s", what);
		fall_back(d, TLS_MAY, what);
		return false;
	}
	if (!d->mx_used || d->mx_secure)
		return true;
	if (d->security->policy.level == TLS_DANE_ONLY)
		refuse(d, "non DNSSEC destination");
	else if (d->lookups.transport->manner->tls_dane_insecure_mx_policy == INSECURE_MX_MAY)
		d->security->policy.level = TLS_MAY;
	else
		return true;
	return false;
}

static void begin(struct dane *d, const struct host *h)
{
	char canonical[DOMAIN_SIZE];
	bool forced = d->lookups.transport->manner->tls_force_insecure_host_tlsa_lookup;
	const char *why;

	if (!domain_to_ascii(text_of(h->name), false, d->name, &why)) {
		fall_back(d, TLS_MAY, "no TLSA records found");
		loop_later(d->lookups.setup->loop, &d->later);
	} else if (h->secure || forced) {
		if (*h->canonical && domain_to_ascii(text_of(h->canonical), false, canonical, &why))
			add_base(d, canonical);
		add_base(d, d->name);
		ask(d);
	} else if (*h->canonical) {
		d->lookup = lookup_ask(&d->lookups, d->name, DNSMSG_CNAME, alias_answered, d);
	} else {
		fall_back(d, TLS_MAY, "no TLSA records found");
		loop_later(d->lookups.setup->loop, &d->later);
	}
}

struct dane *dane_ask(const struct lookup_for *lookups, struct security *s, const struct host *h,
	void (*done)(void *arg, struct security *, const char *dsn, const char *why), void *arg)
{
	struct dane *d = mem_alloc(sizeof *d);

	d->lookups = *lookups;
	d->security = s;
	d->later = (struct loop_task){ .fn = tell, .arg = d };
	d->host = mem_str(h->name);
	d->port = endpoint_port(&h->at);
	d->mx_used = h->mx_used;
	d->mx_secure = h->mx_secure;
	d->done = done;
	d->arg = arg;
	if (may_begin(d))
		begin(d, h);
	else
		loop_later(lookups->setup->loop, &d->later);
	return d;
}
