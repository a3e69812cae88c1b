/*
 * Delivery status notifications (RFC 3461-3464, 6522): builds the content of a report in wire form. Readable
 * text first (which address, what the other side said, what it means, what to do), then
 * message/delivery-status, then the original's header or all of it. Where an address is not ASCII the parts
 * take their forms of RFC 6533. Whatever came from outside is cleaned of controls.
 */
#ifndef CAUSEWAY_FORMAT_DSN_H
#define CAUSEWAY_FORMAT_DSN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_rcpt {
	const char *address;       /* final recipient */
	const char *orcpt;         /* "type;xtext" or NULL */
	enum dsn_action action;
	const char *status;        /* enhanced code "5.1.1" */
	const char *remote;        /* host that said it, or NULL */
	const char *diagnostic;    /* its words, or NULL if the reason is ours */
	const char *reason;        /* one readable line */
	int64_t last_attempt;      /* ms since 1970; 0: none */
};

struct dsn_report {
	const char *myhostname;
	const char *from;          /* address for From:, e.g. MAILER-DAEMON@myhostname */
	const char *to;            /* sender of the original */
	const char *message_id;    /* for Message-ID:, without brackets */
	const char *queue_id;      /* of the original */
	const char *envid;         /* xtext or NULL */
	int64_t arrived;           /* of the original, ms since 1970 */
	int64_t now;
	const struct dsn_rcpt *rcpts;
	size_t count;
	struct text original;      /* the original's content or header in wire form, no final dot line */
	bool headers_only;         /* original is text/rfc822-headers */
	int64_t lifetime;          /* DSN_DELAYED: ms until it will be given up */
	bool notice;               /* DSN_FAILED: to the postmaster, as the message has no sender */
	/* to the postmaster, who wants a copy of what the sender of this address is told; NULL: no copy */
	const char *copy_of;
	bool obsolete_from;        /* as in struct own_mail */
	bool tls_optional;         /* with TLS-Required: no, as the original has (RFC 8689 section 5) */
};

/* Appends the whole content (header, body, final dot line) in wire form; false if out's ceiling was met. */
bool dsn_print(const struct dsn_report *, struct buf *out);

/* Whether its content may have bytes above 127: the report's MAIL then needs BODY=8BITMIME. */
bool dsn_is_8bit(const struct dsn_report *);

/* Whether its header has addresses above ASCII: the report's MAIL then needs SMTPUTF8 (RFC 6531). */
bool dsn_is_utf8(const struct dsn_report *);

#endif
