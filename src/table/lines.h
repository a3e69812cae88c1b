/*
 * The logical lines of a table, which Postfix's lookup tables have in common: a line that begins with a blank
 * continues the one before; empty lines and lines whose first character behind blanks is # count as nothing,
 * between lines and inside one. For the files of this floor only.
 */
#ifndef CAUSEWAY_TABLE_LINES_H
#define CAUSEWAY_TABLE_LINES_H

#include <stdbool.h>

#include "base/text.h"

/* What becomes of the lines: take gets one without blanks at its ends, and where it began (1 is the first);
 * false and a complaint in *why (allocated) to end the reading. */
struct lines {
	bool (*take)(void *arg, unsigned number, struct text line, char **why);
	void *arg;
};

/* Reads the file; false and "what" or "line N: what" in *why (free() it). */
bool lines_of_file(const struct lines *, const char *file, char **why);

/* The same of a table that stands in the configuration, "{ {line} {line} … }"; the place is "rule N". */
bool lines_inline(const struct lines *, const char *braces, char **why);

#endif
