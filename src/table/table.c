#include "table/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/type.h"

/* An address of 1000 bytes and whatever a search puts around it; longer keys are in no table. */
enum { KEY_MAX = 1100 };

struct table {
	const struct table_type *type;
	void *opened;
	char *spec;
};

static const struct table_type *const types[] = {
	&table_inline, &table_texthash, &table_lmdb, &table_static, &table_regexp, &table_pcre, &table_cidr,
};

#define TYPE_NAMES "texthash, lmdb, inline, static, regexp, pcre, cidr"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

bool table_fold(struct text t, char *out, size_t n)
{
	if (t.n >= n)
		return false;
	for (size_t i = 0; i < t.n; i++)
		out[i] = (char)tolower((unsigned char)t.p[i]);
	out[t.n] = '\0';
	return true;
}

static const struct table_type *type_find(struct text name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (text_is(name, types[i]->name))
			return types[i];
	return NULL;
}

static char *no_type(struct text name, const char *spec)
{
	return mem_fmt("%s: there is no lookup table type \"%.*s\"; there are " TYPE_NAMES, spec,
		(int)name.n, name.p);
}

bool table_is_spec(struct text t)
{
	size_t i = 0;

	while (i < t.n && ((t.p[i] >= 'a' && t.p[i] <= 'z') || (t.p[i] >= '0' && t.p[i] <= '9')))
		i++;
	return i > 0 && i < t.n && t.p[i] == ':';
}

struct table *table_open_with(const char *spec, unsigned flags, char **why)
{
	struct text from = text_trim(text_of(spec)), name;
	const struct table_type *type;
	struct table *t;
	char *complaint;
	void *opened;

	if (!text_until(&from, ':', &name) || from.n == 0) {
		*why = mem_fmt("%s: a lookup table is written type:name", spec);
		return NULL;
	}
	type = type_find(name);
	if (!type) {
		*why = no_type(name, spec);
		return NULL;
	}
	opened = type->open(from.p, flags, &complaint);
	if (!opened) {
		*why = mem_fmt("%s: %s", spec, complaint);
		free(complaint);
		return NULL;
	}
	t = mem_alloc(sizeof *t);
	*t = (struct table){ type, opened, mem_str(spec) };
	return t;
}

struct table *table_open(const char *spec, char **why)
{
	return table_open_with(spec, 0, why);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	t->type->close(t->opened);
	free(t->spec);
	free(t);
}

const char *table_get(struct table *t, const char *key, const char **why)
{
	char folded[KEY_MAX];

	*why = NULL;
	if (!t->type->fixed)
		return t->type->get(t->opened, key, strlen(key), why);
	if (!table_fold(text_of(key), folded, sizeof folded))
		return NULL;
	return t->type->get(t->opened, folded, strlen(folded), why);
}

const char *table_get_part(struct table *t, const char *part, const char **why)
{
	*why = NULL;
	return t->type->fixed ? table_get(t, part, why) : NULL;
}

void table_each_value(struct table *t, void (*told)(void *arg, const char *value), void *arg)
{
	if (t->type->each)
		t->type->each(t->opened, told, arg);
}

const char *table_name(const struct table *t)
{
	return t->spec;
}
