/* All directories that drop files come from, each watched; their names are given in turn, so that none waits
 * for another. */
#ifndef CAUSEWAY_SPOOL_SOURCES_H
#define CAUSEWAY_SPOOL_SOURCES_H

#include "spool/drop/drop.h"

struct sources;

/* drop/new and the pickup directories of the setup; names(arg) as of drop_new. NULL and a line in *why
 * (free() it) if one of them cannot be used. */
struct sources *sources_new(struct loop *, struct disk *, const struct tree *, const struct spool_setup *,
	void (*names)(void *arg), void *arg, char **why);
void sources_free(struct sources *);

/* Names are looked for from now on; no more. */
void sources_begin(struct sources *);
void sources_end(struct sources *);
/* Form and settle_ms of the pickup directories that are in the setup. */
void sources_reconfigure(struct sources *, const struct spool_setup *);

/* The next name to try and the directory that it is in; false: none now. */
bool sources_next(struct sources *, const struct source **, char name[NAME_MAX + 1], struct drop_hint *);

/* The one of that name, or drop/new. */
const struct source *sources_find(const struct sources *, const char *name);

#endif
