/*
 * Lookup tables "type:name" with Postfix's file syntax and search rules; one file a type. Tables are opened
 * before a sandbox closes and are immutable afterwards; a reload opens them anew.
 *
 * The fixed-string types (inline, texthash, static) fold keys to lower case and are asked for parts of a key
 * too (an address without its extension, a domain, ".parent"); the pattern types (regexp, pcre, cidr) see the
 * whole key only, once, as it is written.
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

/* The value for key, or NULL. Valid until the next table_get of this table. *why (valid as long) is set on a
 * lookup error. */
const char *table_get(struct table *, const char *key, const char **why);
/* The same for a part of what is looked for: pattern types are not asked. */
const char *table_get_part(struct table *, const char *part, const char **why);
/* Tells each value that stands in the table now, but for results that depend on the key; lmdb, which is asked
 * afresh, tells none. */
void table_each_value(struct table *, void (*told)(void *arg, const char *value), void *arg);
const char *table_name(const struct table *);   /* the spec it was opened with */

/* A list of tables and/or plain words, as a list of domains is ("a.example, texthash:/f"). */
struct table_list *table_list_open(const char *list, char **why);
/* The same of tables alone, as parameters called ..._maps are: a word without a type is a mistake. */
struct table_list *table_list_open_tables(const char *list, char **why);
/* These too, but results must stand in the tables as they are, without $1: where whoever writes an address
 * must not choose what becomes of it. */
struct table_list *table_list_open_literal(const char *list, char **why);
void table_list_free(struct table_list *);
/* First hit in order; a plain word is a key with the value "". */
const char *table_list_get(struct table_list *, const char *key, const char **why);
/* The same for a part of what is looked for: pattern types are not asked. */
const char *table_list_get_part(struct table_list *, const char *part, const char **why);
/* Whether domain matches: exact, or by a ".parent" entry (sub-domains), RFC 1034 names without case. */
bool table_list_has_domain(struct table_list *, const char *domain, const char **why);
/* As table_each_value, of all tables of the list. */
void table_list_each_value(struct table_list *, void (*told)(void *arg, const char *value), void *arg);

#endif
