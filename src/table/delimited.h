/* "/pattern/flags" as regexp_table(5) and pcre_table(5) write it. For the files of this floor only. */
#ifndef CAUSEWAY_TABLE_DELIMITED_H
#define CAUSEWAY_TABLE_DELIMITED_H

#include <stdint.h>

#include "base/text.h"

/* A letter behind the pattern, and the options that it switches over. The table of them ends with letter
 * 0. */
struct delimited_flag {
	char letter;
	uint32_t options;
};

/* Takes pattern and flags off the front of the line. The pattern (free() it), with *options changed as the
 * flags say; NULL and *why (free() it) if they are no good. */
char *delimited_take(struct text *line, const struct delimited_flag *known, uint32_t *options, char **why);

#endif
