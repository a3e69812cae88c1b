/*
 * All messages of the queue by id: what is kept of a message however many there are, at most 128 bytes each
 * with allocator and indexes. Envelope and recipients are in memory only while a message is active
 * (queue/message/active.h). Times here are of the boot clock, so that a jump of the wall clock needs no walk
 * over the queue.
 */
#ifndef CAUSEWAY_QUEUE_MESSAGE_H
#define CAUSEWAY_QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum message_state {
	MESSAGE_INCOMING,     /* waits for its first attempt, envelope on the disk */
	MESSAGE_DEFERRED,     /* waits for a further attempt, envelope on the disk */
	MESSAGE_LOADING,      /* its envelope is being read */
	MESSAGE_ACTIVE,       /* its attempt is under way */
	MESSAGE_HELD,         /* waits for the operator */
	MESSAGE_STATES
};

/* What the operator wants of a message that is just being loaded or delivered; or, as the routes have
 * changed, that its attempt ends and the next one begins at once. */
enum message_order { ORDER_NONE, ORDER_HOLD, ORDER_DELETE, ORDER_ROUTE };

#define MESSAGE_ATTEMPTS_MAX 1023
#define MESSAGE_REPORTS_MAX 2047      /* without the bit QUEUE_ID_NOTICE */
#define MESSAGE_SUSPECT_MAX 3

struct active;
struct bits;
struct reason;

struct message {
	uint64_t id;
	int64_t arrived;              /* ms of the boot clock; may lie before the boot */
	int64_t due;                  /* ms of the boot clock; meaningful while it waits */
	struct active *active;        /* NULL but in MESSAGE_ACTIVE */
	/* of the last deferral; shared by all messages with the same one; NULL: none */
	struct reason *reason;
	union {
		uint64_t few;         /* bit i: recipient i has its final result */
		struct bits *many;    /* the same for more than 64 recipients */
	} final;
	uint32_t heap_at;             /* place in the schedule + 1; 0: not there */
	unsigned attempts:10, reports:11, suspect:2, state:3, is_many:1;
	unsigned order:2;             /* enum message_order */
	unsigned parked:1;            /* a destination will make it due */
	unsigned called:1;            /* a destination has made it due, and has room for it in its line */
	unsigned warned:1;            /* its sender was told that it is late, or needs not be */
};

struct messages;
struct messages *messages_new(void);
void messages_free(struct messages *);        /* with all that are in it */

/* A new message in MESSAGE_INCOMING, or NULL if there is one of that id. */
struct message *messages_add(struct messages *, uint64_t id);
struct message *messages_find(const struct messages *, uint64_t id);          /* NULL: none of that id */
/* Frees it; it must be neither active nor in the schedule. */
void messages_remove(struct messages *, struct message *);
/* Any order; cursor starts at 0; NULL at the end; no change meanwhile. */
struct message *messages_each(const struct messages *, size_t *cursor);

/* The only way to change m->state: the numbers below stay right. */
void messages_set_state(struct messages *, struct message *, enum message_state);
size_t messages_in(const struct messages *, enum message_state);              /* how many are in it now */
size_t messages_total(const struct messages *);

/* Keeps a copy of the text (cut to 200 bytes) as the message's last reason. */
void messages_set_reason(struct messages *, struct message *, const char *text);
const char *message_reason(const struct message *);   /* "" if none */

/* ms since it arrived; 0 if the clock was set back since. */
int64_t message_age(const struct message *, int64_t now);

/* Whether recipient number rcpt of the envelope has its final result; and that it has. */
bool message_is_final(const struct message *, size_t rcpt);
void message_set_final(struct message *, size_t rcpt, size_t count);   /* count: recipients of the message */

/* The name under which its state is shown. */
const char *message_state_name(const struct message *);
/* These names in alphabetical order: "active" for i = 0, "deferred", "held", "incoming", then NULL. */
const char *messages_shown(size_t i);
bool message_state_is_known(const char *name);                              /* whether it is one of these */
size_t messages_in_shown(const struct messages *, const char *name);        /* how many are shown under it */

#endif
