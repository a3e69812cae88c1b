/*
 * The SMTP/LMTP client dialogue as a pure engine: no sockets, no clock, no call-backs. Its driver
 * (courier/session/session.c) writes what dialogue_speak appends, feeds what the peer says to dialogue_hear,
 * and collects verdicts.
 *
 * A table of steps in the order of RFC 5321; each step's `say` writes at most one command and returns the
 * next step, its `hear` only records. Every command enters the ring of replies owed; a reply belongs to the
 * oldest entry. Pipelining (RFC 2920) is one bit a step. A reply that nothing awaits ends the session and
 * is credited to nobody.
 *
 * One life: dialogue_new → (dialogue_begin → speak/hear … → DIALOGUE_IDLE)* → dialogue_quit → … →
 * DIALOGUE_END. The first dialogue_begin comes before the first dialogue_speak or dialogue_hear.
 *
 * When a kept connection turns out to be dead before anything was heard for the new message, its recipients
 * get OUTCOME_AGAIN: no failure, they want another connection at once.
 */
#ifndef CAUSEWAY_TALK_DIALOGUE_H
#define CAUSEWAY_TALK_DIALOGUE_H

#include <stdint.h>

#include "format/smtp/ehlo.h"
#include "format/smtp/envelope.h"
#include "format/smtp/xforward.h"
#include "talk/auth.h"
#include "talk/manner.h"
#include "talk/requiretls.h"
#include "talk/verdict.h"

struct dialogue;

/* A peer that answers EHLO with our own name: nothing; that mail would come back to us (5.4.6), or, where
 * better hosts could not be reached, that these must be waited for (4.4.6). */
enum own_name { OWN_NAME_FINE, OWN_NAME_LOOPS, OWN_NAME_WAITS };
/* How far TLS goes with a peer. */
enum dialogue_tls {
	DIALOGUE_TLS_NEVER,
	DIALOGUE_TLS_OFFERED,          /* where the peer offers it */
	DIALOGUE_TLS_MUST              /* no mail without it */
};

struct dialogue_setup {
	const struct manner *manner;   /* borrowed for the dialogue's life */
	const char *host;              /* "name[address]" or "name[/path]", for texts; copied */
	const char *relay;             /* the same with the port, for the log; NULL: as host; copied */
	enum dialogue_tls tls;
	/* how strictly a request for it is applied, of whatever mail goes this way */
	enum requiretls requiretls;
	bool tls_ready;                /* our side has what TLS needs */
	bool tls_first;                /* before the greeting, without STARTTLS (tls_wrappermode) */
	const char *myhostname;        /* expands an empty lhlo_name/helo_name; copied */
	unsigned discard;              /* EHLO_… bits taken as not announced; EHLO_SILENT: without a remark */
	unsigned pix;                  /* PIX_… workarounds where the greeting is that of a PIX firewall */
	enum own_name own_name;        /* what it means that the peer calls itself by our name */
	unsigned debug;                /* debug_peer_level if the conversation is to be remarked on, else 0 */
	bool soft_bounce;              /* soft_bounce of the configuration */
	bool keeps_8bit;               /* disable_mime_output_conversion */
	bool no_smtputf8;              /* smtputf8_enable = no: neither asked for nor used */
	bool hints;                    /* helpful_warnings: remarks say what could be changed */
	size_t reply_line;             /* bytes kept of a line of a reply, at most REPLY_LINE_MAX; 0: that */
	struct reply_filter filter;    /* of replies' lines; replace is NULL: none */
};

/* A conversation that has not begun; manner is borrowed, strings are copied. */
struct dialogue *dialogue_new(const struct dialogue_setup *);
void dialogue_free(struct dialogue *);

