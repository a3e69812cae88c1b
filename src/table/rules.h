/*
 * What the pattern tables (regexp, pcre, cidr) have in common: rules in the order of the file, of which the
 * first that fits gives the result.
 *
 *	PATTERN result      !PATTERN result      if PATTERN … endif      if !PATTERN … endif
 *
 * A rule that Postfix would pass over with a warning is an error here: a table that is only half in force
 * sends mail where nobody wanted it. For the files of this floor only.
 */
#ifndef CAUSEWAY_TABLE_RULES_H
#define CAUSEWAY_TABLE_RULES_H

#include <stdbool.h>

#include "base/text.h"
#include "table/template.h"

enum rules_match { RULES_NO, RULES_YES, RULES_OTHER, RULES_ERROR };

struct rules_kind {
	/* Takes a pattern off the front of the line (its "!" is gone) and gives it ready for use, with the
	 * number of its groups; NULL and *why (free() it) if it is no good. */
	void *(*take)(struct text *line, unsigned *groups, char **why);
	/* Whether the key fits. RULES_OTHER: the pattern has nothing to say of such a key, not even with "!".
	 * RULES_ERROR: and why, constant. If groups is not NULL, what each of the pattern's groups matched goes
	 * there, as a part of key, from groups[1] on, as far as there are places (TEMPLATE_GROUPS). */
	enum rules_match (*match)(void *pattern, const char *key, size_t n, struct text *groups,
		const char **why);
	void (*release)(void *pattern);
	bool substitutes;            /* $1 and $$ mean something in its results */
};

/* Reads rules from a file or, if name begins with a brace, from name itself. These are as in table_type. */
void *rules_open(const struct rules_kind *, const char *name, unsigned flags, char **why);
const char *rules_get(void *rules, const char *key, size_t n, const char **why);
void rules_close(void *rules);
void rules_each(void *rules, void (*told)(void *arg, const char *value), void *arg);

#endif
