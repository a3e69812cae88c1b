/*
 * The spool in memory for unit tests of the queue: spool/spool.h with a journal that can be read, and commits
 * that can be held back. What was committed outlives spool_free, so that a test can start a queue again after
 * a crash.
 */
#ifndef CAUSEWAY_UNIT_FAKE_SPOOL_H
#define CAUSEWAY_UNIT_FAKE_SPOOL_H

#include "base/buf.h"
#include "spool/spool.h"

/* Puts a message in; it arrives in the next turn. content in wire form without the final dot line. */
uint64_t fake_spool_drop(struct spool *, const char *sender, const char *const *rcpts, size_t count,
                         const char *content);
/* Changes of the message to come: MAIL and RCPT parameters, its drop file's name, Received fields, age in ms;
 * no queue file of its own before spool_write. */
struct fake_spool_next {
	const char *mail_params, *rcpt_params, *drop_name;
	unsigned hops;
	int64_t age;
	bool unwritten;
};
extern struct fake_spool_next fake_spool_next;

/* A line for each journal call and each commit asked for ("commit") and done ("committed"); lines are "what
 * ID rest". */
extern struct buf fake_journal;
/* While true, commits wait. */
extern bool fake_spool_hold;
/* While true, intake is stopped, and no queue file of an unwritten message can be written; this is tried
 * again each second. */
extern bool fake_spool_full;
/* What the queue has asked for: nothing new, or nothing that is unwritten. */
extern bool fake_spool_paused, fake_spool_keeps;

/* Messages whose file is still there. */
size_t fake_spool_count(void);
/* The whole file of a message, or NULL. */
const char *fake_spool_file(uint64_t id);
/* Files handed out (fd) so far, by arrival and by load. */
extern unsigned fake_spool_loads;
/* Somebody removes the file behind the spool's back. */
void fake_spool_lose(uint64_t id);

#endif