/* One message for some recipients; all is borrowed until the transaction is over. */
struct transaction {
	const struct envelope *envelope;  /* recipients in this transaction: all of it */
	const struct xforward *client;    /* that the message came from; NULL: it is not told */
	int64_t age;                      /* ms since the message arrived */
	uint64_t content_size;            /* bytes to be sent with the trace lines, without the dot line: SIZE= */
	bool eight_bit;                   /* some byte of the content is above 127 */
	bool utf8_header;                 /* such a byte in its header */
	bool probe;                       /* RCPT only, never content */
	bool last_host;                   /* no further host may be asked in this attempt */
	bool retry_in_clear;              /* if TLS fails, this host is asked once more without: see
	                                   * dialogue_wants_clear */
	bool rested;                      /* the connection lay idle: it may turn out to be dead */
};

/* Starts a transaction on a dialogue that is new or idle, or where one may follow. */
void dialogue_begin(struct dialogue *, const struct transaction *);

enum dialogue_want {
	DIALOGUE_REPLY,     /* a reply is awaited: read, with dialogue_timeout */
	DIALOGUE_CONTENT,   /* send trace lines, content and the final dot, then call dialogue_content_sent; go on
	                     * reading meanwhile */
	DIALOGUE_DOT,       /* the same with ".CRLF" alone: 354 came though nobody was accepted */
	/* start TLS, then call dialogue_secured or dialogue_unsecured; nothing is heard until then */
	DIALOGUE_TLS,
	DIALOGUE_LISTEN,    /* call dialogue_heard_nothing, unless there is something to be heard now */
	/* call dialogue_login, dialogue_login_begun, dialogue_login_none or dialogue_login_fails */
	DIALOGUE_LOGIN,
	DIALOGUE_IDLE,      /* all recipients are judged, another transaction may begin (or dialogue_quit) */
	DIALOGUE_END        /* all recipients are judged: write what was said last, then close the connection */
};

/* Appends the commands that may be sent now (nothing twice) and says what is wanted next. out takes about
 * 4 KiB, or one command if that is longer; its ceiling must leave room for 64 KiB. */
enum dialogue_want dialogue_speak(struct dialogue *, struct buf *out);

/* The peer's bytes; all are consumed. */
void dialogue_hear(struct dialogue *, const char *bytes, size_t n);

/* Whether the content goes out by BDAT (RFC 3030): without stuffing and dot, in chunks. dialogue_chunk
 * appends the command that stands ahead of a chunk of so many bytes; last: nothing comes behind it. Only a
 * chunk that is the whole content says LAST itself: behind several the dialogue does, when all were taken, so
 * that what was refused is never complete. */
bool dialogue_chunked(const struct dialogue *);
void dialogue_chunk(struct dialogue *, size_t size, bool last, struct buf *out);

/* The content and its final dot have been handed to the kernel entirely. To be called before anything is
 * heard that was read after that. */
void dialogue_content_sent(struct dialogue *);

/* The answers to DIALOGUE_LOGIN. */
/* Logs in as that by one of those mechanisms, which are separated by blanks: those of dialogue_offers, or
 * some of them. */
void dialogue_login(struct dialogue *, const struct auth_setup *, const char *mechanisms);
/* The same by one that was begun elsewhere, which moves; fine: what auth_begin gave. */
void dialogue_login_begun(struct dialogue *, struct auth *, bool fine);
/* There are no credentials for this server: the session goes on without a login. */
void dialogue_login_none(struct dialogue *);
/* There are, but they cannot be used: judges who is left; the session is not used. */
void dialogue_login_fails(struct dialogue *, const char *dsn, const char *text);
/* The TLS handshake is done, or failed (detail: how, or NULL). refusal: NULL, or why this peer is not to be
 * trusted with mail, one line. */
void dialogue_secured(struct dialogue *, const char *refusal);
void dialogue_unsecured(struct dialogue *, const char *detail);
bool dialogue_is_secure(const struct dialogue *);   /* what is said goes through TLS */
/* TLS failed, or a connection with TLS, and whoever is left (OUTCOME_KEEP) is to be tried in clear with this
 * host. */
