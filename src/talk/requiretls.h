/*
 * What a message's sender wants of TLS (RFC 8689), and how strictly a request for more of it is applied
 * (requiretls_policy).
 */
#ifndef CAUSEWAY_TALK_REQUIRETLS_H
#define CAUSEWAY_TALK_REQUIRETLS_H

#include <stdbool.h>

#include "base/text.h"

enum tls_wanted {
	TLS_WANTED_AS_USUAL,
	TLS_WANTED_REQUIRED,       /* REQUIRETLS on MAIL: rather not at all than without TLS */
	TLS_WANTED_OPTIONAL        /* TLS-Required: no in the header: rather without TLS than not at all */
};

/* In the order of their strictness. */
enum requiretls {
	REQUIRETLS_OFF,            /* not asked for, or not heeded (disable) */
	REQUIRETLS_OPPORTUNISTIC,  /* passed on to a server that knows it */
	REQUIRETLS_STARTTLS,       /* the same, and nothing goes in clear */
	REQUIRETLS_ENFORCE,        /* the server has to be authenticated, and to know it */
	REQUIRETLS_ERROR           /* it is not known: mail waits */
};

/* What became of the request. */
enum requiretls_lack {
	REQUIRETLS_UNDECIDED,
	REQUIRETLS_PASSED,         /* it was passed on */
	REQUIRETLS_NO_MATCH,       /* nobody proved to be the server, or nobody was asked to */
	REQUIRETLS_NO_OFFER,       /* the server does not know it, */
	REQUIRETLS_NO_STARTTLS,    /* or has no TLS */
	REQUIRETLS_NO_ENCRYPTION   /* the policy has no TLS for it */
};

struct requiretls_outcome {
	enum requiretls_lack lack;
	bool violated;             /* the mail may not go there for that */
};

/* disable, opportunistic, opportunistic+starttls, enforce, error; false: none of these. */
bool requiretls_read(struct text word, enum requiretls *);
const char *requiretls_name(enum requiretls);

/* How the log says it: "requiretls", "requiretls?", "!requiretls:nostarttls" and so on. */
void requiretls_describe(struct requiretls_outcome, struct buf *out);

#endif
