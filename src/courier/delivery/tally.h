/*
 * The recipients of a request: who has had an answer, who is left, and what whoever is left at the end
 * will be told. Every answer goes through here to the link, each recipient once.
 */
#ifndef CAUSEWAY_COURIER_TALLY_H
#define CAUSEWAY_COURIER_TALLY_H

#include "courier/session/session.h"
#include "link/link.h"

struct tally;

/* The request is borrowed; its time begins now. */
struct tally *tally_new(struct link *, const struct request *);
void tally_free(struct tally *);

/* Recipients without an answer. */
size_t tally_left(const struct tally *);
size_t tally_deferred(const struct tally *);      /* how many were told to wait */
const char *tally_deferred_dsn(const struct tally *);   /* the status of the last of them, or "" */

/* Answers one recipient; the verdict is used up. session: who said it, or NULL: a reason of ours. */
void tally_answer(struct tally *, uint32_t rcpt, struct verdict *, struct session *);

/* What who is left will be told, the last reason counts: a verdict that is used up, and its relay= and tls=
 * or NULL for none. */
void tally_give_reason(struct tally *, struct verdict *, const char *relay, const char *tls);
const struct verdict *tally_reason(const struct tally *);   /* its text is NULL if there is none */
void tally_answer_left(struct tally *, struct session *);

/* The envelope of those that are left: it borrows from the request's but for rcpts, which is the caller's
 * to free(); *index gets their indexes in the request's envelope, the caller's too. */
void tally_gather(const struct tally *, struct envelope *part, uint32_t **index);

/* A line for the log about this request. */
void tally_note(struct tally *, const char *text);   /* of any origin: it is cleaned */

#endif
