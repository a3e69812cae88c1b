/*
 * What became of a recipient, and THE failure policy: verdict.c alone says whether a failure means the next
 * host, later, or never (RFC 5321 4.2, RFC 3463). A verdict is a value; nothing here knows a socket or a
 * queue.
 */
#ifndef CAUSEWAY_TALK_VERDICT_H
#define CAUSEWAY_TALK_VERDICT_H

#include <stdbool.h>

#include "format/smtp/reply.h"

enum outcome {
	OUTCOME_NONE,      /* not judged yet */
	OUTCOME_SENT,      /* the peer has taken it */
	OUTCOME_DEFERRED,  /* later */
	OUTCOME_BOUNCED,   /* never */
	OUTCOME_KEEP,      /* not settled by this host: the next one may be asked in the same attempt */
	OUTCOME_AGAIN,     /* at once in another transaction (too many recipients; a kept connection was dead) */
	OUTCOME_ALONE,     /* as AGAIN, but in a transaction of its own for each recipient */
	OUTCOME_OURS       /* this host is the best mail exchanger itself: at once by best_mx_transport */
};

/* Whether it ends the recipient's attempt: sent, deferred or bounced. */
bool outcome_is_final(enum outcome);

/* Where in the conversation, in the order of RFC 5321. */
enum stage {
	STAGE_LOOKUP, STAGE_CONNECT, STAGE_GREETING, STAGE_HELO, STAGE_STARTTLS, STAGE_TLS, STAGE_AUTH,
	STAGE_XFORWARD_NAME, STAGE_XFORWARD_HELO,
	STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_CONTENT, STAGE_DOT, STAGE_RSET, STAGE_QUIT,
	STAGE_IDLE,    /* between transactions: a kept connection turned out to be dead */
	STAGE_LOCAL,   /* our own side */
	STAGE_COUNT
};

/* Whom a failure is about: the host, the message, or one recipient. */
enum scope { SCOPE_SITE, SCOPE_MESSAGE, SCOPE_RCPT };

#define VERDICT_DSN_SIZE 12

struct verdict {
	enum outcome outcome;
	enum stage stage;
	int code;            /* the peer's three digits; 0: no reply */
	char dsn[VERDICT_DSN_SIZE];   /* enhanced code, class fits the outcome */
	char *text;          /* for log and status, cleaned, one line: "250 2.0.0 Saved", or
	                      * "host X said: 550 … (in reply to RCPT TO command)" */
	char *reply;         /* the peer's own words, one line, cleaned; NULL if the reason is ours */
	bool maybe_twice;    /* the dot was sent, and no reply to it came but perhaps 421 */
};

void verdict_clear(struct verdict *);                                       /* frees the strings, all zero */
void verdict_copy(struct verdict *to, const struct verdict *from);         /* to is cleared first */

/* "sending RCPT TO", "receiving the initial server greeting" …; lmtp chooses EHLO or LHLO. */
const char *stage_doing(enum stage, bool lmtp);
/* "RCPT TO command", "end of DATA command" …: what a reply answered. */
const char *stage_command(enum stage, bool lmtp);
enum scope stage_scope(enum stage, bool lmtp);

/* How a reply counts at a stage. */
enum reply_meaning {
	MEANS_YES,          /* what was hoped for */
	MEANS_LATER,        /* 4xx */
	MEANS_NEVER,        /* 5xx */
	MEANS_TOO_MANY,     /* RCPT 452 or 552, not x.2.2, after others were accepted (RFC 5321 4.5.3.1.10) */
	MEANS_PROTOCOL,     /* out of place: says nothing about anybody, the session ends (4.5.0) */
	MEANS_LOST,         /* no reply: the connection broke or time ran out */
	MEANS_COUNT
};
enum reply_meaning reply_meaning(enum stage, const struct reply *, bool others_accepted);

struct policy {
	bool last_host;            /* no further host may be asked in this attempt */
	bool soft_bounce;
	bool skip_5xx_greeting;
	bool lmtp;
};

/* THE policy: what a refusal of this meaning (any but MEANS_YES) at this stage makes of a recipient; never
 * OUTCOME_SENT or OUTCOME_NONE. */
enum outcome verdict_policy(const struct policy *, enum stage, enum reply_meaning);

/* Fills v for a reply that refused; host is the peer's name[address] for the text. */
void verdict_refused(struct verdict *v, const struct policy *, enum stage, enum reply_meaning,
	const struct reply *,
	const char *host);

/* Fills v for an accepted final reply (stage STAGE_DOT). */
void verdict_sent(struct verdict *v, const struct reply *);

/* Fills v for a failure without reply: dsn "4.4.2", text "lost connection with H while sending MAIL
 * FROM". The class of dsn decides: 4 is a loss (MEANS_LOST), 5 a refusal of our own (MEANS_NEVER). text
 * is copied and cleaned. */
void verdict_lost(struct verdict *v, const struct policy *, enum stage, const char *dsn, const char *text);

/* What a failure says about the destination as a whole: SITE_BUSY is "fewer connections and soon again". */
enum site { SITE_FINE, SITE_BUSY, SITE_DEAD };
enum site site_after(enum stage, enum reply_meaning);

#endif
