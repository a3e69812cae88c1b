/*
 * How to talk to a destination: THE option table for smtp {} and lmtp {} and the struct that it describes. Every smtp_X and lmtp_X
 * parameter of the specification stands here as X, defaults as text, read by the same setter as the user's values.
 * The initial text of a row may name other parameters ("$myhostname"); daemon/config.c expands it.
 */
#ifndef CAUSEWAY_TALK_MANNER_H
#define CAUSEWAY_TALK_MANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"

enum protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };

/* option_row.use */
enum { MANNER_SMTP = 1, MANNER_LMTP = 2, MANNER_BOTH = 3, MANNER_OBSOLETE = 4 /* accepted, one warning that names the successor */ };

enum tls_level { TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_DANE, TLS_DANE_ONLY, TLS_FINGERPRINT, TLS_VERIFY, TLS_SECURE };

struct manner {
	enum protocol protocol;
	/* Members are named after the parameter without its smtp_ or lmtp_; durations are int64_t ms, sizes and counts int64_t, flags bool,
	 * lists and texts char * (never NULL), choices int. */
	int64_t initial_destination_concurrency, destination_concurrency_limit, destination_recipient_limit, destination_rate_delay;
	/* time limits of the stages (RFC 5321 4.5.3.2) */
	int64_t connect_timeout, helo_timeout /* lmtp: lhlo_timeout */, xforward_timeout, mail_timeout, rcpt_timeout, data_init_timeout,
		data_xfer_timeout, data_done_timeout, quit_timeout, rset_timeout, starttls_timeout;
	int tls_security_level;          /* enum tls_level */
	/* … all other rows of the specification, grouped as in the table */
#include "talk/manner_members.h"
};

/* A manner with the defaults of its protocol. */
struct manner *manner_new(enum protocol);
struct manner *manner_copy(const struct manner *);
void manner_free(struct manner *);

/* THE table: all rows, or one protocol's row by name (NULL: no such option there). */
const struct option_row *manner_rows(size_t *count);
const struct option_row *manner_row(enum protocol, const char *name);

/* The one setter; false and a constant complaint in *why for an unknown name or a bad value. */
bool manner_set(struct manner *, const char *name, const char *text, const char **why);

/* The value in the form that manner_set reads back. */
bool manner_print(const struct manner *, const char *name, struct buf *out);

#endif
