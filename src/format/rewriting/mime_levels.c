#include "format/rewriting/mime_levels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void mime_levels_push(struct mime_levels *l, const struct mime_level *level)
{
	if (l->depth == l->room) {
		l->room = l->room ? 2 * l->room : 4;
		l->at = mem_grow(l->at, l->room, sizeof *l->at);
	}
	l->at[l->depth++] = *level;
}

void mime_levels_drop(struct mime_levels *l, size_t depth)
{
	while (l->depth > depth)
		free(l->at[--l->depth].boundary);
}

void mime_levels_free(struct mime_levels *l)
{
	mime_levels_drop(l, 0);
	free(l->at);
}

const struct mime_level *mime_levels_top(const struct mime_levels *l)
{
	return l->depth ? &l->at[l->depth - 1] : NULL;
}

/* What stands behind a boundary in its line, without blanks at the end. */
static struct text behind_boundary(const struct mime_level *l, struct text line)
{
	struct text rest = text_make(line.p + 2 + l->n, line.n - 2 - l->n);

	while (rest.n && strchr(" \t\r\n", rest.p[rest.n - 1]) && rest.p[rest.n - 1])
		rest.n--;
	return rest;
}

/* Whether the line is the boundary of that level, and whether it is the last one of it. */
static bool is_boundary_of(const struct mime_level *l, struct text line, bool *last)
{
	struct text rest;

	*last = false;
	if (line.n < l->n + 2 || memcmp(line.p + 2, l->boundary, l->n) != 0)
		return false;
	rest = behind_boundary(l, line);
	*last = rest.n >= 2 && memcmp(rest.p + rest.n - 2, "--", 2) == 0;
	return l->cut || rest.n == (*last ? 2 : 0);
}

size_t mime_levels_find(const struct mime_levels *l, struct text line, bool *last)
{
	if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
		return 0;
	for (size_t i = l->depth; i > 0; i--)
		if (is_boundary_of(&l->at[i - 1], line, last))
			return i;
	return 0;
}
