#include "spool/journal/suspensions.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct suspensions {
	struct map *names;       /* to a copy of the name */
};

struct suspensions *suspensions_new(void)
{
	struct suspensions *s = mem_alloc(sizeof *s);

	s->names = map_new();
	return s;
}

void suspensions_free(struct suspensions *s)
{
	size_t cursor = 0;
	char *name;

	if (!s)
		return;
	while ((name = map_next(s->names, &cursor)))
		free(name);
	map_free(s->names);
	free(s);
}

void suspensions_apply(struct suspensions *s, const struct journal_line *line)
{
	if (line->count)
		free(map_put(s->names, line->name.p, line->name.n, mem_strn(line->name.p, line->name.n)));
	else
		free(map_take(s->names, line->name.p, line->name.n));
}

const char *suspensions_next(const struct suspensions *s, size_t *cursor)
{
	return map_next(s->names, cursor);
}

void suspensions_print(const struct suspensions *s, struct buf *out)
{
	size_t cursor = 0;
	const char *name;

	while ((name = suspensions_next(s, &cursor)))
		journal_line_print(&(struct journal_line){ .kind = JOURNAL_SUSPEND, .count = 1,
			.name = text_of(name) }, out);
}
