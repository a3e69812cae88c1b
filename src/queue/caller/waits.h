/*
 * Callers who wait for the outcome of one drop file of theirs (doc/queue.md "A caller waits"). A message with
 * such a caller gets one attempt. Its results are told as they are committed; at the attempt's end, or when
 * the caller's time is over, what is not final is offered to him, and is his again when he takes it: then it
 * is as final as a delivery, and nobody is reported on. If he leaves before, the message is one like any
 * other.
 */
#ifndef CAUSEWAY_QUEUE_WAITS_H
#define CAUSEWAY_QUEUE_WAITS_H

#include "format/drop/wait_line.h"
#include "queue/message/active.h"

struct queue;
struct waits;
struct wait;

/* --- for whoever speaks with the callers --- */

/* The user uid is about to drop a file of that name; tell(arg, line) is called for what he shall know, never
 * from inside a call of his. After WAIT_OVER, WAIT_REFUSED and WAIT_QUEUED nothing more comes. NULL if
 * somebody waits for that file already. */
struct wait *wait_begin(struct queue *, const char *name, uid_t uid,
	void (*tell)(void *arg, const struct wait_line *), void *arg);
/* His time is over. */
void wait_enough(struct wait *);
/* He takes back what was offered; false if nothing was. */
bool wait_take(struct wait *);
/* He has gone, or has been told all. To be called once, in any state; frees it. */
void wait_leave(struct wait *);

/* --- for the queue --- */

/* Nobody waits yet. */
struct waits *waits_new(struct queue *);
void waits_free(struct waits *);
/* Whether some offer has no answer yet. */
bool waits_are_open(const struct waits *);

/* A drop file has become a message, or was refused. */
void waits_arrived(struct waits *, const struct message *, const char *name, uid_t uid);
void waits_refused(struct waits *, const char *name, uid_t uid, const char *reason);
/* The message is lost from the queue otherwise than by the end of its attempts. */
void waits_lost(struct waits *, uint64_t id);

/* Whether a caller waits for this message's outcome, so that it gets one attempt only. */
bool waits_for(const struct waits *, const struct active *);
/* To be asked before whether the attempt is over: judges all who wait if the caller's time is over. */
void waits_hurry(struct waits *, struct active *);
/* The attempt is over. True if its end has to wait for the caller's answer; settle_check follows that. */
bool waits_offer(struct waits *, struct active *);
/* A recipient's final result is committed. */
void waits_result(struct waits *, const struct active *, uint32_t rcpt);
/* What a caller took back is committed. */
void waits_committed(struct wait *);

#endif
