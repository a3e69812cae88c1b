/*
 * Watches a directory that drop files come from, and names the files in it: by inotify as they come, by a
 * scan (scan.h) at start, after an overflow, and once in a while. Holds a bounded number of names, however
 * many files there are. The same name may be given twice.
 */
#ifndef CAUSEWAY_SPOOL_DROP_H
#define CAUSEWAY_SPOOL_DROP_H

#include <limits.h>

#include "spool/disk/disk.h"
#include "spool/drop/source.h"

struct drop;

/* The source is borrowed. names(arg) is called from the loop when there are
 * names to take again. Nothing is looked at before drop_begin. NULL and an errno in *error if the directory
 * cannot be watched. */
struct drop *drop_new(struct loop *, struct disk *, const struct source *, void (*names)(void *arg),
	void *arg, int *error);
void drop_free(struct drop *);   /* no job of its own may be outstanding (disk_idle) */

/* Starts looking; drop_end: no more. */
void drop_begin(struct drop *);
void drop_end(struct drop *);

/* What is known of a name before it is looked at. */
struct drop_hint {
	bool directory;          /* drop_is_directory was called for it */
	bool complete;           /* its writer has closed it, or it was moved in */
	bool linked;             /* it was linked into place */
	struct stat seen;        /* what drop_settling told of it last … */
	int64_t seen_ms;         /* … and for how long it has looked so; 0: nothing was told */
};

/* The next name to try. False: none now, names will be called. */
bool drop_next(struct drop *, char name[NAME_MAX + 1], struct drop_hint *);

/* The name cannot be claimed: it is given again after a while that grows. Returns whether this is news. */
bool drop_stuck(struct drop *, const char *name);

/* The file may not be finished: it is given again when it did not change for the source's settle_ms. */
void drop_settling(struct drop *, const char *name, const struct stat *now);

/* Its owner has enough messages for now: it is given again when there may be room. */
void drop_full(struct drop *, const char *name);

/* The name is a directory, which stays. Returns whether this is news. */
bool drop_is_directory(struct drop *, const char *name);

/* The name was taken or has gone: nothing special is known of it any more. */
void drop_forget(struct drop *, const char *name);

#endif
