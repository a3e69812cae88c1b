/* Where a recipient gets its one result of an attempt: into memory, into the journal, and onto the list of
 * what is told after commit. */
#ifndef CAUSEWAY_QUEUE_JUDGE_H
#define CAUSEWAY_QUEUE_JUDGE_H

#include "queue/message/active.h"

struct queue;

/* values is copied; when and sent_off are filled in if 0. A refusal is journalled later, together with the
 * report about it, so that no crash can lose the report (see doc/queue.md); until then the recipient would
 * simply be asked for again. */
void judge(struct queue *, struct active *, uint32_t rcpt, const struct note *values);

/* A result that was found here, without a courier; transport is the one that would have been used, NULL:
 * none. */
void judge_here(struct queue *, struct active *, uint32_t rcpt, const char *transport, enum outcome,
	const char *dsn, const char *text);

/* Judges all who wait in the message's lines as deferred; dsn and text NULL: for the trouble of their
 * destination. */
void judge_waiting(struct queue *, struct active *, const char *dsn, const char *text);
/* Records a result that was kept back for its report (queue/report/report_success.h). */
void judge_record_kept(struct queue *, struct active *, uint32_t rcpt);
/* Records the results that were not when they came, because the message was unwritten. */
void judge_record_all(struct queue *, struct active *);

/* Writes a result to the journal: 's', 'd', 'b' or 'e'; all but 'd' are final. */
void judge_record(struct queue *, struct active *, uint32_t rcpt, char status);

#endif
