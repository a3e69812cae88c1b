/*
 * The result of a rule as Postfix's pattern tables write it: $1, ${1} and $(1) stand for what the pattern's
 * first group matched, $$ for a dollar. For the files of this floor only.
 */
#ifndef CAUSEWAY_TABLE_TEMPLATE_H
#define CAUSEWAY_TABLE_TEMPLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* Groups that a result may name: $0 does not exist, but has a place. */
enum { TEMPLATE_GROUPS = 64 };

struct template;

/* NULL and *why (free() it) if something behind a dollar is no number of a group. */
struct template *template_new(struct text, char **why);
void template_free(struct template *);

/* The highest group that it names; 0: none, the text is the same for every key. */
unsigned template_highest(const struct template *);

/* Appends the text with groups[1] and so on in place; a group that took no part in the match is empty. */
bool template_expand(const struct template *, const struct text *groups, struct buf *out);

#endif
