/* inline:{key=value, {key = value with blanks}}: the table stands in the configuration itself. */
#include "table/type.h"

#include "base/mem.h"

static bool add_element(struct pairs *p, struct text element, char **why)
{
	struct text from = element, key;

	text_unbrace(&from);
	if (!text_until(&from, '=', &key) || text_trim(key).n == 0) {
		*why = mem_fmt("\"%.*s\" is not key=value", (int)element.n, element.p);
		return false;
	}
	if (pairs_add(p, text_trim(key), text_trim(from)))
		return true;
	*why = mem_fmt("key \"%.*s\" stands twice", (int)text_trim(key).n, text_trim(key).p);
	return false;
}

static void *inline_open(const char *name, unsigned flags, char **why)
{
	struct text all = text_trim(text_of(name)), element;
	struct pairs *p;

	(void)flags;
	if (!text_unbrace(&all)) {
		*why = mem_str("an inline table is written inline:{key=value, ...}");
		return NULL;
	}
	p = pairs_new();
	while (text_list_next(&all, &element)) {
		if (!add_element(p, element, why)) {
			pairs_free(p);
			return NULL;
		}
	}
	if (pairs_count(p))
		return p;
	*why = mem_str("the table is empty");
	pairs_free(p);
	return NULL;
}

static const char *inline_get(void *opened, const char *key, size_t n, const char **why)
{
	(void)why;
	return pairs_get(opened, key, n);
}

static void inline_close(void *opened)
{
	pairs_free(opened);
}

static void inline_each(void *opened, void (*told)(void *arg, const char *value), void *arg)
{
	pairs_each(opened, told, arg);
}

const struct table_type table_inline = { "inline", true, inline_open, inline_get, inline_close, inline_each };
