/* The multiparts that are open, and the lines that are their boundaries (RFC 2046 5.1.1). For mime.c only. */
#ifndef CAUSEWAY_FORMAT_MIME_LEVELS_H
#define CAUSEWAY_FORMAT_MIME_LEVELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* A multipart. */
struct mime_level {
	char *boundary;        /* of n bytes; owned by the levels */
	size_t n;
	bool cut;              /* the boundary went on behind n bytes */
	bool digest;           /* its parts are messages where they say nothing else */
	bool sealed;           /* it is signed, or inside one that is */
};

/* The outermost is the first; all zero: none. */
struct mime_levels {
	struct mime_level *at;
	size_t depth, room;
};

/* One more, the innermost. */
void mime_levels_push(struct mime_levels *, const struct mime_level *);
/* All but the outermost depth of them are over. */
void mime_levels_drop(struct mime_levels *, size_t depth);
void mime_levels_free(struct mime_levels *);

/* The innermost; NULL: none is open. */
const struct mime_level *mime_levels_top(const struct mime_levels *);
/* Whose boundary the line is, counted from 1, the innermost first; 0: nobody's. Whether it is the last one of
 * it. */
size_t mime_levels_find(const struct mime_levels *, struct text line, bool *last);

#endif
