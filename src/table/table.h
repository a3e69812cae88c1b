/*
 * Lookup tables "type:name" with Postfix's file syntax and search rules; one file a type (inline, texthash
 * here; others come beside them). Tables are opened before a sandbox closes and are immutable afterwards; a
 * reload opens them anew.
 */
#ifndef CAUSEWAY_TABLE_TABLE_H
#define CAUSEWAY_TABLE_TABLE_H

#include <stdbool.h>

#include "base/text.h"

struct table;
struct table_list;

/* Opens "type:name"; NULL and *why (one line that names table, file and line; free() it) on error. */
struct table *table_open(const char *spec, char **why);
void table_free(struct table *);

/* The value for key, or NULL; fixed-string types fold the key to lower case. Valid until table_free. *why is
 * set on a lookup error. */
const char *table_get(struct table *, const char *key, const char **why);
const char *table_name(const struct table *);   /* the spec it was opened with */

/* A list of tables and/or plain words as in maps and match lists ("a.example, texthash:/f"). */
struct table_list *table_list_open(const char *list, char **why);
void table_list_free(struct table_list *);
/* First hit in order; a plain word is a key with the value "". */
const char *table_list_get(struct table_list *, const char *key, const char **why);
/* Whether domain matches: exact, or by a ".parent" entry (sub-domains), RFC 1034 names without case. */
bool table_list_has_domain(struct table_list *, const char *domain, const char **why);
bool table_list_empty(const struct table_list *);

#endif
