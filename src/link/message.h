/*
 * The messages of a link as bytes. A packet is a row of messages, each: kind (one byte), length of the
 * fields, fields. A request is one MESSAGE_REQUEST and behind it, in the same and in further packets, one
 * MESSAGE_RCPT for each recipient. Requests go by their slot, a small number that indexes the page of dot
 * marks; only the queue's end knows what number it stands for. The readers check every field; they return
 * false with the fault in u->wrong and nothing to free.
 */
#ifndef CAUSEWAY_LINK_MESSAGE_H
#define CAUSEWAY_LINK_MESSAGE_H

#include "link/link.h"
#include "link/pack.h"

enum message_kind {
	/* to the courier */
	MESSAGE_HELLO = 1, MESSAGE_REQUEST, MESSAGE_RCPT, MESSAGE_RECALL, MESSAGE_CLOSE_IDLE, MESSAGE_STOP,
	/* to the queue */
	MESSAGE_CREDIT, MESSAGE_ANSWER, MESSAGE_FINISH, MESSAGE_CLOSED, MESSAGE_NOTE,
	/* both ways */
	MESSAGE_LOOKUP, MESSAGE_FOUND, MESSAGE_KEEP, MESSAGE_HAVE,
	MESSAGE_KINDS
};

/* Raised with every change of a message: an old process never misreads a new one. */
#define MESSAGE_VERSION 4

/* Begins a message in b; message_end with what it returned completes it. False from message_end: it did
 * not fit and b is as before. */
size_t message_begin(struct buf *b, enum message_kind);
bool message_end(struct buf *b, size_t begin);

/* Takes the next message off a packet: its kind, and a view of its fields. */
enum message_kind message_next(struct unpack *packet, struct unpack *fields);

/* Each appends the fields of one message, which message_begin has begun. */
void message_put_request(struct buf *, const struct request *, uint32_t slot);
void message_put_rcpt(struct buf *, const struct envelope_rcpt *);
void message_put_answer(struct buf *, const struct answer *);
void message_put_finish(struct buf *, const struct finish *);

/* The request without its recipients, whose count goes to *rcpts; the caller owns it. NULL: a fault. */
struct request *message_get_request(struct unpack *, uint32_t *rcpts);
/* Adds the recipient to the envelope; false: a fault. */
bool message_get_rcpt(struct unpack *, struct envelope *);
/* Strings point into the packet; false: a fault. */
bool message_get_answer(struct unpack *, struct answer *);
bool message_get_finish(struct unpack *, struct finish *);

#endif
