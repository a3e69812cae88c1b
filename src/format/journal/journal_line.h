/*
 * A line of the queue's journal, "CRC LENGTH TEXT LF" (doc/queue.md "The journal"): printing, and reading
 * bytes that a disk or a crash may have damaged. TEXT is a kind, for most kinds a queue id, and fields
 * name=value.
 */
#ifndef CAUSEWAY_FORMAT_JOURNAL_LINE_H
#define CAUSEWAY_FORMAT_JOURNAL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum journal_kind {
	JOURNAL_HIGH, JOURNAL_CLAIM, JOURNAL_BATCH, JOURNAL_IN, JOURNAL_RESULT, JOURNAL_NEXT, JOURNAL_HOLD,
	JOURNAL_SUSPECT, JOURNAL_WARNED, JOURNAL_REPORT, JOURNAL_DONE, JOURNAL_TIME, JOURNAL_SUSPEND,
	JOURNAL_OTHER   /* a kind of some other version; has an id if its second word is one */
};

/* Flags of JOURNAL_IN. */
enum {
	JOURNAL_EIGHT_BIT = 1, JOURNAL_UTF8_HEADER = 2, JOURNAL_LONG_LINES = 4, JOURNAL_TLS_OPTIONAL = 8,
	JOURNAL_REQUIRETLS = 16
};

/* The longest text of a line, bytes. */
#define JOURNAL_TEXT_MAX 8192

/* One line's values; a kind uses those that doc/queue.md gives it, the others are 0 or empty. Texts are
 * borrowed: from the caller when printing; when parsed, from the line, still encoded
 * (journal_line_decode). */
struct journal_line {
	enum journal_kind kind;
	uint64_t id;            /* 0: none */
	int64_t time;           /* in, result, next, time: ms since 1970 */
	int64_t boot;           /* time: ms of CLOCK_BOOTTIME */
	uint64_t size;          /* in: content bytes */
	uint64_t uid, hops, flags;
	uint64_t count;         /* batch, in (recipients), next (attempts), hold and suspend (0, 1),
	                         * suspect */
	uint64_t rcpt;          /* result */
	char status;            /* result */
	struct text name;       /* claim: file name; in: origin; time: boot id; suspend: destination */
	struct text dir, key;   /* claim */
	struct text dsn, peer, text;   /* result */
};

/* Appends the whole line, LF included; texts are encoded, result's text is cut to 500 bytes. */
void journal_line_print(const struct journal_line *, struct buf *out);

enum journal_found {
	JOURNAL_LINE,      /* *text is the text of a good line */
	JOURNAL_DAMAGED,   /* something was skipped */
	JOURNAL_TORN,      /* the rest has no LF and is no line: a write was cut off */
	JOURNAL_CUT,       /* such a rest, which got JOURNAL_LINE_CUT and its LF later: no damage */
	JOURNAL_MORE       /* no whole line: give more bytes, or this is the end */
};

#define JOURNAL_LINE_CUT " cut"

/* Takes the next line off *from, or what is damaged up to the next LF. last: no more bytes follow. A good
 * line whose LF is missing or damaged counts as good. *whole (may be NULL) is the line with its frame, as it
 * may be written again. */
enum journal_found journal_line_next(struct text *from, bool last, struct text *text, struct text *whole);

/* Reads a line's text; false if its fields make no sense for its kind. */
bool journal_line_parse(struct text text, struct journal_line *);

/* A parsed value without its encoding; free() it. */
char *journal_line_decode(struct text value);

#endif
