/*
 * Inside the dialogue: dialogue.c is the engine (what may be sent now, who hears a reply), dialogue_owed.c
 * the replies that are awaited, dialogue_steps.c the table of steps (dialogue_steps.h says where they are,
 * and how one is added), dialogue_command.c the MAIL and RCPT lines, dialogue_judge.c the verdicts. A `say`
 * alone decides where the conversation goes; a `hear` only records.
 */
#ifndef CAUSEWAY_TALK_DIALOGUE_PRIVATE_H
#define CAUSEWAY_TALK_DIALOGUE_PRIVATE_H

#include <stdint.h>

#include "talk/dialogue.h"

enum step {
	STEP_GREETING,  /* only heard */
	STEP_HELO, STEP_READY, STEP_STARTTLS, STEP_SECURE,
	STEP_HANDSHAKE, /* the driver starts TLS */
	STEP_SETTLED,   /* TLS is there, or does not come */
	STEP_LISTEN,    /* the driver looks whether the peer has said something */
	STEP_LOGIN,
	STEP_CREDENTIALS,  /* the driver gives them */
	STEP_AUTH, STEP_AUTH_MORE, STEP_RSET, STEP_XFORWARD_NAME, STEP_XFORWARD_HELO, STEP_MAIL, STEP_RCPT,
	STEP_DATA, STEP_CONTENT,
	STEP_ACCEPTED, STEP_CHUNKS,   /* in place of DATA and content: BDAT, sent by the driver */
	STEP_CHUNK,        /* only heard: the reply to a chunk without LAST */
	STEP_LAST_CHUNK,   /* an empty one with LAST, behind several */
	STEP_SENDING,   /* the driver sends content and dot */
	STEP_LONE_DOT,  /* the driver sends the dot alone */
	STEP_DOT,       /* only heard: replies to the dot */
	STEP_OVER, STEP_IDLE, STEP_QUIT,
	STEP_UNASKED,   /* only heard: what nobody waited for */
	STEP_END,
	STEP_COUNT
};

/* count replies are owed to one command, or to as many RCPT commands in a row, the first for recipient
 * rcpt. */
struct owed {
	enum step step;
	size_t rcpt, count;
};

enum { OWED_MAX = 16 };   /* two transactions have fewer kinds of commands */

enum rcpt_state { RCPT_UNASKED, RCPT_ACCEPTED, RCPT_JUDGED };

struct fallen {
	size_t rcpt;
	struct verdict verdict;
};

/* One transaction on its way. */
struct course {
	bool active;
	bool kept;                   /* on a session that served before, and nothing was heard for this one yet */
	struct transaction t;
	struct policy policy;
	unsigned char *state;        /* enum rcpt_state of each recipient */
	size_t left;                 /* recipients without a verdict */
	size_t accepted;             /* recipients that the peer accepted, judged or not */
	size_t asked;                /* recipients said so far */
	size_t answered;             /* recipient that a reply to RCPT is for */
	size_t finals;               /* replies the dot owes in all */
	size_t next_final;           /* no recipient before this one waits for a final reply */
	bool needs_utf8;             /* it cannot be sent without SMTPUTF8 */
	bool data_go;                /* DATA was answered with 354 */
	/* 354 came where DATA was due: the replies belong where they went */
	bool in_step;
	bool in_pieces;              /* a chunk without LAST was said */
	bool dot_sent;
	struct requiretls_outcome requiretls;   /* as far as it keeps the message from here */
	bool refused_for_size;       /* the first final reply was a size refusal and may stay the only one */

	/* verdicts not yet collected: fallen[collected .. fallen_count) */
	struct fallen *fallen;
	size_t room, fallen_count, collected;
};

struct dialogue {
	const struct manner *manner;
	char *host, *relay, *myhostname;
	bool lmtp, soft_bounce, keeps_8bit, no_smtputf8, hints;
	unsigned discard;            /* EHLO_… */
	unsigned pix;                /* PIX_…: to be done if it is one; then what is done */
	enum own_name own_name;
	unsigned debug;

	/* the session */
	struct reply_reader *reader;
	struct ehlo offers;
	enum dialogue_tls tls;
	enum requiretls requiretls;
	bool tls_ready, tls_first;
	bool tls_go;                 /* STARTTLS was answered with yes */
	bool secure;                 /* TLS is on */
	bool tls_settled;            /* it is clear whether it will be */
	bool requiretls_settled;     /* whether REQUIRETLS is passed on is clear */
	bool tls_violated;           /* it is missing, or its peer not to be trusted, where it is a must */
	/* it failed, or what went through it, and the host is to be asked without it */
	bool wants_clear;
	enum step step;              /* what is to be said next */
	struct owed owed[OWED_MAX];  /* a ring: replies owed, the oldest first */
	size_t owed_first, owed_runs;
	size_t burst;                /* bytes of commands said since nothing was owed */
	unsigned progress;
	bool helo;                   /* HELO instead of EHLO */
	bool greeted;                /* the handshake is over */
	bool dirty;                  /* RSET is due before the next MAIL */
	bool unfit;                  /* no further transaction on this session */
	bool leaving;                /* the peer said 421 and closes: no QUIT */
	struct auth *auth;           /* the login, if one was begun; ended ones know what must not be shown */
	char *challenge;             /* of the server's last reply to it, in base64 */
	unsigned auth_rounds;
	bool auth_waits;             /* the initial response did not fit into the AUTH command */
	bool authenticated;
	enum site site;
	char *site_reason;
	char *complaint;
	struct buf remarks;          /* lines for the log */
	struct buf transcript;

