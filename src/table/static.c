/* static:VALUE or static:{VALUE WITH BLANKS}: every key has this value. */
#include "table/type.h"

#include <stdlib.h>

#include "base/mem.h"

static void *static_open(const char *name, unsigned flags, char **why)
{
	struct text value = text_of(name);

	(void)flags;
	(void)why;
	if (value.n >= 2 && value.p[0] == '{' && value.p[value.n - 1] == '}')
		value = text_trim(text_make(value.p + 1, value.n - 2));
	return mem_strn(value.p, value.n);
}

static const char *static_get(void *opened, const char *key, size_t n, const char **why)
{
	(void)key;
	(void)n;
	(void)why;
	return opened;
}

static void static_close(void *opened)
{
	free(opened);
}

static void static_each(void *opened, void (*told)(void *arg, const char *value), void *arg)
{
	told(arg, opened);
}

const struct table_type table_static = { "static", true, static_open, static_get, static_close, static_each };
