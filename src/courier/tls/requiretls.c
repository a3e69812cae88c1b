#include "courier/tls/requiretls.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/domain.h"
#include "table/table.h"

/* An action, or a table that knows one. */
struct rule {
	struct table *table;
	enum requiretls action;
};

struct requiretls_policy {
	struct rule *rules;
	size_t count;
};

static bool read_rule(struct rule *r, struct text element, char **why)
{
	char *spec;

	*r = (struct rule){ .table = NULL };
	if (requiretls_read(element, &r->action))
		return true;
	if (!memchr(element.p, ':', element.n)) {
		*why = mem_fmt("'%.*s' is neither a table nor one of disable, opportunistic, opportunistic+starttls, "
			"enforce", (int)element.n, element.p);
		return false;
	}
	spec = mem_strn(element.p, element.n);
	r->table = table_open(spec, why);
	free(spec);
	return r->table;
}

struct requiretls_policy *requiretls_policy_open(const char *list, char **why)
{
	struct requiretls_policy *p = mem_alloc(sizeof *p);
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element)) {
		p->rules = mem_grow(p->rules, p->count + 1, sizeof *p->rules);
		if (!read_rule(&p->rules[p->count], element, why)) {
			requiretls_policy_free(p);
			return NULL;
		}
		p->count++;
	}
	return p;
}

void requiretls_policy_free(struct requiretls_policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		table_free(p->rules[i].table);
	free(p->rules);
	free(p);
}

/* "a.b.c" is followed by ".b.c" and ".c". */
static const char *look_up(struct table *t, const char *nexthop, const char **why)
{
	const char *word = table_get(t, nexthop, why);

	for (const char *at = strchr(nexthop, '.'); at && at[1] && !word && !*why; at = strchr(at + 1, '.'))
		word = table_get_part(t, at, why);
	return word;
}

/* False: the rule says nothing about this nexthop. */
static bool ask(const struct rule *r, const char *nexthop, enum requiretls *action, char **why)
{
	const char *word, *fault = NULL;

	*action = r->action;
	if (!r->table)
		return true;
	word = look_up(r->table, nexthop, &fault);
	if (!word && !fault)
		return false;
	*action = REQUIRETLS_ERROR;
	if (fault)
		*why = mem_fmt("%s: %s", table_name(r->table), fault);
	else if (!requiretls_read(text_trim(text_of(word)), action))
		*why = mem_fmt("%s has no action '%s'", table_name(r->table), word);
	return true;
}

enum requiretls requiretls_policy_find(struct requiretls_policy *p, const char *nexthop, char **why)
{
	enum requiretls action = REQUIRETLS_ENFORCE;
	char ascii[DOMAIN_SIZE];
	const char *complaint, *key = domain_to_ascii(text_of(nexthop), false, ascii, &complaint)
		? ascii : nexthop;

	*why = NULL;
	for (size_t i = 0; i < p->count && !ask(&p->rules[i], key, &action, why); i++)
		action = REQUIRETLS_ENFORCE;
	if (action == REQUIRETLS_ERROR && !*why)
		*why = mem_str("it says error");
	return action;
}
