#include "courier/hosts/dnssec_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"

struct dnssec_probe {
	struct resolver *resolver;
	struct resolver_query *query;
	enum dnsmsg_type type;
	char name[DOMAIN_SIZE];
	char *question;
	bool settled;                /* a validated answer was seen, or the question was asked */
};

static bool parse(const char *question, enum dnsmsg_type *type, char name[DOMAIN_SIZE], const char **why)
{
	struct text rest = text_of(question), word;
	char *copy;

	*why = "it is written type:name, as ns:.";
	if (!text_until(&rest, ':', &word) || rest.n == 0 || rest.n >= DOMAIN_SIZE)
		return false;
	copy = mem_strn(word.p, word.n);
	*type = dnsmsg_type_of(copy);
	free(copy);
	*why = "there is no such type of DNS records";
	if (!*type)
		return false;
	domain_key(rest, name);
	return text_is(rest, ".") || domain_check(rest, why);
}

bool dnssec_probe_check(const char *question, const char **why)
{
	enum dnsmsg_type type;
	char name[DOMAIN_SIZE];

	return !*question || parse(question, &type, name, why);
}

struct dnssec_probe *dnssec_probe_new(struct resolver *r, const char *question)
{
	struct dnssec_probe *p = mem_alloc(sizeof *p);
	const char *why;

	p->resolver = r;
	p->question = mem_str(question);
	p->settled = !parse(question, &p->type, p->name, &why);
	return p;
}

void dnssec_probe_free(struct dnssec_probe *p)
{
	if (!p)
		return;
	resolver_cancel(p->query);
	free(p->question);
	free(p);
}

static void answered(void *arg, const struct resolver_answer *a)
{
	struct dnssec_probe *p = arg;

	p->query = NULL;
	if (a->result == RESOLVER_FOUND && a->dnssec == DNSSEC_SECURE)
		return;
	log_line(LOG_LEVEL_WARNING, NULL, NULL,
		"DNSSEC validation may be unavailable: no validated answer so far, and dnssec_probe '%s' got %s",
		p->question, a->result == RESOLVER_FOUND ? "one that is not validated" : a->text);
	log_line(LOG_LEVEL_WARNING, NULL, NULL,
		"mail goes on without it; what needs validated answers (TLS levels dane and dane-only) has none: see "
		"resolver { servers, trust_anchor_file }");
}

void dnssec_probe_saw(struct dnssec_probe *p, bool secure)
{
	if (!p || p->settled)
		return;
	p->settled = true;
	if (!secure)
		p->query = resolver_ask(p->resolver, p->name, p->type, answered, p);
}
