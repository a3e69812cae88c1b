/*
 * Messages whose queue file is in memory: the disk has their drop file, from which a start makes them anew. Most
 * are finished before they need more. How much memory they may take, and the writing of those that do need more.
 */
#ifndef CAUSEWAY_SPOOL_KEPT_H
#define CAUSEWAY_SPOOL_KEPT_H

#include "spool/commit.h"
#include "spool/dirsync.h"
#include "spool/ledger.h"

struct kept;

struct kept_setup {
	struct loop *loop;
	struct disk *disk;
	struct dirsync *dirsync;
	const struct tree *tree;
	struct ledger *ledger;
	struct commit **commit;       /* exists when the first message does */
	void (*less)(void *arg);      /* there are fewer of them now; from the loop */
	void *arg;
};

struct kept *kept_new(const struct kept_setup *);
void kept_free(struct kept *);   /* when the disk is idle */
/* Writing that the disk refuses is not tried again. */
void kept_end(struct kept *);

/* Whether more may be added; at first they may. */
void kept_allow(struct kept *, bool);
/* Bytes of content that may be added now. */
size_t kept_room(const struct kept *);
/* There is little room left, but room is being made as fast as mail goes out: waiting for it is cheaper than the
 * disk. */
bool kept_is_crowded(const struct kept *);

/* One more, of so many bytes. */
void kept_add(struct kept *, uint64_t size);
/* It is finished, and was never written. */
void kept_gone(struct kept *, struct ledger_message *);

/* See spool_write. */
void kept_write(struct kept *, uint64_t id, int fd, void (*written)(void *arg, int fd), void *arg);

#endif
