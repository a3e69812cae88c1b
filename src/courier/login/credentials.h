/*
 * Whom a transport logs in as, and where: sasl_password_maps and what belongs to it. The tables are opened by
 * couriers only, before their sandbox closes. An entry's password is taken out when a session needs it, and
 * is wiped when it has been used.
 *
 * An entry goes to the host that it was written for: a name that came from DNS without DNSSEC is no key.
 */
#ifndef CAUSEWAY_COURIER_CREDENTIALS_H
#define CAUSEWAY_COURIER_CREDENTIALS_H

#include <stdbool.h>

#include "settings/settings.h"

struct credentials;

/* Reads and opens all. On failure NULL, the name of the option that is to blame in *option, and *why (free()
 * it); NULL and *option NULL if the transport does not log in (sasl_auth_enable). */
struct credentials *credentials_open(const struct manner *, const struct settings *, const char **option,
	char **why);
void credentials_close(struct credentials *);

/* What an entry is looked for by, in the order of behaviour S-5: sender, host, nexthop. */
struct credentials_query {
	const char *sender;          /* counts with sender_dependent_authentication; "" is the null sender */
	const char *host;            /* the server's name */
	bool host_is_sure;           /* it is as the postmaster wrote it, or DNSSEC vouches for it */
	const char *nexthop;         /* the element of the nexthop or of fallback_relay, as it was written */
};

enum credentials_result {
	CREDENTIALS_NONE,            /* no entry: no login */
	CREDENTIALS_FOUND,
	CREDENTIALS_FAILED           /* *why says what could not be read */
};

struct login {
	char *key;                   /* what the entry was found by */
	char *user, *password;
};

/* Fills *l, to be cleared by login_clear, with the first entry that is found; *why is to be freed. */
enum credentials_result credentials_find(const struct credentials *, const struct credentials_query *,
	struct login *l, char **why);
void login_clear(struct login *);

/* As credentials_find, but only the key, to free(), without reading what is secret; NULL: no entry. */
char *credentials_key(const struct credentials *, const struct credentials_query *, char **why);

/* Whether there are any; if that cannot be said, there may be some. */
bool credentials_any(const struct credentials *, const struct credentials_query *);   /* NULL: no login */

/* The key of the sender's own entry goes to *key, to free(); NULL: its mail is sent with what host or nexthop
 * have. Sessions with different ones serve different mail. False: a table cannot be asked. */
bool credentials_of_sender(const struct credentials *, const char *sender, char **key);

/* Whether the host has an entry of its own that is not used since the name is not sure. */
bool credentials_withheld(const struct credentials *, const struct credentials_query *);

/* The mechanisms of those offered that sasl_mechanism_filter lets pass, to free(); NULL and *why if that
 * cannot be said. */
char *credentials_mechanisms(const struct credentials *, const char *offered, char **why);

#endif
