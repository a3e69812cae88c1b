/*
 * What uses the spool in tests of crashes, in the place of the queue: it sends each message at once, to a
 * peer who remembers whom he was sent what, and records the result. The recipient's name says what the peer
 * answers. The notes outlive the processes and machines of the test.
 */
#ifndef CAUSEWAY_UNIT_SPOOL_PEER_H
#define CAUSEWAY_UNIT_SPOOL_PEER_H

#include "spool_world.h"

/* What a recipient's name means; any other is taken by the peer. */
#define PEER_DEFER "defer"       /* waits, and is not tried again */
#define PEER_LATE "late"         /* the same, and its sender is told, by a report to … */
#define PEER_DELAY "delay"
#define PEER_BOUNCE "bounce"     /* refused, with a report to … */
#define PEER_REPORT "report"
#define PEER_HOLD "hold"         /* held, and sent to nobody */
#define PEER_DELETE "delete"     /* deleted, and sent to nobody */
#define PEER_WORDY "wordy"       /* taken; before that come so many deferrals that the journal is rewritten */

/* A BSMTP transaction to that name. */
#define PEER_MAIL(to) "MAIL FROM:<a@example.org>\nRCPT TO:<" to "@example.org>\nDATA\nx\n.\n"

enum { PEER_NOTES = 200, PEER_NAME = 20, PEER_WORDY_LINES = 9000 };

struct peer_note {
	uint64_t id;
	/* 's'ent, 'f'inal and committed, 'd'eferred and committed, 'h'eld and committed */
	char what;
	char name[PEER_NAME];
};

struct peer_notes {
	size_t count;
	struct peer_note all[PEER_NOTES];
};

/* Shared with all processes that are forked later. */
extern struct peer_notes *peer_notes;
void peer_notes_new(void);

/* How many notes say so. */
int peer_count(char what, const char *name);

/* Begins to use the spool. */
void peer_begin(struct world *);

/* Every one of the names was served, and nothing is in motion; so many messages are left. */
bool peer_is_complete(const struct world *, const char *const *names, size_t count, size_t left);

/* Fails the test unless everybody got something, and nobody a copy that he should not have; what: for the
 * complaint. */
void peer_check(const struct world *, const char *const *names, size_t count, size_t left, const char *what);

#endif
