/*
 * What the journal says, in memory: one small record a message, fed with the journal's lines as they are read
 * at start and as they are written later. It can print itself as a new journal.
 */
#ifndef CAUSEWAY_SPOOL_LEDGER_H
#define CAUSEWAY_SPOOL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/journal/journal_line.h"

struct ledger;
struct suspensions;

#define LEDGER_INLINE 8   /* bytes of final bits inside the record: 64 recipients */

struct ledger_message {
	uint64_t id;
	int64_t arrived, next;        /* ms since 1970 */
	uint64_t size;
	union {
		uint8_t here[LEDGER_INLINE];
		uint8_t *there;
	} final;                      /* ledger_final_bits */
	uint32_t final_bytes;
	uint32_t count;               /* recipients; 0: not known */
	uint32_t uid, attempts;
	uint32_t line_bytes;          /* of its lines in the journal that are of use; among them … */
	uint32_t deferral_bytes;      /* … those of the deferrals of the last attempt */
	uint32_t next_bytes;          /* … and the last that says when to try again */
	int64_t recent;               /* time of the first deferral of the last attempt, as its line has it */
	uint16_t reports;             /* highest report number used */
	uint8_t suspect, hops, flags;
	uint8_t origin;               /* ledger_origin */
	/* of its names in queue/, those that are still there: ID and its drop file */
	uint8_t files;
	bool accepted : 1;            /* there is an `in` line */
	bool held : 1, done : 1;
	bool warned : 1;              /* its sender was told that it is late */
	bool trying : 1;              /* deferrals of an attempt have come, its `next` not yet */
	bool owned : 1;               /* counted for its owner */
	bool present : 1;             /* at start: its file was seen, or is being made again */
	bool unwritten : 1;           /* there is no file ID yet, only the drop file */
};

/* Nothing is known yet. */
struct ledger *ledger_new(void);
void ledger_free(struct ledger *);

struct ledger_message *ledger_get(const struct ledger *, uint64_t id);   /* NULL: not known */
struct ledger_message *ledger_add(struct ledger *, uint64_t id);         /* the same, but makes it known */
/* any order; cursor starts at 0; NULL at the end */
struct ledger_message *ledger_next(const struct ledger *, size_t *cursor);
/* Messages of that owner which are not done; reports are nobody's. */
size_t ledger_owned(const struct ledger *, uint64_t uid);

/* Takes in one line (bytes: its length in the file); texts are not encoded. Returns its message, NULL if the
 * line is about none. */
struct ledger_message *ledger_apply(struct ledger *, const struct journal_line *, size_t bytes);

/* Destinations that are suspended; the ledger's. */
const struct suspensions *ledger_suspensions(const struct ledger *);

/* Forgets the message: its files are gone for good. */
void ledger_forget(struct ledger *, struct ledger_message *);

/* The message's lines are of no more use, though it cannot be forgotten yet. */
void ledger_lines_dead(struct ledger *, struct ledger_message *);

/* Bytes of journal lines that are of use. */
uint64_t ledger_live_bytes(const struct ledger *);

/* The bits of the recipients that have their final result. */
const uint8_t *ledger_final_bits(const struct ledger_message *);

/* Name of the directory that a message came from, "" if not known; the ledger's. */
const char *ledger_origin(const struct ledger *, const struct ledger_message *);

/* What a rewriting must know of a message to choose among its lines. */
struct ledger_live {
	uint64_t id;
	int64_t recent;
	uint32_t attempts;
};

/* All messages, by ascending id; free() it. */
struct ledger_live *ledger_live(const struct ledger *, size_t *count);

/* Appends lines from which an empty ledger would become this one (ledger_print.c); now: the line of kind time
 * that opens them. */
void ledger_print(const struct ledger *, const struct journal_line *now, struct buf *out);

#endif
