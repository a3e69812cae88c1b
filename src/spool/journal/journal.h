/*
 * The file queue/journal: reading, appending, and its replacement by a new one (doc/queue.md "The journal").
 * Functions wait for the disk and return 0 or an errno. One thread at a time uses a journal, but a rewriting
 * may copy from it beside appends.
 */
#ifndef CAUSEWAY_SPOOL_JOURNAL_H
#define CAUSEWAY_SPOOL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct journal {
	int dir;               /* of queue/; borrowed */
	int fd;
	uint64_t size;         /* bytes that are lines */
	uint64_t reserved;     /* blocks are there up to this offset */
	bool torn;             /* the last line has no LF … */
	bool cut;              /* … and is no line: its write was cut off */
};

/* Opens or makes the journal and removes replacements that were not finished. */
int journal_open(struct journal *, int dir);
void journal_close(struct journal *);

struct journal_damage {
	unsigned long lines;   /* skipped */
	uint64_t first;        /* offset of the first of them */
};

/* Calls line(arg, text, whole) for each good line from the beginning; room: DISK_ROOM bytes. Sets torn and
 * cut. */
int journal_read(struct journal *, void (*line)(void *arg, struct text text, struct text whole), void *arg,
	struct journal_damage *,
	char *room);

/* Appends and syncs. After an error the journal must be replaced: nothing is known about its end. */
int journal_append(struct journal *, struct text lines);

/* --- replacing it --- */

struct journal_new {
	const char *name;
	int fd, from;          /* from: the old one, a descriptor of its own */
	uint64_t size;
	uint64_t copied;       /* up to this offset the old one was dealt with */
};

/* Starts a replacement: of old, to copy from; or, if old is not open, of one that is not to be read any more.
 * There may be one of each kind at a time. */
int journal_new_begin(struct journal_new *, const struct journal *old);

/* Adds text. Where the disk is full, the ballast makes room. */
int journal_new_add(struct journal_new *, int dir, struct text);

/* Adds the old one's lines up to offset end, those that keep(arg, text) wants (NULL: all). */
int journal_new_copy(struct journal_new *, int dir, uint64_t end,
	bool (*keep)(const void *arg, struct text text), const void *arg,
	char *room);

/* Syncs the replacement and gives it the journal's name and place. After an error it is gone, and the journal
 * must be replaced. */
int journal_new_finish(struct journal_new *, struct journal *);
void journal_new_drop(struct journal_new *, int dir);

/* Makes the ballast file if it is missing or too small; an error is only a lack of reserve. */
int journal_make_ballast(int dir);

#endif
