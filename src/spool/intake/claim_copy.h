/*
 * A file of a pickup directory on another file system cannot be claimed by renaming it: it is claimed by a
 * copy, and the original goes (doc/queue.md "Pickup directories"). Runs in disk threads, in two steps;
 * between them the journal has to know the claim.
 */
#ifndef CAUSEWAY_SPOOL_CLAIM_COPY_H
#define CAUSEWAY_SPOOL_CLAIM_COPY_H

#include <stdint.h>
#include <sys/stat.h>

#include "spool/disk/tree.h"
#include "spool/drop/source.h"

/* Bytes of a key with its NUL: device, inode, change time and size. */
enum { CLAIM_KEY_SIZE = 120 };

/* First step: copies source/name to queue/ID.part, synced, and tells the key of what was copied and its
 * owner. 0 or an errno; EAGAIN: the file changed meanwhile. */
int claim_copy(const struct tree *, const struct source *, const char *name, uint64_t id, char room[],
	char key[CLAIM_KEY_SIZE], uid_t *uid);

/* Second step: queue/ID.part gets its name as a claim, and the original is removed for good. 0 or an errno:
 * then there is no claim, and the original is where it was. */
int claim_copied(const struct tree *, const struct source *, const char *name, uint64_t id, const char *key);

/* Removes the original of a claim that is there already, if it has this key. */
void claim_remove_original(const struct source *, const char *name, const char *key);

#endif
