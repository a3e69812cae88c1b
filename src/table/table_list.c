#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/table.h"
#include "table/type.h"

enum { KEY_MAX = 1100 };

/* A row of plain words, or a table. */
struct element {
	struct pairs *words;
	struct table *table;
};

struct table_list {
	struct element *elements;
	size_t count;
};

static struct element *add_element(struct table_list *l)
{
	l->elements = mem_grow(l->elements, l->count + 1, sizeof *l->elements);
	l->elements[l->count] = (struct element){ NULL, NULL };
	return &l->elements[l->count++];
}

/* Words that follow each other share one element, so that a long list is searched as fast as a table. */
static bool add_word(struct table_list *l, struct text word, char **why)
{
	struct element *e = l->count && l->elements[l->count - 1].words ? &l->elements[l->count - 1]
		: add_element(l);

	if (!e->words)
		e->words = pairs_new();
	if (word.p[0] == '/' || word.p[0] == '!') {
		*why = mem_fmt("%.*s: a list holds words and tables (type:name), neither files nor exceptions",
			(int)word.n, word.p);
		return false;
	}
	pairs_add(e->words, word, text_make("", 0));
	return true;
}

static bool add_table(struct table_list *l, struct text spec, unsigned flags, char **why)
{
	char *name = mem_strn(spec.p, spec.n);
	struct table *t = table_open_with(name, flags, why);

	free(name);
	if (!t)
		return false;
	add_element(l)->table = t;
	return true;
}

static bool add(struct table_list *l, struct text element, unsigned flags, bool words, char **why)
{
	if (table_is_spec(element))
		return add_table(l, element, flags, why);
	if (words)
		return add_word(l, element, why);
	*why = mem_fmt("'%.*s' is no lookup table: write type:name", (int)element.n, element.p);
	return false;
}

static struct table_list *open_with(const char *list, unsigned flags, bool words, char **why)
{
	struct table_list *l = mem_alloc(sizeof *l);
	struct text from = text_of(list), element;

	while (text_list_next(&from, &element)) {
		if (element.n == 0)
			continue;
		if (!add(l, element, flags, words, why)) {
			table_list_free(l);
			return NULL;
		}
	}
	return l;
}

struct table_list *table_list_open(const char *list, char **why)
{
	return open_with(list, 0, true, why);
}

struct table_list *table_list_open_tables(const char *list, char **why)
{
	return open_with(list, 0, false, why);
}

struct table_list *table_list_open_literal(const char *list, char **why)
{
	return open_with(list, TABLE_LITERAL, false, why);
}

void table_list_free(struct table_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		pairs_free(l->elements[i].words);
		table_free(l->elements[i].table);
	}
	free(l->elements);
	free(l);
}

static const char *word_get(struct element *e, const char *key)
{
	char folded[KEY_MAX];

	if (!table_fold(text_of(key), folded, sizeof folded))
		return NULL;
	return pairs_get(e->words, folded, strlen(folded));
}

static const char *list_get(struct table_list *l, const char *key,
	const char *(*get)(struct table *, const char *key, const char **why), const char **why)
{
	const char *value = NULL;

	*why = NULL;
	for (size_t i = 0; i < l->count && !value && !*why; i++) {
		struct element *e = &l->elements[i];

		value = e->table ? get(e->table, key, why) : word_get(e, key);
	}
	return value;
}

const char *table_list_get(struct table_list *l, const char *key, const char **why)
{
	return list_get(l, key, table_get, why);
}

const char *table_list_get_part(struct table_list *l, const char *part, const char **why)
{
	return list_get(l, part, table_get_part, why);
}

bool table_list_has_domain(struct table_list *l, const char *domain, const char **why)
{
	const char *dot;

	if (table_list_get(l, domain, why) || *why)
		return !*why;
	for (dot = strchr(domain, '.'); dot; dot = strchr(dot + 1, '.'))
		if (table_list_get_part(l, dot, why) || *why)
			return !*why;
	return false;
}

void table_list_each_value(struct table_list *l, void (*told)(void *arg, const char *value), void *arg)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->elements[i].table)
			table_each_value(l->elements[i].table, told, arg);
}
