/*
 * One drop file's way to the queue or to bad/: claimed, checked, stored or refused. Disk threads work on it;
 * what they found out is for the loop to act on.
 */
#ifndef CAUSEWAY_SPOOL_TAKE_H
#define CAUSEWAY_SPOOL_TAKE_H

#include <limits.h>
#include <sys/stat.h>

#include "base/list.h"
#include "spool/disk/dirsync.h"
#include "spool/disk/disk.h"
#include "spool/drop/drop.h"
#include "spool/drop/source.h"
#include "spool/intake/claim_copy.h"
#include "spool/intake/store.h"

enum take_outcome {
	/* nothing is in the way of the next step; never the outcome of take_look or take_copy */
	TAKE_GO_ON,
	/* claimed and found good so far; take_copy comes next: an outcome of take_look alone */
	TAKE_COPY,
	/* store.messages have their names, not yet durable; or, with store.unwritten, the one is in memory */
	TAKE_STORED,
	TAKE_GONE,         /* there is no such file any more, or it is not for us */
	TAKE_SETTLING,     /* it may not be finished yet: before; to be looked at again */
	/* queue/ID.part is its copy, key its mark; take_claim_copied when the journal has the claim */
	TAKE_COPIED,
	TAKE_UNCLAIMED,    /* it cannot be claimed: error */
	TAKE_DIRECTORY,    /* stays where it is; its reason was written, unless it was known before */
	/* is in bad/ under the name put ("": was an empty directory and is removed); store.reason */
	TAKE_REFUSED,
	/* has several links, or makes no sense and was written to just now: store.reason; to be looked at
	 * again */
	TAKE_UNFINISHED,
	TAKE_TROUBLE       /* the disk or the system refused: error; to be tried again */
};

struct take {
	/* what it is */
	const struct source *source;
	char name[NAME_MAX + 1];     /* in the source; "" if it was lost in a crash */
	uid_t uid;                   /* owner of the file */
	/* the loop's, also while a thread works on it */
	struct list link;
	struct disk_job job;
	struct dirsync_waiter synced;
	void *owner;
	uint64_t floor;              /* its id is not lower; a thread may be giving it one */
	bool noted;                  /* the journal has its name */
	bool *have;                  /* what store.have points to, or NULL */
	int64_t begun, due;          /* ms of loop_now: when it was first unfinished, when to look again */
	unsigned attempts;
	size_t told;                 /* messages that their receiver has */
	/* what the threads go by, and their memory from step to step */
	struct drop_hint hint;       /* what is known of the name */
	bool last_look;              /* no more TAKE_UNFINISHED: refuse */
	size_t memory;               /* bytes of it that may stay unwritten */
	bool is_copy;                /* the claim is a copy of ours: uid was known before */
	char key[CLAIM_KEY_SIZE];    /* of what was copied */
	bool claimed;                /* it is queue/ID.drop, or, with store.early, queue/ID */
	int fd;                      /* the claimed file, between look and copy; or -1 */
	struct stat before;          /* it, when it was opened */
	struct store store;
	/* their results */
	enum take_outcome outcome;
	bool durable;                /* TAKE_STORED, and the names are on the disk too */
	int error;
	int64_t arrived;             /* ms since 1970 */
	char put[NAME_MAX + 1];
};

/* For the file of that name in the source; all but the name is borrowed. */
struct take *take_new(const struct tree *, const struct source *, struct ids *, const struct store_limits *,
	const char *name);
void take_free(struct take *);

/* In a disk thread: claims, checks, and stores what need not be copied to the disk. Cheap; two threads at it
 * get into each other's way. */
void take_look(struct take *, char *room);

/* In a disk thread, after TAKE_COPIED: the copy becomes the claim, and is looked at. */
void take_claim_copied(struct take *, char *room);

/* In a disk thread, after TAKE_COPY: waits for the disk, so many threads at it are of use. */
void take_copy(struct take *, char *room);

#endif
