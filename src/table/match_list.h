/*
 * Match lists as in Postfix: words, networks, tables (type:name), files with more of these (/path), each an
 * exception behind "!". The first element that matches decides. Opened before a sandbox closes.
 */
#ifndef CAUSEWAY_TABLE_MATCH_LIST_H
#define CAUSEWAY_TABLE_MATCH_LIST_H

#include <stdbool.h>

struct match_list;

/* How far a word reaches. */
enum match_reach {
	MATCH_ITSELF,
	MATCH_DOTTED,       /* ".parent" stands for all names below as well */
	MATCH_BELOW         /* "parent" does so too */
};

/* What stands behind a slash. */
enum match_slash {
	MATCH_FILES,
	MATCH_PATHS         /* the path of a socket unless there is a file with that name */
};

/* NULL and *why (names the element; free() it) if it cannot be read. */
struct match_list *match_list_open(const char *list, enum match_slash, char **why);
void match_list_free(struct match_list *);

/* Whether it has no element, so that nothing can match. */
bool match_list_empty(const struct match_list *);

/* Whether the first element that matches key (letters without case) is no exception. False and *why, valid
 * until the next question, if a table cannot be asked. */
bool match_list_has(const struct match_list *, const char *key, enum match_reach, const char **why);

#endif
