/*
 * Reads pickup mail: one message whose first fields are its envelope, X-Sender and X-Receiver, as IIS,
 * Exchange's Replay directory, PowerMTA and .NET's pickup clients write it. These fields, and only those at
 * the very top, are taken away; the rest is the message as it is to be sent, not dot-stuffed, to the end of
 * the file. Addresses may be bare, in angle brackets, or behind a display name; MAIL and RCPT parameters may
 * follow, unknown ones are ignored. Fed and answered as a BSMTP file is (format/drop/bsmtp.h), and its
 * content comes out by the same rules.
 */
#ifndef CAUSEWAY_FORMAT_PICKUP_H
#define CAUSEWAY_FORMAT_PICKUP_H

#include "format/drop/bsmtp.h"

struct pickup;

/* limits: recipients, bytes of content (0: none). */
struct pickup *pickup_new(size_t rcpt_limit, uint64_t size_limit);
void pickup_free(struct pickup *);

/* Next event; takes what it used off *slice. */
enum bsmtp_event pickup_next(struct pickup *, struct text *slice, struct text *piece);

/* The file is over: the events that are still to come, one a call, the last of them BSMTP_END and then
 * BSMTP_MORE; or BSMTP_ERROR. */
enum bsmtp_event pickup_finish(struct pickup *, struct text *piece);

/* As of bsmtp_error, bsmtp_take_envelope, bsmtp_facts. */
const char *pickup_error(const struct pickup *);
struct envelope *pickup_take_envelope(struct pickup *);
const struct bsmtp_facts *pickup_facts(const struct pickup *);

#endif
