/*
 * Keeps the journal from growing without end: when most of it is about messages that are gone, the lines of
 * the others are copied to a new file beside all other work. The last step, copying what was written
 * meanwhile and taking the journal's place, is part of a commit.
 */
#ifndef CAUSEWAY_SPOOL_REWRITE_H
#define CAUSEWAY_SPOOL_REWRITE_H

#include "spool/disk/dirsync.h"
#include "spool/disk/disk.h"
#include "spool/disk/ids.h"
#include "spool/journal/journal.h"
#include "spool/journal/ledger.h"
#include "spool/parts.h"

struct rewrite;

struct rewrite_setup {
	const struct parts *parts;
	/* claim lines of ids from this one on are of use */
	uint64_t (*oldest_claim)(void *arg);
	/* the next commit must come soon, even if it is empty: rewrite_consider or rewrite_take has something
	 * to do */
	void (*ready)(void *arg);
	void *arg;
};

/* The setup is copied. */
struct rewrite *rewrite_new(const struct rewrite_setup *);
void rewrite_free(struct rewrite *);

/* All files of this finished message are unlinked: it can be forgotten by the next rewriting. */
void rewrite_gone(struct rewrite *, struct ledger_message *);

/* Whether a journal of that size is worth it. */
bool rewrite_pays(const struct rewrite *, uint64_t journal_bytes);

/* Starts a rewriting if it pays, or its next step. Called between two uses of the journal, which is good. */
void rewrite_consider(struct rewrite *, const struct journal *);

/* The replacement that waits for its last step, NULL: none. The caller must finish or drop it. */
struct journal_new *rewrite_take(struct rewrite *);

/* The journal is being replaced by other means: what is under way is of no use. */
void rewrite_cancel(struct rewrite *);

/* Appends the line of kind high for all ids given out so far and a minute of others; returns that id. */
uint64_t rewrite_print_high(struct ids *, struct buf *out);

#endif
