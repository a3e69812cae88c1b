/* texthash:FILE, the file that postmap(1) would index, read as it is: a logical line is "key blanks
 * value". */
#include "table/type.h"

#include "base/log.h"
#include "base/mem.h"
#include "table/lines.h"

struct filling {
	const char *name;
	struct pairs *pairs;
};

/* Bytes of the first word; blanks inside double quotes belong to it (quoted local parts). */
static size_t key_length(struct text t)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < t.n; i++) {
		if (t.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (t.p[i] == ' ' || t.p[i] == '\t'))
			break;
	}
	return i;
}

/* A line without a value is passed over with a warning, as Postfix does, so that its tables work
 * unchanged. */
static bool take(void *arg, unsigned number, struct text line, char **why)
{
	struct filling *f = arg;
	size_t n = key_length(line);
	struct text key = text_make(line.p, n), value = text_trim(text_make(line.p + n, line.n - n));

	(void)why;
	if (value.n == 0)
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"texthash:%s: line %u: no value behind the key; the line is ignored", f->name,
			number);
	else if (!pairs_add(f->pairs, key, value))
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"texthash:%s: line %u: the key \"%.*s\" stands twice; the first value counts",
			f->name, number, (int)key.n, key.p);
	return true;
}

static void *texthash_open(const char *name, unsigned flags, char **why)
{
	struct filling f = { name, pairs_new() };

	(void)flags;
	if (lines_of_file(&(struct lines){ take, &f }, name, why))
		return f.pairs;
	pairs_free(f.pairs);
	return NULL;
}

static const char *texthash_get(void *opened, const char *key, size_t n, const char **why)
{
	(void)why;
	return pairs_get(opened, key, n);
}

static void texthash_close(void *opened)
{
	pairs_free(opened);
}

static void texthash_each(void *opened, void (*told)(void *arg, const char *value), void *arg)
{
	pairs_each(opened, told, arg);
}

const struct table_type table_texthash = { "texthash", true, texthash_open, texthash_get, texthash_close,
	texthash_each };
