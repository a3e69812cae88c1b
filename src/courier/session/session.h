/*
 * A session: one dialogue on one stream. The only place where what is said (talk) meets how it travels
 * (net): it writes what the dialogue says, feeds it what the peer says, sends the content, keeps the time
 * limits. It serves one transaction after the other. Its owner hears of it through session_events;
 * `settled` comes from the end of a turn, so the session may be freed there.
 */
#ifndef CAUSEWAY_COURIER_SESSION_H
#define CAUSEWAY_COURIER_SESSION_H

#include "courier/session/debug_peers.h"
#include "courier/tls/security.h"
#include "courier/tls/tickets.h"
#include "format/rewriting/rewriting.h"
#include "net/stream.h"
#include "talk/dialogue.h"

#define DOT_LINE 3   /* bytes of ".CRLF", the end of a content */

/* What all sessions of a courier share. */
struct session_common {
	struct loop *loop;
	struct stream_shared *streams;
	const char *myhostname;
	bool soft_bounce;
	struct refused_logins *refused_logins;
	struct login_threads *login_threads;
	bool authzid;                    /* a login names an authorisation identity too */
	const struct debug_peers *debug_peers;
	unsigned debug_level;
	size_t reply_line;               /* line_length_limit of the configuration */
	bool keeps_8bit;                 /* disable_mime_output_conversion */
	bool no_smtputf8;                /* not smtputf8_enable */
	bool hints;                      /* helpful_warnings */
	struct rewriting_setup content;  /* limits for what cannot go out as it stands in the file */
	bool awaits_close_notice;        /* not tls_fast_shutdown_enable */
	struct tickets *tickets;         /* TLS sessions that may be resumed */
	struct buf out;                  /* commands on their way from the dialogue to the stream */
};

struct session_peer {
	const char *name;                /* for texts and relay= */
	struct endpoint at;
	const char *nexthop;             /* as written, of that host; keys of a login, */
	bool name_is_sure;               /* if the name is as the postmaster wrote it, or validated, */
	const char *sender;              /* and of the mail that the session is made for */
	bool only;                       /* its destination has no other host */
	bool debug;                      /* its destination is one whose conversations are logged */
	enum own_name own_name;
};

/* One message for some recipients; all is borrowed until the session settles. */
struct session_job {
	struct transaction transaction;
	const char *trace;               /* sent ahead of the content */
	size_t trace_size;
	int fd;
	uint64_t content_at, content_size;
	bool long_lines;                 /* some line of the content is longer than LINE_LONG */
};

struct session_events {
	/* moves; rcpt is an index of the job's envelope */
	void (*verdict)(void *arg, size_t rcpt, struct verdict *);
	/* one line for the log */
	void (*note)(void *arg, const char *text);
	/* content with its final dot goes out now */
	void (*dot)(void *arg);
	/* the job is over, or the session: see session_state */
	void (*settled)(void *arg);
	/* another job's commands may go out behind this one's content: session_follow may be called before this
	 * returns; NULL: never */
	void (*may_follow)(void *arg);
	/* the job is over, and the session belongs to the one that followed; from the end of a turn */
	void (*passed)(void *arg);
	/* the job that was to follow was not begun: the session ends with the one before */
	void (*returned)(void *arg);
};

enum session_state {
	SESSION_CONNECTING,
	SESSION_BUSY,
	SESSION_IDLE,      /* the job is over, all recipients had their verdict; another may begin */
	SESSION_LEAVING,   /* QUIT was said */
	SESSION_FAILED,    /* no connection came about, nobody had a verdict: session_failure */
	SESSION_ENDED      /* the connection is closed; recipients of a job had their verdicts */
};

struct session;

/* Starts connecting. The transport is borrowed, the security owned. */
struct session *session_new(struct session_common *, const struct transport *, const struct session_peer *,
	struct security *, const struct session_events *, void *arg);
void session_free(struct session *);        /* closes without a word */
void session_give(struct session *, const struct session_events *, void *arg);   /* to another owner */

void session_begin(struct session *, const struct session_job *);   /* new or idle; copied */
/* A job waits now: the owner is told may_follow if its time has come. */
void session_offer(struct session *);
/* Only while the owner is told may_follow. What happens to that job is told to the events given. */
void session_follow(struct session *, const struct session_job *, const struct session_events *, void *arg);
void session_rest(struct session *, int64_t ms);    /* idle: QUIT after so long */
void session_quit(struct session *);                /* idle: QUIT now; settles as SESSION_ENDED */
void session_quit_within(struct session *, int64_t ms);   /* with at most so long for the answer */
void session_leave(struct session *);               /* the same without waiting for the answer to QUIT */
void session_drop(struct session *);                /* QUIT if idle, then freed */

/* What it is about now. */
enum session_state session_state(const struct session *);
/* idle, fit for another transaction, and not too old or too often used */
bool session_reusable(const struct session *);
/* whether mail of that sender goes by the login and by the TLS policy that this session was made for */
bool session_serves(const struct session *, const char *sender, enum tls_wanted);
/* whether there are credentials for its server: nothing of that may go in clear because TLS has failed */
bool session_has_login(const struct session *);
const char *session_failure(const struct session *, const char **dsn, enum site *);   /* the text */
bool session_timed_out(const struct session *);     /* it failed since nothing answered in time */
enum site session_site(const struct session *, const char **reason);
bool session_greeted(const struct session *);       /* the handshake was passed */
const struct endpoint *session_peer_at(const struct session *);
bool session_is_only(const struct session *);       /* as the peer said */
const char *session_relay(const struct session *);  /* "name[addr]:port" or "name[/path]" */
/* What the log says behind tls=; NULL: nothing. Valid until the next call. */
const char *session_tls(struct session *);
/* Who the peer is and how it is spoken to, for people: "Verified TLSv1.3 …"; NULL: in clear. */
const char *session_tls_peer(const struct session *);
const struct security *session_security(const struct session *);
bool session_wants_clear(const struct session *);   /* see dialogue_wants_clear */
bool session_is_secure(const struct session *);     /* what is said goes through TLS, */
/* with a peer whose certificate matched what was asked for */
bool session_is_verified(const struct session *);
unsigned session_uses(const struct session *);      /* transactions so far, this one included */
/* loop_micros when the job's first command went out; 0: it did not */
int64_t session_mail_at(const struct session *);
bool session_has_dsn(const struct session *);       /* the peer has announced it (RFC 3461) */
const char *session_complaint(const struct session *);   /* after a protocol error, else NULL */
const char *session_transcript(const struct session *);

#endif
