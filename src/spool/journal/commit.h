/*
 * Group commit: journal lines are collected in the open batch; batches reach the disk one after the other.
 * Whoever waits on a batch is told when it is on the disk, and files that a batch declares finished are
 * removed after it. If the journal cannot be written, all wait while a new one is printed from memory
 * (doc/queue.md "The journal is rewritten").
 */
#ifndef CAUSEWAY_SPOOL_COMMIT_H
#define CAUSEWAY_SPOOL_COMMIT_H

#include "format/journal/journal_line.h"
#include "spool/disk/dirsync.h"
#include "spool/disk/disk.h"
#include "spool/disk/ids.h"
#include "spool/disk/remove.h"
#include "spool/disk/tree.h"
#include "spool/journal/journal.h"
#include "spool/journal/ledger.h"
#include "spool/parts.h"

struct commit;

struct commit_setup {
	const struct parts *parts;
	uint64_t (*oldest_claim)(void *arg);   /* see rewrite.h */
	void *arg;
};

/* Owns the journal from now on. */
struct commit *commit_new(const struct commit_setup *, const struct journal *);
void commit_free(struct commit *);

/* Adds a line to the open batch and to the ledger, behind one of kind time if the clock has jumped. */
void commit_line(struct commit *, const struct journal_line *);

/* How far the wall clock was set since this was last asked, ms; the journal has a line about it. */
int64_t commit_clock_jump(struct commit *);

/* This file is unlinked after the open batch. */
void commit_remove(struct commit *, const struct removal *);
/* The same of a finished message's file, after the batch of the next commit_tell: a batch may begin between
 * both, and whatever tells what became of the message has to come before its file goes. */
void commit_finish(struct commit *, const struct removal *);

/* done(arg) is called from the loop after the open batch. */
void commit_wait(struct commit *, void (*done)(void *arg), void *arg);
/* The same; when done returns, what it has logged is written, and then the files of commit_finish go. */
void commit_tell(struct commit *, void (*done)(void *arg), void *arg);
void commit_hurry(struct commit *);   /* see spool_hurry */

/* All files of this finished message are unlinked. */
void commit_gone(struct commit *, struct ledger_message *);

/* Whether nothing is waiting for the disk. */
bool commit_idle(const struct commit *);

uint64_t commit_journal_bytes(const struct commit *);   /* after the last batch */
size_t commit_batches(const struct commit *);

#endif
