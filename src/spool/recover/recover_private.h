/*
 * Inside the start: recover.c has its sequence, recover_settle.c what becomes of each file and line
 * (doc/queue.md, "A start"), recover_tell.c what the owner and the log hear of that.
 */
#ifndef CAUSEWAY_SPOOL_RECOVER_PRIVATE_H
#define CAUSEWAY_SPOOL_RECOVER_PRIVATE_H

#include "spool/journal/replay.h"
#include "spool/recover/listing.h"
#include "spool/recover/recover.h"

struct id_list {
	uint64_t *ids;
	size_t count, room;
};

struct recover {
	struct recover_setup setup;
	/* both run side by side; then the first one again, to remove */
	struct disk_job reading, listing_names;
	bool was_read, was_listed, was_synced;
	/* what was found may be there only until the power fails, and nothing may be removed on the word of
	 * that */
	struct dirsync_waiter synced;
	struct journal journal;
	bool journal_given;            /* it is the commit's now */
	struct commit *commit;
	struct replay replay;
	struct listing listing;
	struct id_list known;          /* messages to be told of, told up to told */
	size_t told;
	struct loop_task tell_task;
	/* reports that are removed before anybody may give their names out again */
	struct id_list unnamed;
	/* files that nothing is known about: claims which had their message's name early */
	struct id_list early;
	bool stopped;
};

/* ---- recover_settle.c: journal and directory are read ---- */

/* Decides about every file and every line, and hands claims to intake. Afterwards known, and unnamed, are
 * whole. */
void recover_settle(struct recover *);

/* ---- recover_tell.c ---- */

/* The id is the microsecond of arrival, unless a clock was set back. In ms since 1970. */
int64_t recover_time_of(const struct recover *, uint64_t id);

/* Tells the owner of one message that is in the queue. */
void recover_tell(const struct recover *, const struct ledger_message *);
/* Puts what is known into the order in which it is told: what has come last first, since much of what is old
 * waits for hosts that are dead, and there may be a lot of it. */
void recover_tell_sort(struct recover *);
/* Tells of some messages more, and goes on in the next turn of the loop, or calls recovered. arg: the
 * recover. */
void recover_tell_some(void *arg);
/* Tells the owner of the destinations that the operator has suspended. */
void recover_tell_suspensions(const struct recover *);

/* What of the journal, and of the directory, could not be read or is not ours, for the log. */
void recover_tell_damage(const struct recover *);
void recover_tell_strangers(const struct recover *);

#endif
