/*
 * The way of every queue file to the disk: ID.part (ID.K.part) is written and synced, then renamed to ID. So
 * a file called ID is whole. Runs in disk threads; the caller waits for the directory.
 */
#ifndef CAUSEWAY_SPOOL_PART_H
#define CAUSEWAY_SPOOL_PART_H

#include <stdint.h>

#include "spool/disk/tree.h"

/* The steps of doc/queue.md that are made on the way. */
struct part_steps {
	const char *written, *synced, *renamed;
};
extern const struct part_steps part_of_message, part_of_report;

/* Makes part k of a claim or message, or empties it: a descriptor for writing; or -1 and errno. */
int part_open(const struct tree *, uint64_t id, unsigned k);

/* Closes a part, synced unless writing it has met an error already. 0 or an errno, that one or the sync's. */
int part_close(int fd, int error, const struct part_steps *);

/* The closed part becomes the message with id `to`, which may have its name from an attempt that failed
 * half-way: that file is whole, and the same. 0 or an errno; either way there is no part any more. */
int part_finish(const struct tree *, uint64_t id, unsigned k, uint64_t to, const struct part_steps *);

/* The part is not wanted any more; harmless if there is none. */
void part_remove(const struct tree *, uint64_t id, unsigned k);

#endif
