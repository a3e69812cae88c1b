/* Unlinks files of the queue, in groups, by some threads at once. */
#ifndef CAUSEWAY_SPOOL_REMOVE_H
#define CAUSEWAY_SPOOL_REMOVE_H

#include "spool/disk/disk.h"
#include "spool/disk/tree.h"

struct remover;

struct removal {
	uint64_t id;
	unsigned count;        /* of a drop file with several messages; else 0 */
	bool drop;             /* ID.drop, not ID */
};

/* removed(arg, removal) is called from the loop for each file that is gone. One that cannot be unlinked
 * stays, with a line in the log: the journal says that it is done, so the next start tries again. */
struct remover *remover_new(struct disk *, const struct tree *,
	void (*removed)(void *arg, const struct removal *), void *arg);
void remover_free(struct remover *);

/* Takes n files to be removed (copied); each is told when it is gone. */
void remover_add(struct remover *, const struct removal *, size_t n);

#endif
