/*
 * What a session with a host has to ask for before mail goes over it: the TLS policy of the destination,
 * found in the tables of its transport or, where they say nothing, in its parameters.
 */
#ifndef CAUSEWAY_COURIER_SECURITY_H
#define CAUSEWAY_COURIER_SECURITY_H

#include "courier/hosts/hosts.h"
#include "courier/transport.h"
#include "format/address/domain.h"
#include "talk/dialogue.h"

/* What tls_per_site says of the domain and of the host; TLS_UNSET: nothing. */
struct security_sites {
	enum tls_level nexthop, host;
};

struct security {
	struct tls_policy policy;
	char *entry;                       /* of tls_policy_maps that it was read from; NULL: of none */
	struct security_sites sites;       /* that it was made by */
	enum tls_wanted wanted;            /* by the mail that it is for */
	enum requiretls requiretls;        /* how far its request for REQUIRETLS goes */
	char *requiretls_fault;            /* why that is not known */
	const struct transport_tls *tls;   /* of the transport, borrowed */
	const struct tls_anchors *anchors; /* who is believed in place of the authorities; NULL: those */
	/* names that a certificate may be for; of this host where it is a socket */
	char *domain, *hostname;
	/* at the levels of DANE */
	char *base;                        /* the name whose TLSA records these are; NULL: none were looked up */
	struct tls_record *records;        /* with their data */
	size_t record_count;
	bool mx_used;                      /* the domain is a name for its hosts too */
	bool retry;                        /* in clear, since TLS has failed */
	bool relaxed;                      /* by the mail: no table was asked */
	bool wrapper;                      /* TLS comes before the greeting */
};

/* What counts of the mail that is to go there. */
struct security_mail {
	enum tls_wanted wanted;
	const char *sender;                /* one may have a login of its own */
};

/* For this host; at the levels of DANE it is complete only when courier/tls/dane.h has seen to it. myhostname
 * stands for the name of a socket. NULL: it may not be used, with *dsn and *why (free() it), one line. */
struct security *security_new(const struct transport *, const struct host *, const char *myhostname,
	const struct security_mail *, const char **dsn, char **why);
/* Whether the policy of that nexthop (or a table that cannot say), and that for REQUIRETLS, is still that of
 * the security: a table may change while a connection is kept. */
bool security_is_current(const struct security *, const char *nexthop);
/* Whether the level, once it is known, is enough for mail with REQUIRETLS; if not, what is lacking, *dsn and
 * *why (free() it). */
bool security_suffices(const struct security *, enum requiretls_lack *, const char **dsn, char **why);
/* The same without TLS, after it has failed where it was not a must. */
struct security *security_in_clear(const struct security *);
void security_free(struct security *);

/* What tls= of the log says about it, to free(): what became of TLS, for want of usable TLSA records perhaps
 * without a match, and of REQUIRETLS. */
char *security_status(const struct security *, enum dialogue_tls_outcome tls, bool weakened,
	struct requiretls_outcome requiretls);

/* Whether TLSA records have to be looked up first. */
bool security_needs_dane(const struct security *);

/* Appends the names that a certificate may be for, with a blank between; nothing where none matters. */
void security_names(const struct security *, struct buf *out);

/* What is asked of a connection, with the texts that it points to. The security is borrowed. */
struct security_wish {
	struct tls_wish wish;
	struct buf ciphers, names;
	char servername[DOMAIN_SIZE];
};
void security_wish(const struct security *, const struct manner *, struct security_wish *);
void security_wish_clear(struct security_wish *);

#endif
