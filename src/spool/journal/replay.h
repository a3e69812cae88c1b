/* Reads the journal at start: into the ledger, and what only a start needs beside it. Runs in a disk
 * thread. */
#ifndef CAUSEWAY_SPOOL_REPLAY_H
#define CAUSEWAY_SPOOL_REPLAY_H

#include "base/map.h"
#include "spool/disk/ids.h"
#include "spool/journal/journal.h"
#include "spool/journal/ledger.h"

/* What a claim's line says of its file; texts are "" where they are lost or do not apply. */
struct replay_claim {
	char *dir, *name, *key;
	uint64_t uid;
};

struct replay {
	struct ledger *ledger;
	struct ids *ids;
	struct idmap *claims;      /* id to struct replay_claim *: of claims that became no message */
	struct idmap *reasons;     /* id to char *: text of the last deferral */
	struct journal_damage damage;
	int error;                 /* the journal could not be read to its end */
};

/* Ledger and ids are borrowed, and filled by replay_read. */
void replay_init(struct replay *, struct ledger *, struct ids *);
void replay_clear(struct replay *);

/* Reads all of the journal; r->error and r->damage say what went wrong. room: of the disk thread
 * (DISK_ROOM). */
void replay_read(struct replay *, struct journal *, char *room);

/* "" if there is none. */
const char *replay_reason(const struct replay *, uint64_t id);
const struct replay_claim *replay_claim(const struct replay *, uint64_t id);

#endif
