/*
 * TLS on connections that we open. A context is what the connections of a transport share; it is made before
 * a sandbox closes, since it reads keys and certificates. A wish says what one connection asks of its peer, a
 * tls is that connection, which net/stream drives, and its result tells who the peer turned out to be. A
 * handshake goes on whatever certificate comes: what it is worth is the caller's to decide, by the result.
 * Only the files of net that begin with tls know OpenSSL.
 */
#ifndef CAUSEWAY_NET_TLS_H
#define CAUSEWAY_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Once in a process, before the first context: reads OpenSSL's configuration file, "default", "none" or a
 * path, and there the section of that name ("": the usual one). False and *why (free() it) if a file that was
 * named is no good. */
bool tls_library_start(const char *config_file, const char *config_name, char **why);

/* Lists and names as in the parameters that are called so with smtp_tls_ or tls_ in front. */
struct tls_setup {
	const char *chain_files;                   /* own keys and certificates, in place of the pairs */
	const char *cert_file, *key_file, *eccert_file, *eckey_file, *dcert_file, *dkey_file;
	const char *ca_file, *ca_path;             /* whom to believe */
	bool append_default_ca;
	const char *eecdh_auto_curves, *ffdhe_auto_groups, *disable_workarounds, *ssl_options, *dane_digests;
	bool keep_bounds;                          /* protocol versions that OpenSSL's configuration allows */
	bool without_keys;                         /* look at the certificates, but open no key: for a check */
};

struct tls_context;

/* Reads all files. NULL if one is no good: *member is the name of the member that names it, *why (free() it)
 * what is wrong. */
struct tls_context *tls_context_new(const struct tls_setup *, const char **member, char **why);
void tls_context_free(struct tls_context *);

/* Appends what was passed over, a line each: unknown names of options, groups and digests. */
void tls_context_warnings(const struct tls_context *, struct buf *out);

/* Certificates and public keys that are believed in place of the context's authorities; they may stand
 * anywhere in a chain. NULL and *why (free() it) if one of the files holds none. */
struct tls_anchors;
struct tls_anchors *tls_anchors_new(const char *files, char **why);
void tls_anchors_free(struct tls_anchors *);

/* One TLSA record (RFC 6698 2.1); data is borrowed. */
struct tls_record {
	uint8_t usage, selector, matching;
	const unsigned char *data;
	size_t size;
};

enum tls_trust {
	TLS_TRUST_ANYBODY,      /* the certificate matters to the log only */
	TLS_TRUST_CA,           /* the context's authorities, and one of the names */
	TLS_TRUST_ANCHORS,      /* the anchors, and one of the names */
	TLS_TRUST_FINGERPRINT,  /* a digest of the certificate or of its key, nothing else */
	TLS_TRUST_DANE          /* the records (RFC 7672), and for usage 2 one of the names */
};

/* What a connection asks for. All is borrowed by tls_new. */
struct tls_wish {
	enum tls_trust trust;
	bool authenticate;              /* weak keys are no good (security level 1) */
	const char *protocols;          /* list: ">=TLSv1.2", "!TLSv1", "TLSv1.2 TLSv1.3" … */
	const char *ciphers;            /* as OpenSSL takes it; TLS 1.3 has its own */
	const char *servername;         /* to be asked for (SNI), A-labels; NULL: none */
	const char *names;              /* list of A-labels or addresses, ".example" for all below it */
	const struct tls_anchors *anchors;
	const char *fingerprints;       /* list of hex digests, colons or not */
	const char *digest;             /* how they are made */
	const struct tls_record *records;
	size_t record_count;
	int depth;                      /* most certificates above the peer's own */
	bool raw_key;                   /* a key without a certificate will do (RFC 7250) */
	struct text session;            /* what `keep` was given once; empty: a full handshake */
	/* a session that may be resumed later, at most once a connection; NULL: none wanted */
	void (*keep)(void *arg, const void *bytes, size_t n);
	void *arg;
};

/* Appends what a session that was made by this wish may be known by: a digest of all that makes it
 * trustworthy, the files of the context included, and of what the caller says about the connection. */
void tls_session_key(const struct tls_context *, const struct tls_wish *, const char *about, struct buf *out);

/* NULL if the list can be read, else what is wrong with it (free() it). */
char *tls_protocols_check(const char *list);
/* Whether OpenSSL knows keys without certificates (RFC 7250). */
bool tls_has_raw_keys(void);
/* Whether OpenSSL knows a digest of that name. */
bool tls_digest_known(const char *name);

struct tls;

/* NULL and *why (free() it) if the wish cannot be had: no such protocol, no cipher left … */
struct tls *tls_new(struct tls_context *, const struct tls_wish *, char **why);
void tls_free(struct tls *);

enum tls_standing {
	TLS_ANONYMOUS,   /* it showed no certificate */
	TLS_UNTRUSTED,   /* nobody who is believed stands behind it, or it is not who was asked for */
	TLS_TRUSTED,     /* somebody does, and no match was asked for */
	TLS_VERIFIED     /* it is who the wish asked for */
};

/* Of a handshake that is done. */
struct tls_result {
	enum tls_standing standing;
	bool resumed;           /* by an earlier session, whose standing is this one's */
	bool unusable_records;  /* OpenSSL takes none of the TLSA records: nothing was verified */
	const char *protocol, *cipher;
	const char *problem;    /* why it is not verified, one line; NULL if it is or nothing was asked for */
	const char *chain_problem;   /* the same for who stands behind it: NULL if that is fine */
};
const struct tls_result *tls_result(const struct tls *);

/* Appends "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange …", as Postfix writes
 * it. */
void tls_describe(const struct tls *, struct buf *out);
/* Appends "subject_CN=…, issuer_CN=…, fingerprint=…, pkey_fingerprint=…", cleaned. */
void tls_describe_peer(const struct tls *, struct buf *out);
/* What went wrong last, one line. */
const char *tls_fault(const struct tls *);

/* For net/stream: the connection on a non-blocking socket. */
enum tls_io {
	TLS_IO_DONE,
	TLS_IO_LATER,    /* when the socket is ready: see tls_wants_write */
	TLS_IO_CLOSED,   /* the peer's end */
	TLS_IO_BROKEN    /* *error: errno, or EPROTO for a breach of TLS, see tls_fault */
};
void tls_attach(struct tls *, int fd);
enum tls_io tls_handshake(struct tls *, int *error);
enum tls_io tls_read(struct tls *, void *bytes, size_t room, size_t *n, int *error);
enum tls_io tls_write(struct tls *, const void *bytes, size_t n, size_t *taken, int *error);
bool tls_pending(const struct tls *);       /* something was received that was not read yet */
bool tls_peek(struct tls *);                /* the peer has said something */
bool tls_wants_write(const struct tls *);   /* the last call stopped for want of room in the socket */
void tls_goodbye(struct tls *);             /* close_notify, if it can be sent at once */

#endif
