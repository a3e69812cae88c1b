#include "courier/tls/tls_loglevel.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "talk/tls_log.h"

/* The question so far: ends with the first entry, or an error. */
struct search {
	struct table_list *tables;
	const char *found, *error;
};

static bool is_over(const struct search *s)
{
	return s->found || s->error;
}

static void ask_whole(struct search *s, const char *key)
{
	if (!is_over(s))
		s->found = table_list_get(s->tables, key, &s->error);
}

static void ask_part(struct search *s, const char *key)
{
	if (!is_over(s))
		s->found = table_list_get_part(s->tables, key, &s->error);
}

static void ask_parents(struct search *s, const char *name, bool below)
{
	for (const char *dot = strchr(name, '.'); dot && !is_over(s); dot = strchr(dot + 1, '.')) {
		ask_part(s, dot);
		if (below)
			ask_part(s, dot + 1);
	}
}

/* "192.0.2.1", then "192.0.2", "192.0", "192"; of IPv6 the same at colons. */
static void ask_beginnings(struct search *s, const char *address)
{
	char *rest = mem_str(address);
	char separator = strchr(address, ':') ? ':' : '.', *end;

	while (!is_over(s) && (end = strrchr(rest, separator))) {
		*end = '\0';
		ask_part(s, rest);
	}
	free(rest);
}

unsigned tls_loglevel_of(struct table_list *tables, bool below, const char *name, const char *address,
	unsigned usual)
{
	struct search s = { tables, NULL, NULL };

	ask_whole(&s, name);
	ask_parents(&s, name, below);
	ask_whole(&s, address);
	if (*address != '/')
		ask_beginnings(&s, address);
	if (!s.found || text_is_nocase(text_of(s.found), "DUNNO"))
		return usual;
	return tls_log_words(s.found);
}
