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

/* disable, opportunistic, opportunistic+starttls, enforce, error; false: none of these. */
bool requiretls_read(struct text word, enum requiretls *);
const char *requiretls_name(enum requiretls);

#endif
