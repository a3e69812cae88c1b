/*
 * Reads a drop file in BSMTP form (RFC 2442): the file is fed in slices and answers
 * with events. The first line decides whether lines end in CRLF or LF: a CRLF file's content is ended by
 * CRLF.CRLF only, an LF file's by LF.LF only. Content comes out in wire form: every bare LF has become CRLF,
 * every other CR one space, lines that begin with a dot after that are stuffed, the end-of-data line is
 * included. So no server can read it as two messages.
 */
#ifndef CAUSEWAY_FORMAT_BSMTP_H
#define CAUSEWAY_FORMAT_BSMTP_H

#include "format/drop/bsmtp_facts.h"
#include "format/smtp/envelope.h"

struct bsmtp;

enum bsmtp_event {
	BSMTP_MORE,      /* the slice is used up: feed the next, or call bsmtp_finish */
	BSMTP_BEGIN,     /* DATA was read: the envelope is complete (bsmtp_take_envelope), content follows */
	BSMTP_CONTENT,   /* a piece of content, in wire form: *piece, valid until the next call */
	BSMTP_END,       /* the transaction is complete: its final ".CRLF" was the last piece */
	BSMTP_ERROR      /* the file is refused: bsmtp_error */
};

/* limits: recipients in one transaction, bytes of one content (0: none). */
struct bsmtp *bsmtp_new(size_t rcpt_limit, uint64_t size_limit);
void bsmtp_free(struct bsmtp *);

/* What will be fed is a queue file: made from a drop file that was good, it is good too, though printing may
 * have made its command lines somewhat longer than a drop file's may be. */
void bsmtp_expect_queue_file(struct bsmtp *);

/* Next event; takes what it used off *slice. After BSMTP_ERROR it stays at BSMTP_ERROR. */
enum bsmtp_event bsmtp_next(struct bsmtp *, struct text *slice, struct text *piece);

/* The file is over: BSMTP_MORE if that is a good end, else BSMTP_ERROR (unfinished transaction, empty
 * file, bytes after QUIT). */
enum bsmtp_event bsmtp_finish(struct bsmtp *);

/* "line 12: RCPT TO: address is longer than 1000 bytes": one cleaned line, valid until bsmtp_free. */
const char *bsmtp_error(const struct bsmtp *);

/* The transaction's envelope; the caller owns it from BSMTP_BEGIN on. NULL if none. */
struct envelope *bsmtp_take_envelope(struct bsmtp *);

/* Of the current transaction; complete at BSMTP_END. */
const struct bsmtp_facts *bsmtp_facts(const struct bsmtp *);

/* Whether all that was fed is byte for byte a queue file: "MAIL", "RCPT" … "DATA", content, all CRLF, one
 * transaction, nothing else, no change made by the rules above. Meaningful after a good bsmtp_finish. */
bool bsmtp_is_wire_form(const struct bsmtp *);

#endif
