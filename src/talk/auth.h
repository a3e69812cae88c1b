/*
 * A client's side of SASL (RFC 4422) as SMTP and LMTP carry it (RFC 4954): chooses one of the mechanisms that
 * a server offers, and answers its challenges, both in base64. The home of libsasl2, which has the mechanisms
 * but for those of auth_token.h. SASL security layers are never used.
 *
 * What is secret is wiped when it is freed, libsasl2's own memory included. libsasl2 logs nothing.
 */
#ifndef CAUSEWAY_TALK_AUTH_H
#define CAUSEWAY_TALK_AUTH_H

#include <stdbool.h>

/* Loads libsasl2's plug-ins, once in a process and before its sandbox closes. False and *why, one line to
 * free(), on failure. */
bool auth_library_open(char **why);

/* Whether each word of a list is a property that can be asked of a mechanism (noplaintext, noactive,
 * nodictionary, noanonymous, forward_secrecy, mutual_auth); else *bad is the first that is not, to free(). */
bool auth_options_check(const char *options, char **bad);

/* Who logs in, and how; all is copied. */
struct auth_setup {
	const char *service;         /* "smtp" or "lmtp" */
	const char *host;            /* the server's name, for mechanisms that are bound to it */
	const char *user, *password; /* of a mechanism with tokens the token */
	const char *options;         /* what a mechanism must offer, see auth_options_check */
	bool authzid;                /* send the user as authorisation identity too */
	bool external;               /* the connection itself proves who we are: EXTERNAL, and nothing else */
};

struct auth;

/* The setup's strings are copied. */
struct auth *auth_new(const struct auth_setup *);
void auth_free(struct auth *);

/* Chooses one of the mechanisms (separated by blanks) and begins; false: none is fit, or it cannot begin.
 * Different ones may begin in different threads at the same time. */
bool auth_begin(struct auth *, const char *mechanisms);

/* Whether one of the mechanisms asks others over the network when it begins, and waits for them: Kerberos
 * asks its KDC. */
bool auth_asks_others(const char *mechanisms);

/* After a successful auth_begin; "PLAIN" … */
const char *auth_mechanism(const struct auth *);

/* What is to be sent now, in base64, valid until the next call; "" is an empty response, NULL (only after
 * auth_begin) none: the server speaks first. */
const char *auth_response(const struct auth *);

/* Takes a challenge in base64; false if it is malformed, or one that the mechanism cannot answer. */
bool auth_challenge(struct auth *, const char *base64);

/* Whether the mechanism has heard all that it must before it believes in success: a server that has not
 * proved itself, where it has to, cannot say that we are logged in (RFC 4954 4, RFC 5802 3). */
bool auth_complete(const struct auth *);

/* Why auth_begin or auth_challenge failed: one cleaned line, without any secret. */
const char *auth_failure(const struct auth *);

/* The exchange is over: what is left serves auth_hide only, for a server may repeat a password later, too. */
void auth_end(struct auth *);

/* A server's words without what they repeat of password and responses, which are shown as ***; free() it. */
char *auth_hide(const struct auth *, const char *words);

#endif
