/* What a type of lookup table has to provide; each type is one file, listed in table.c. For the files of this
 * floor only. */
#ifndef CAUSEWAY_TABLE_TYPE_H
#define CAUSEWAY_TABLE_TYPE_H

#include <stdbool.h>

#include "base/text.h"

/* Flags of opening: results must not depend on the key ($1). */
enum { TABLE_LITERAL = 1 };

struct table_type {
	const char *name;            /* what stands ahead of the colon */
	/* Keys are fixed strings: looked up in lower case, and in parts too. Patterns see the whole key only,
	 * as it is written. */
	bool fixed;
	/* Opens what stands behind the colon, with TABLE_… flags; NULL and *why (free() it; begins
	 * with the place inside, "line 3: …") on error. */
	void *(*open)(const char *name, unsigned flags, char **why);
	/* Value for a key, which ends with a NUL, or NULL. Valid until the next get. *why (valid as long) is
	 * set on error. */
	const char *(*get)(void *opened, const char *key, size_t n, const char **why);
	void (*close)(void *opened);
	/* Tells each value that stands there now, in any order, but for results that depend on the key; NULL: it
	 * cannot. */
	void (*each)(void *opened, void (*told)(void *arg, const char *value), void *arg);
};

extern const struct table_type table_cidr, table_inline, table_lmdb, table_pcre, table_regexp,
	table_static, table_texthash;

/* Whether it looks like "type:name"; "[IPv6:…]" does not. */
bool table_is_spec(struct text);

/* table_open with flags. */
struct table *table_open_with(const char *spec, unsigned flags, char **why);

/* Fixed strings in memory: what inline and texthash are made of. */
struct pairs;
struct pairs *pairs_new(void);
void pairs_free(struct pairs *);
/* Keeps copies, the key in lower case; false if the key was there already: the first value stays, as in
 * Postfix. */
bool pairs_add(struct pairs *, struct text key, struct text value);
const char *pairs_get(const struct pairs *, const char *key, size_t n);
size_t pairs_count(const struct pairs *);
void pairs_each(const struct pairs *, void (*told)(void *arg, const char *value), void *arg);

/* Writes t in lower case (ASCII) to out, which holds n bytes; false if it does not fit. */
bool table_fold(struct text t, char *out, size_t n);

#endif
