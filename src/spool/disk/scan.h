/*
 * Reads a directory a piece at a time, each piece by one job for the disk, so that neither the loop waits nor
 * more names than a piece holds are in memory. A directory that cannot be read looks empty: the next scan may
 * see more.
 */
#ifndef CAUSEWAY_SPOOL_SCAN_H
#define CAUSEWAY_SPOOL_SCAN_H

#include <stdbool.h>

#include "spool/disk/disk.h"

struct scan;

struct scan_events {
	void (*name)(void *arg, const char *name);   /* each but "." and "..", in the directory's order */
	/* all names of this piece were given; may begin the next one */
	void (*piece)(void *arg);
};

/* dir: a descriptor, borrowed like the disk and the events. Called back from the loop only. */
struct scan *scan_new(struct disk *, int dir, const struct scan_events *, void *arg);
void scan_free(struct scan *);   /* no job of its own may be outstanding (disk_idle) */

/* Reads the next piece; the first one if nothing was begun. Not while one is being read. */
void scan_next(struct scan *);

/* A piece is being read. */
bool scan_is_reading(const struct scan *);
/* Whether a piece was read that was not the last. Not while one is being read. */
bool scan_is_begun(const struct scan *);

#endif
