/*
 * Logins that a server has refused for good (535), so that a wrong password is not shown to it again and
 * again (sasl_auth_cache_name, behaviour S-18). Every courier knows of all: each tells the queue process of
 * its own, which tells the others and those that come later, after a restart too.
 */
#ifndef CAUSEWAY_COURIER_REFUSED_LOGINS_H
#define CAUSEWAY_COURIER_REFUSED_LOGINS_H

#include "courier/login/credentials.h"
#include "link/link.h"
#include "net/loop.h"

struct refused_logins;

/* The loop and the link are borrowed. */
struct refused_logins *refused_logins_new(struct loop *, struct link *);
void refused_logins_free(struct refused_logins *);

/* The server's words if it has refused this login in the last max_age ms, and the enhanced code in *dsn; else
 * NULL. Both are valid until something is added. */
const char *refused_logins_find(const struct refused_logins *, const char *host, const struct login *,
	int64_t max_age, const char **dsn);

/* What a login leaves behind that is no secret: whose it is, and something that differs, but for one case in
 * 65 536, when the password does. Too little to find the password by. */
struct login_mark {
	char *key;               /* free() it */
	char tag[40];
};
void login_mark_make(struct login_mark *, const char *host, const struct login *);

/* The server has refused that login now; that counts for max_age ms. dsn and words are copied. */
void refused_logins_add(struct refused_logins *, const struct login_mark *, int64_t max_age, const char *dsn,
	const char *words);

/* What the link brings (its event keep): takes what is about refused logins. */
void refused_logins_hear(struct refused_logins *, const char *key, const void *value, size_t n);

#endif
