/* Inside the session: session.c has its life, session_turns.c the conversation, session_content.c what is
 * sent of a message, session_tls.c how it goes over to TLS and what is told of that, session_login.c whom it
 * logs in as. */
#ifndef CAUSEWAY_COURIER_SESSION_PRIVATE_H
#define CAUSEWAY_COURIER_SESSION_PRIVATE_H

#include "courier/login/login_threads.h"
#include "courier/login/refused_logins.h"
#include "courier/session/session.h"
#include "format/rewriting/rewriting.h"

/* What of a message is on its way to the peer. */
enum message_part {
	PART_NONE,
	PART_BODY,    /* all but the dot, which has to come later */
	PART_PAUSE,   /* the time between the two */
	PART_END      /* the rest, or all of it */
};

/* How far the tables of the transport are with the message at hand (session_rules.c). */
struct session_rules {
	struct rewriting_rules rules;
	unsigned notes;              /* lines for the log so far */
	bool in_trace;               /* the lines ahead of the content go through */
	bool inside_line;            /* the last piece of a line was not its end */
};

struct session {
	struct session_common *common;
	const struct transport *transport;
	const struct session_events *events;
	void *arg;
	struct endpoint at;
	bool only;
	char *name, *nexthop, *sender;   /* as struct session_peer has them */
	bool name_is_sure;
	struct login_mark login_mark;
	struct login_start *login;   /* of a login that begins in a thread; NULL: none does */
	char *host;                  /* "name[address]", for texts */
	char *relay;                 /* with the port */
	struct stream *stream;
	struct dialogue *dialogue;
	struct loop_task settle;
	struct session_job next_job; /* that follows behind this one's content; its owner, or NULL: none does */
	const struct session_events *next_events;
	void *next_arg;
	struct loop_task pass;       /* tells the owner before that its job is over */
	const struct session_events *passed_events;
	void *passed_arg;
	enum session_state state;
	struct session_job job;
	enum message_part part;      /* of the message, on its way */
	struct session_rules rules;
	struct rewriting *rewriting; /* of the content that is being sent; NULL: it goes as it is */
	uint64_t unread;             /* bytes of that content that were not rewritten yet */
	struct security *security;
	bool parting;                /* our close notice is said, the peer's awaited */
	bool gone;                   /* the connection */
	struct ticket ticket;        /* of a TLS session to be resumed */
	char *tls_peer;              /* the peer's standing, protocol and cipher; NULL: no TLS */
	char *tls_text;              /* for tls=, made when it is asked for */
	bool verified;               /* the peer's certificate matched */
	bool weakened;               /* DANE came to nothing but encryption */
	struct chunks *chunks;       /* of the content that is being sent by BDAT, else NULL */
	int64_t rested_at;           /* loop_now when the last job was over */
	unsigned progress;           /* of the dialogue when the deadline was set, */
	int64_t since;               /* and loop_now then */
	unsigned uses;
	unsigned tls_log;            /* TLS_LOG_… */
	int64_t born;                /* loop_now when connecting began */
	int64_t mail_at;
	bool timed_out;              /* connecting did */
	enum site failure_site;
	const char *failure_dsn;
	char *failure;
};

/* What the stream reports. */
extern const struct stream_events session_stream_events;

/* Says what may be said now, and looks what is to be done next. */
void session_pump(struct session *);

/* Sends trace lines and content, as it stands in the file or rewritten; true when all has gone to the
 * kernel. */
bool session_send_content(struct session *);

/* The rules for the message that is about to be sent; NULL: the transport has no such tables. */
const struct rewriting_rules *session_rules(struct session *);

/* The same by BDAT, rewritten if there is s->rewriting; and the end of it. */
bool session_send_chunks(struct session *);
void session_chunks_over(struct session *);

/* Appends what s->rewriting makes of the next bytes; false: it has failed. */
bool session_rewrite(struct session *, const char *bytes, size_t n, struct buf *out);
/* The same for the trace lines ahead of it. */
void session_rewrite_trace(struct session *, struct buf *out);

/* The rewriting gave up: everybody who is left is judged by its reason. */
void session_content_failed(struct session *);

/* How far TLS goes with this peer. */
enum dialogue_tls session_tls_need(const struct session *);

/* Asks whether there is a session to be resumed. */
void session_ask_ticket(struct session *);
/* Goes over to TLS, now or when it is known what is to be resumed; false: it cannot even begin, which the
 * dialogue has heard. */
bool session_start_tls(struct session *);
/* The stream's handshake is done, or failed. */
void session_secured(void *session);
void session_unsecured(struct session *);
/* On a session that is used again. */
void session_note_reuse(struct session *);

/* Nothing of the content is left to be rewritten. */
void session_content_over(struct session *);

/* Not too old or too often used for another job. */
bool session_lasts(const struct session *);

/* Lets the next job follow where it may; true if one does now. */
bool session_let_follow(struct session *);

/* After verdicts were collected: whether the job that followed is the one at hand from now on. */
bool session_pass_on(struct session *);
void session_tell_passed(void *session);

/* Gives the dialogue the credentials that it asks for, now or, if s->login is set, when a thread has begun
 * with them. */
void session_login(struct session *);
/* It takes too long. */
void session_login_late(struct session *);

/* A recipient was judged: remembers a login that was refused. */
void session_login_judged(struct session *, const struct verdict *);

/* Tells the owner at the end of this turn. */
void session_settle_as(struct session *, enum session_state);

/* What is read instead of a line of a reply, as struct reply_filter wants it. */
const char *session_replace(void *session, const char *line, const char **why);

/* One line for the log; text is freed. */
void session_note(struct session *, char *text);

#endif
