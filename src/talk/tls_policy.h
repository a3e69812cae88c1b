/*
 * How much TLS a destination needs, and of what kind: the levels and attributes of tls_policy_maps and the
 * parameters that stand in for what an entry leaves out. Pure: whoever has the tables asks them and brings
 * their answers here (courier/tls/security.c). RFC 7672 (DANE), RFC 8461 (MTA-STS, through an entry's
 * attributes).
 */
#ifndef CAUSEWAY_TALK_TLS_POLICY_H
#define CAUSEWAY_TALK_TLS_POLICY_H

#include "base/text.h"
#include "talk/manner.h"

struct tls_policy {
	enum tls_level level;      /* never TLS_UNSET */
	bool half;                 /* TLS_DANE behind an insecure MX: what is verified is only called trusted */
	const char *origin;        /* the parameter that decided; constant */
	/* NULL, or -1, until tls_policy_complete */
	int grade;                 /* enum cipher_grade */
	char *protocols;           /* list, perhaps with colons between */
	char *exclude;             /* list of ciphers and their kinds */
	char *match;               /* list of words and names; at TLS_FINGERPRINT of digests */
	char *anchors;             /* list of files; NULL: the transport's */
	char *servername;          /* "", a name, "hostname" or "nexthop" */
	int raw_key;               /* whether a key without a certificate will do */
	/* of MTA-STS */
	bool sts;
	char *mx_patterns;         /* list of names and *.name; NULL: any host */
	char *failure;             /* why no certificate can be good enough; NULL: one can */
	bool ignored;              /* attributes behind "none", which mean nothing */
};

/* Frees what it holds. */
void tls_policy_clear(struct tls_policy *);

/* That of a transport where no table says otherwise. */
void tls_policy_default(struct tls_policy *, const struct manner *);

/* That of an entry of tls_policy_maps: "secure match=.example.com:mx.example.net". False and *why (free() it)
 * if it makes no sense; nothing is to be cleared then. */
bool tls_policy_read(struct tls_policy *, const char *entry, char **why);

/* What a word of tls_per_site stands for (NONE, MAY, MUST_NOPEERMATCH, MUST); false: nothing. */
bool tls_policy_site(const char *word, enum tls_level *level);
/* The level of a destination of which both names were found there, TLS_UNSET for one that was not. */
enum tls_level tls_policy_of_sites(enum tls_level nexthop, enum tls_level host, enum tls_level otherwise);

/* Whether a list of ciphers to be left out names ciphers only; else false and *why (free() it). */
bool tls_policy_exclusions(const char *list, char **why);

/* Whether it is a digest in hexadecimal, with or without colons. */
bool tls_policy_is_fingerprint(struct text);

/* Fills in what the entry left out, for the level that it has now. False and *why (free() it) if there is
 * nothing that a certificate could be matched with, or a cipher is named as it must not be. */
bool tls_policy_complete(struct tls_policy *, const struct manner *, char **why);

/* OpenSSL's list of ciphers: the grade's, less what is excluded. */
struct tls_cipherlists {
	const char *high, *medium, *null;
};
void tls_policy_ciphers(const struct tls_policy *, const struct tls_cipherlists *, struct buf *out);

/* A-labels of the names that a certificate may be for, with a blank between: match, with the words nexthop,
 * dot-nexthop and hostname replaced. */
void tls_policy_names(const struct tls_policy *, const char *nexthop, const char *hostname, struct buf *out);

/* The name to be asked for (SNI) as an A-label, NULL: none. */
const char *tls_policy_servername(const struct tls_policy *, const char *nexthop, const char *hostname,
	char *room);

/* Whether MTA-STS lets mail go to a host of that name. */
bool tls_policy_allows_host(const struct tls_policy *, const char *host);

/* "none", "may", …, "halfdane". */
const char *tls_policy_level(const struct tls_policy *);
const char *tls_level_name(enum tls_level);
bool tls_level_authenticates(enum tls_level);       /* some match is asked for */

#endif
