#include "format/content/stuff.h"

#include <string.h>

/* Bytes up to the next line that begins with a dot; all if there is none. */
static size_t length_before_dot(struct text t)
{
	const char *at = memmem(t.p, t.n, "\n.", 2);

	return at ? (size_t)(at - t.p) + 1 : t.n;
}

bool stuff_next(struct stuff *s, struct text *from, struct text *piece)
{
	size_t n;

	if (from->n == 0)
		return false;
	if (!s->in_line && !s->stuffed && *from->p == '.') {
		s->stuffed = true;
		*piece = text_make(".", 1);
		return true;
	}
	n = length_before_dot(*from);
	*piece = text_make(from->p, n);
	s->in_line = from->p[n - 1] != '\n';
	s->stuffed = false;
	*from = text_make(from->p + n, from->n - n);
	return true;
}
