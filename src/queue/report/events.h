/*
 * The feed of events for programs: one JSON object a line for each message taken in or refused and for each
 * result of a recipient, told when it is on the disk. Members are explained in causeway-admin(7).
 */
#ifndef CAUSEWAY_QUEUE_EVENTS_H
#define CAUSEWAY_QUEUE_EVENTS_H

#include "queue/message/active.h"

struct queue;

/* Who listens; told with a line and its LF. NULL: nobody, and the functions below do nothing. */
struct events {
	void (*tell)(void *arg, const char *line, size_t n);
	void *arg;
};

/* The message was taken in; its file is on the disk. */
void event_accepted(const struct queue *, const struct spool_message *);
void event_refused(const struct queue *, const char *name, uid_t uid, const char *reason);
/* The recipient's note was committed. */
void event_result(const struct queue *, const struct active *, uint32_t rcpt);
/* Another end of a recipient who was only deferred until then: "expired", or "returned" to the caller who
 * waits. */
void event_end(const struct queue *, const struct active *, uint32_t rcpt, const char *status);
/* The operator has deleted the message, with all who were left. */
void event_deleted(const struct queue *, uint64_t id);

#endif
