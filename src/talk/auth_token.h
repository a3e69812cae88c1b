/*
 * The two mechanisms that carry an OAuth 2.0 bearer token: OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's,
 * older). Debian's libsasl2 has neither. Both are one message, and one more after a refusal.
 */
#ifndef CAUSEWAY_TALK_AUTH_TOKEN_H
#define CAUSEWAY_TALK_AUTH_TOKEN_H

/* The better one of a list separated by blanks; NULL: none of them. */
const char *auth_token_mechanism(const char *mechanisms);

/* The message, to free(); NULL: user or token hold what cannot be sent in it. */
char *auth_token_message(const char *mechanism, const char *user, const char *token);

/* What answers the server's description of an error (a challenge), after which it refuses for good. */
const char *auth_token_after_error(const char *mechanism);

#endif