bool dialogue_wants_clear(const struct dialogue *);
void dialogue_heard_nothing(struct dialogue *);
/* What became of TLS: not known yet, left out, there as it was to be, or missing where it is a must. */
enum dialogue_tls_outcome { DIALOGUE_TLS_OPEN, DIALOGUE_TLS_CLEAR, DIALOGUE_TLS_DONE, DIALOGUE_TLS_VIOLATED };
enum dialogue_tls_outcome dialogue_tls_outcome(const struct dialogue *);
/* The same of REQUIRETLS; whether the server has proved who it is, is not known here. */
struct requiretls_outcome dialogue_requiretls_outcome(const struct dialogue *);

/* The connection broke (detail: "Connection reset by peer", or NULL for a plain close), or
 * dialogue_timeout ran out. Judges who is left; recipients with a final reply keep it. Next speak says
 * DIALOGUE_END. */
void dialogue_lost(struct dialogue *, const char *detail);
void dialogue_timed_out(struct dialogue *);

/* The content could not be read or sent for a reason of ours: judges who is left (dsn and one line), then
 * DIALOGUE_END. */
void dialogue_abort(struct dialogue *, const char *dsn, const char *text);

/* Milliseconds the peer has for what is awaited now (stage limits of the manner; LMTP's finals:
 * data_done_timeout for the burst plus 10 s for each further reply; 5 s after a first final 552
 * 5.2.3/5.3.4); 0: no limit. Restart the clock whenever dialogue_progress changes; without
 * per_request_deadline also when content has gone out, or when the awaited reply has come in part. */
int64_t dialogue_timeout(const struct dialogue *);
unsigned dialogue_progress(const struct dialogue *);
bool dialogue_inside_reply(const struct dialogue *);   /* some bytes of the awaited reply, but not its end */

/* Verdicts in the order in which they fell, each recipient once per transaction: false if none is
 * waiting. The verdict moves to *v. */
bool dialogue_verdict(struct dialogue *, size_t *rcpt, struct verdict *v);

/* ms that the driver has to wait between content and final dot, for the sake of a PIX firewall. */
int64_t dialogue_dot_delay(const struct dialogue *);

/* Whether the commands of a next transaction may go out while the final replies to this one are awaited
 * (pipeline_transactions). Then dialogue_verdict tells of the earlier one until dialogue_passed, which is
 * true once, when that is over and all else is about the later one. If the session ends before that, the
 * later one was never begun: dialogue_follows is false. */
bool dialogue_may_follow(const struct dialogue *);
bool dialogue_follows(const struct dialogue *);
bool dialogue_passed(struct dialogue *);

/* One line that the driver logs as it comes, or NULL if there is none (any more); free() it. */
char *dialogue_remark(struct dialogue *);

/* Ends an idle dialogue politely: QUIT. */
void dialogue_quit(struct dialogue *);

/* Whether another transaction may follow: idle, no protocol error, no site failure, nothing unasked was
 * heard. */
bool dialogue_reusable(const struct dialogue *);

/* What this session says about the destination, with its reason (NULL if fine). */
enum site dialogue_site(const struct dialogue *, const char **reason);

enum stage dialogue_stage(const struct dialogue *);            /* of the reply awaited, for logs */
const struct ehlo *dialogue_offers(const struct dialogue *);   /* what the peer announced */
/* A line of the peer's as people may see it, without what it repeats of the login's secrets; free() it. */
char *dialogue_shown(const struct dialogue *, const char *line);
/* Whether the content of the transaction at hand has to be made 7-bit for this peer (RFC 6152 section 3). */
bool dialogue_wants_7bit(const struct dialogue *);
/* Whether its header has to be in ASCII (RFC 6857), as utf8_headers wants it. */
bool dialogue_wants_ascii_header(const struct dialogue *);
bool dialogue_greeted(const struct dialogue *);                /* the session passed LHLO/EHLO */

/* The conversation so far without content, "Out: …"/"In: …" lines, for notices about protocol errors; at
 * most 16 KiB. */
const char *dialogue_transcript(const struct dialogue *);
/* Set after a protocol error, which the driver logs: one cleaned line, or NULL. */
const char *dialogue_complaint(const struct dialogue *);

#endif
