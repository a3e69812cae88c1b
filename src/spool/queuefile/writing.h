/*
 * Gives unwritten messages (doc/queue.md) their queue files. The disk has their drop file, from which a start
 * makes them anew, and most are finished before they need more.
 */
#ifndef CAUSEWAY_SPOOL_WRITING_H
#define CAUSEWAY_SPOOL_WRITING_H

#include "spool/disk/dirsync.h"
#include "spool/journal/commit.h"
#include "spool/journal/ledger.h"
#include "spool/parts.h"
#include "spool/queuefile/budget.h"

struct writings;

/* The parts are borrowed; the commit has to be there when the first message is. */
struct writings *writings_new(const struct parts *);
void writings_free(struct writings *);   /* when the disk is idle */
/* What the disk refuses is not tried again. */
void writings_end(struct writings *);

/* See spool_write. */
void writings_add(struct writings *, uint64_t id, int fd, void (*written)(void *arg, int fd), void *arg);

#endif
