#include "courier/mechanisms.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "table/table.h"

/* One element of the list: a name or a table. */
struct rule {
	bool refuses;
	char *name;
	struct table *table;
};

struct mechanisms {
	struct rule *rules;
	size_t count;
};

static struct rule *add_rule(struct mechanisms *m, bool refuses)
{
	m->rules = mem_grow(m->rules, m->count + 1, sizeof *m->rules);
	m->rules[m->count] = (struct rule){ .refuses = refuses };
	return &m->rules[m->count++];
}

static bool add_table(struct mechanisms *m, bool refuses, struct text spec, char **why)
{
	char *name = mem_strn(spec.p, spec.n);
	struct table *table = table_open(name, why);

	free(name);
	if (table)
		add_rule(m, refuses)->table = table;
	return table;
}

static bool read_element(struct mechanisms *m, struct text element, char **why)
{
	bool refuses = false;

	for (; element.n && *element.p == '!'; element = text_make(element.p + 1, element.n - 1))
		refuses = !refuses;
	if (element.n == 0) {
		*why = mem_str("nothing stands behind a !");
		return false;
	}
	if (*element.p == '/') {
		*why = mem_str("a list holds names and tables (type:name), not files");
		return false;
	}
	if (memchr(element.p, ':', element.n))
		return add_table(m, refuses, element, why);
	add_rule(m, refuses)->name = mem_strn(element.p, element.n);
	return true;
}

struct mechanisms *mechanisms_open(const char *list, char **why)
{
	struct mechanisms *m = mem_alloc(sizeof *m);
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element))
		if (!read_element(m, element, why)) {
			mechanisms_free(m);
			return NULL;
		}
	return m;
}

void mechanisms_free(struct mechanisms *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		free(m->rules[i].name);
		table_free(m->rules[i].table);
	}
	free(m->rules);
	free(m);
}

static bool passes(const struct mechanisms *m, struct text mechanism, const char **why)
{
	char *name = mem_strn(mechanism.p, mechanism.n);
	bool found = false, refuses = m->count > 0;

	for (size_t i = 0; i < m->count && !found && !*why; i++) {
		const struct rule *r = &m->rules[i];

		found = r->table ? table_get(r->table, name, why) != NULL : text_is_nocase(mechanism, r->name);
		if (found)
			refuses = r->refuses;
	}
	free(name);
	return !refuses;
}

bool mechanisms_filter(const struct mechanisms *m, const char *offered, struct buf *out, const char **why)
{
	struct text rest = text_of(offered), word;

	*why = NULL;
	while (text_word(&rest, &word)) {
		if (!passes(m, word, why) || *why)
			continue;
		if (out->len)
			buf_char(out, ' ');
		buf_add(out, word.p, word.n);
	}
	return !*why;
}
