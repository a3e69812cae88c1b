/* The directories that drop files come from: drop/new, and pickup directories, which their owners write to in
 * ways of their own. */
#ifndef CAUSEWAY_SPOOL_SOURCE_H
#define CAUSEWAY_SPOOL_SOURCE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "spool/disk/tree.h"
#include "spool/spool.h"

struct drop;

struct source {
	char *name;                 /* "drop", or the directory's path: origin of its messages */
	char *path;
	int dir;                    /* descriptor */
	int bad;                    /* where its refused files go */
	char *bad_path;
	enum drop_file_form form;
	bool pickup;                /* else all in it is finished and every name counts */
	struct drop *drop;          /* who watches it */
	int64_t settle_ms;          /* pickup: without a change for so long, a file counts as finished */
};

/* drop/new of the tree. */
struct source *source_drop(const struct tree *);

/* A pickup directory; NULL and a line in *why (free() it) if it or its bad directory cannot be used: what is
 * in it must be readable and removable for us. */
struct source *source_pickup(const struct tree *, const struct spool_pickup *, char **why);
void source_free(struct source *);

/* Whether a pickup directory's file of that name is somebody's temporary or put-away one. */
bool source_leaves_alone(const char *name);

#endif