	/* the transaction */
	struct course now;           /* of which commands are said */
	struct course *before;       /* the one that is owed final replies meanwhile, or NULL */
	bool served;                 /* some transaction is over */
};

/* One row of the table. say writes at most one command and returns the next step; without say the driver
 * has to do something (want). hear takes one reply to what was said. */
struct step_row {
	enum stage stage;
	bool alone;                  /* not before everything owed is in (RFC 2920 3.1) */
	size_t timeout;              /* offset of the time limit in struct manner */
	enum step (*say)(struct dialogue *, struct buf *out);
	void (*hear)(struct dialogue *, const struct reply *);
	enum dialogue_want want;
};

extern const struct step_row dialogue_steps[STEP_COUNT];

/* dialogue_owed.c: whose the next reply is; NULL: none is owed. */
const struct owed *dialogue_owed(const struct dialogue *);
/* The step's command was said, and count replies are owed to it, the first for recipient rcpt. */
void dialogue_owe(struct dialogue *, enum step, size_t rcpt, size_t count);
/* Takes one reply off the oldest run, and tells whose it is. */
struct owed dialogue_take_owed(struct dialogue *);
/* How many replies the end of the content owes is known when those to its RCPTs are in: to be called then. */
void dialogue_count_finals(struct dialogue *);

/* dialogue_follow.c: a transaction begins while the one before is still owed final replies. While something
 * happens to the latter the two change places (dialogue_turn, true if so, and dialogue_swap back); if that
 * ends the session, the later one is forgotten. */
void dialogue_make_way(struct dialogue *);
bool dialogue_turn(struct dialogue *);
void dialogue_swap(struct dialogue *);
void dialogue_forget_follower(struct dialogue *);
void dialogue_free_course(struct course *);

/* dialogue_command.c: appends one line with CRLF and the parameters that the peer takes. */
void dialogue_mail_line(const struct dialogue *, struct buf *out);
/* Whether REQUIRETLS is asked for, and the peer has announced it inside TLS (behaviour E-11). */
bool dialogue_passes_requiretls(const struct dialogue *);
void dialogue_rcpt_line(const struct dialogue *, const struct envelope_rcpt *, struct buf *out);
bool dialogue_needs_smtputf8(const struct dialogue *);

/* dialogue_judge.c: gives one recipient, or all that are left, a verdict. A verdict passed in moves. */
void dialogue_judge(struct dialogue *, size_t rcpt, struct verdict *);
void dialogue_judge_left(struct dialogue *, struct verdict *);
void dialogue_refuse(struct dialogue *, enum stage, enum reply_meaning, const struct reply *, size_t rcpt);
void dialogue_refuse_left(struct dialogue *, enum stage, enum reply_meaning, const struct reply *);

/* A connection that served before is of no use for this message (421, RSET refused): nobody hears of it,
 * unless the content has gone out as well (BDAT), which may have been taken all the same. */
void dialogue_leave_kept(struct dialogue *, enum stage, const struct reply *);

/* The same for a reason of ours: dsn and one line. */
void dialogue_fail_left(struct dialogue *, enum stage, const char *dsn, const char *text);

/* The same for what this host cannot do with this message, and another one may: dsn is what it means if this
 * one is the last. */
void dialogue_fail_here(struct dialogue *, enum stage, const char *dsn, const char *text);
/* The same where the sender's REQUIRETLS asks for what this session lacks, which serves nobody else then; why
 * goes on behind a comma and is freed. */
void dialogue_fail_requiretls(struct dialogue *, enum stage, enum requiretls_lack, const char *dsn,
	char *why);

/* Hears a reply that concerns everybody who is left; true if it is what was hoped for. */
bool dialogue_passes(struct dialogue *, enum stage, const struct reply *);

/* The same for a reason that is about the host: the session serves nobody else. */
void dialogue_fail_site(struct dialogue *, enum stage, const char *dsn, const char *text);

/* The peer broke the protocol at a stage: nobody is judged by its words (4.5.0), the session ends. r may
 * be NULL. */
void dialogue_violate(struct dialogue *, enum stage, const char *what, const struct reply *);

/* A table of ours cannot be asked what the peer said (4.3.0): the session ends. */
void dialogue_local_error(struct dialogue *, const char *why);

/* What a failure says about the destination; the first one stays. */
void dialogue_note_site(struct dialogue *, enum site, const char *reason);

/* dialogue_starttls.c: between the answer to STARTTLS and the end of the handshake, when nothing can be
 * heard. */
bool dialogue_awaits_tls(const struct dialogue *);
/* TLS has failed: who is left is kept for this host without it, where that is allowed. */
void dialogue_ask_in_clear(struct dialogue *);

/* The session ends here and now, everybody is judged. */
void dialogue_stop(struct dialogue *);

/* dialogue_record.c: what is kept of the conversation. Both sides go to the transcript, and to the log where
 * the peer is watched; lines have no CRLF. */
void dialogue_record_said(struct dialogue *, const char *line, size_t n);
void dialogue_record_heard(struct dialogue *, const struct reply *);

/* A line for the log, as printf; none of its parts may hold a newline. */
void dialogue_remark_on(struct dialogue *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Remembers what the driver should log; the first complaint stays. */
void dialogue_complain(struct dialogue *, const char *what, const struct reply *);

#endif
