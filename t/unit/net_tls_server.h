/*
 * A server of OpenSSL's own on the other end of a socket pair, in a thread, with a certificate of the kind
 * that is wanted, signed by an authority that is made for the run of a test program.
 */
#ifndef CAUSEWAY_T_NET_TLS_SERVER_H
#define CAUSEWAY_T_NET_TLS_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_SERVER_NAME "mx.good.test"

/* Kinds of certificates: for TLS_SERVER_NAME and in order, unless the name says otherwise. */
enum {
	GOOD, COMMON, EXPIRED, UNBORN, SELF_SIGNED, WRONG, WRONG_BUT_COMMON, WILDCARD, WILDCARD_DEEPER, PARTIAL,
		EMBEDDED_NUL,
	IDN, ADDRESS, NAMELESS
};

/* What it does in place of, or behind, an honest handshake. */
enum act {
	HONEST,              /* a handshake, then it says "hello", and its close notice */
	ENDS,                /* a handshake, then the end without a word */
	GARBLES,             /* a handshake, then bytes that are no record */
	/* all others send `bytes` when they have heard the client, and close */
	SPEAKS
};

struct tls_server {
	/* what is wanted; zeros: honest, GOOD */
	enum act act;
	int kind;
	bool tls12;
	const char *bytes;
	size_t n;
	SSL_CTX *again;      /* that knows its sessions, the caller's; NULL: a new one */
	/* what it has, until it is stopped */
	char fingerprint[2 * EVP_MAX_MD_SIZE + 1];
	EVP_PKEY *key;
	X509 *certificate;
	int fd;
	pthread_t thread;
};

/* Makes the authority, once for all tests: each of them runs in a process of its own, but knows what was
 * there before. */
void tls_server_begin(void);
void tls_server_end(void);
/* The file with the authority's certificate. */
const char *tls_server_ca_file(void);

/* Returns the client's end, non-blocking, the caller's. */
int tls_server_start(struct tls_server *);
/* Waits for its end. */
void tls_server_stop(struct tls_server *);

#endif
