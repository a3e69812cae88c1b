#include "format/content/unstuff.h"

#include <string.h>

bool unstuff_next(struct unstuff *u, struct text *from, struct text *piece)
{
	const char *at;
	size_t n;

	if (from->n > 0 && !u->in_line && *from->p == '.') {
		*from = text_make(from->p + 1, from->n - 1);
		u->in_line = true;   /* the bytes may end here, and a second dot of the line is one of its own */
	}
	if (from->n == 0)
		return false;
	at = memmem(from->p, from->n, "\n.", 2);
	n = at ? (size_t)(at - from->p) + 1 : from->n;
	*piece = text_make(from->p, n);
	u->in_line = from->p[n - 1] != '\n';
	*from = text_make(from->p + n, from->n - n);
	return true;
}
