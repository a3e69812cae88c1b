/*
 * Inside TLS, a concern a file: tls.c the life of contexts and connections, tls_options.c what OpenSSL is
 * told by name, tls_certificates.c files of keys and certificates, tls_files.c which files these were,
 * tls_protocols.c versions and ciphers, tls_verify.c who the peer is, tls_fingerprint.c and tls_dane.c two
 * other ways to tell, tls_io.c bytes, tls_session.c resumption, tls_describe.c what the log says.
 */
#ifndef CAUSEWAY_NET_TLS_PRIVATE_H
#define CAUSEWAY_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "net/tls.h"

enum {
	TLS_LINE_MAX = 1024,         /* bytes of a line about a peer */
	TLS_DIGEST_SIZE = 32         /* SHA-256 */
};

struct tls_context {
	SSL_CTX *openssl;
	struct buf warnings;
	unsigned char files[TLS_DIGEST_SIZE];   /* that it was made of */
};

struct tls {
	SSL *openssl;
	struct tls_result result;
	enum tls_trust trust;
	int depth;
	bool wants_write, wrong_name, named;
	bool done;                     /* the handshake */
	char *chain_problem, *problem; /* behind the result's pointers */
	char *fault;
	char *fingerprints, *digest;
	void (*keep)(void *arg, const void *bytes, size_t n);
	void *arg;
	bool kept;
	int resumed_standing;          /* of the session that was offered */
};

/* What OpenSSL complained of last (constant or *error's text), and forgets it. */
const char *tls_complaint(void);
/* "WHAT: FILE: complaint" as a new string. */
char *tls_complain(const char *what, const char *file);
/* Remembers what went wrong with a connection. */
void tls_set_fault(struct tls *, const char *text);
/* The connection that an OpenSSL object belongs to. */
struct tls *tls_of(const SSL *);

/* The name of the member that names a file which is no good, or NULL. */
const char *tls_load_certificates(struct tls_context *, const struct tls_setup *, char **why);
const char *tls_load_authorities(struct tls_context *, const struct tls_setup *, char **why);
/* What the files are at this moment. */
void tls_files_digest(const struct tls_setup *, unsigned char out[TLS_DIGEST_SIZE]);
void tls_set_options(struct tls_context *, const struct tls_setup *);
void tls_set_groups(struct tls_context *, const struct tls_setup *);
void tls_set_dane_digests(struct tls_context *, const char *list);

/* tls_protocols.c: the protocols that the list lets; false and *why (free() it) if that makes no sense. */
bool tls_set_protocols(struct tls *, const char *list, char **why);
bool tls_set_ciphers(struct tls *, const char *list, char **why);

/* tls_verify.c: what OpenSSL finds out about certificates is gathered, and ends nothing. */
void tls_watch_verification(struct tls *, const struct tls_wish *);
bool tls_set_names(struct tls *, const char *names);
void tls_conclude(struct tls *);   /* fills the result when the handshake is done */

/* Whether the digests of the peer's certificate or key are among those asked for. */
bool tls_fingerprint_matches(const struct tls *, X509 *);
/* Appends the digest of the certificate, or of its key, in hexadecimal with colons. */
void tls_fingerprint(X509 *, bool of_key, const char *digest, struct buf *out);

/* Make the connection verify by anchors or records; false if none of them can be used. */
bool tls_add_anchors(struct tls *, const struct tls_wish *);
bool tls_add_records(struct tls *, const struct tls_wish *);

/* Adds what the anchors are to a digest; NULL is none. */
void tls_anchors_digest(const struct tls_anchors *, EVP_MD_CTX *);

/* tls_session.c: who uses a connection of this context is told of sessions that may be resumed. */
void tls_sessions_enable(struct tls_context *);
/* Gives away the session of a handshake that is done, where it is known already (up to TLS 1.2). */
void tls_keep_early(struct tls *);
/* Offers the session; nothing happens if it is no good (any more). */
void tls_offer_session(struct tls *, struct text bytes);

#endif
