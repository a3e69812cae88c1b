/*
 * Plays a conversation against the dialogue and tells what became of it. A script has one line each for
 *
 *	S: 250 ok         what the peer says (CRLF is added); lines in a row arrive in one piece
 *	S~ 25             the same without line end
 *	C: DATA           the command that is expected now; lines in a row are one write
 *	C: <content>      the content is asked for, and then has been sent
 *	C: <early>        the content is asked for, and is not sent yet
 *	C: <dot>          the dot alone is asked for, and then has been sent
 *	C: <last>         the content is asked for, and goes out as one chunk; C: <chunk>: others follow it
 *	L: discarding …   the next line for the log
 *	C: <tls>          the TLS handshake is asked for, and done; <tls fails>, <tls refuses> (its peer is
 *	                  not to be trusted), <tls waits> (an event decides)
 *	C: <listen>       a look is asked for whether the peer has spoken: it has not
 *	--                nothing is expected to be said now
 *	! lost | ! reset | ! timeout | ! abort
 *	+ b,c             a further transaction for these recipients, if it may follow before this one is over
 *	+ quit
 *
 * Where credentials are asked for, those of the script are given; its password must never show.
 *
 * Recipients are letters: "b" stands for b@x.test. The play ends with a last look at what is wanted.
 */
#ifndef CAUSEWAY_T_TALK_SCRIPT_H
#define CAUSEWAY_T_TALK_SCRIPT_H

#include <stdbool.h>

#include "base/buf.h"

enum {
	SCRIPT_SMTP = 1, SCRIPT_MORE_HOSTS = 2, SCRIPT_PROBE = 4, SCRIPT_SOFT_BOUNCE = 8, SCRIPT_EIGHT_BIT = 16,
	SCRIPT_UTF8_HEADER = 32,
	SCRIPT_CLIENT = 64,       /* the message came from a client, see talk_script.c */
	SCRIPT_OWN_LOOPS = 128, SCRIPT_OWN_WAITS = 256,   /* what a peer of our name means */
	SCRIPT_DEBUG = 512, SCRIPT_OLD = 1024,            /* the message waited for an hour */
	SCRIPT_NO_TLS = 2048, SCRIPT_TLS_FIRST = 4096, SCRIPT_CLEAR = 8192,
	/* how strictly a request for REQUIRETLS is applied */
	SCRIPT_OPPORTUNISTIC = 16384, SCRIPT_STARTTLS = 32768, SCRIPT_ENFORCE = 65536
};

struct script {
	const char *name;
	unsigned how;             /* SCRIPT_… */
	const char *options;      /* "name=value;name=value" for the manner */
	const char *mail;         /* arguments of MAIL that differ from " FROM:<s@x.test>", or NULL */
	const char *rcpts;        /* "a,b,c"; behind a letter may follow parameters */
	const char *play;
	const char *end;          /* "idle", "end", "reply", "content" */
	const char *verdicts;     /* lines "b bounced 5.1.1 text"; a '*' at the end stands for any rest */
};

/* What is given where credentials are asked for. */
struct script_login {
	const char *who;          /* "user:password", "user" (EXTERNAL), "!text" (cannot be had), or NULL: none */
	const char *options;      /* what a mechanism must offer */
};

/* Plays it, once with pieces that arrive whole and once byte by byte; fails the test with the first thing
 * that went wrong. */
void script_check(const struct script *);
void script_check_as(const struct script *, const struct script_login *);

#endif
