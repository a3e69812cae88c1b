/*
 * Sessions that can be resumed. What is kept of one is a byte for this format, a byte for how its peer was
 * found, and what OpenSSL makes of it.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

enum { FORMAT = 1, HEAD = 2 };

static void give(struct tls *t, SSL_SESSION *session)
{
	int size = i2d_SSL_SESSION(session, NULL);
	unsigned char *bytes, *at;

	if (size <= 0 || t->kept)
		return;
	t->kept = true;
	bytes = mem_alloc(HEAD + (size_t)size);
	bytes[0] = FORMAT;
	bytes[1] = (unsigned char)t->result.standing;
	at = bytes + HEAD;
	i2d_SSL_SESSION(session, &at);
	t->keep(t->arg, bytes, HEAD + (size_t)size);
	OPENSSL_cleanse(bytes, HEAD + (size_t)size);
	free(bytes);
}

/* In TLS 1.2 it comes before the handshake is over, and with it the result. */
static int came(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = tls_of(ssl);

	if (t->keep && t->done && SSL_SESSION_is_resumable(session))
		give(t, session);
	return 0;
}

void tls_sessions_enable(struct tls_context *c)
{
	SSL_CTX_set_session_cache_mode(c->openssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
		| SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(c->openssl, came);
}

void tls_keep_early(struct tls *t)
{
	SSL_SESSION *session = SSL_get_session(t->openssl);

	if (t->keep && !t->result.resumed && SSL_version(t->openssl) < TLS1_3_VERSION
			&& session && SSL_SESSION_is_resumable(session))
		give(t, session);
}

void tls_offer_session(struct tls *t, struct text bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.p + HEAD;
	SSL_SESSION *session;

	if (bytes.n <= HEAD || bytes.p[0] != FORMAT || (unsigned char)bytes.p[1] > TLS_VERIFIED)
		return;
	session = d2i_SSL_SESSION(NULL, &at, (long)(bytes.n - HEAD));
	if (session && SSL_set_session(t->openssl, session) == 1)
		t->resumed_standing = bytes.p[1];
	SSL_SESSION_free(session);
	ERR_clear_error();
}

/* With its end, so that no two lists of texts are the same. */
static void add_text(EVP_MD_CTX *md, const char *text)
{
	EVP_DigestUpdate(md, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void add_records(EVP_MD_CTX *md, const struct tls_wish *w)
{
	for (size_t i = 0; i < w->record_count; i++) {
		const struct tls_record *r = &w->records[i];
		unsigned char head[] = { r->usage, r->selector, r->matching };

		EVP_DigestUpdate(md, head, sizeof head);
		EVP_DigestUpdate(md, r->data, r->size);
	}
}

void tls_session_key(const struct tls_context *c, const struct tls_wish *w, const char *about,
	struct buf *out)
{
	EVP_MD_CTX *md = mem_check(EVP_MD_CTX_new());
	unsigned char bytes[EVP_MAX_MD_SIZE], how[] =
		{ (unsigned char)w->trust, w->authenticate, (unsigned char)w->depth };
	unsigned n = 0;

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	EVP_DigestUpdate(md, how, sizeof how);
	EVP_DigestUpdate(md, c->files, sizeof c->files);
	add_text(md, about);
	add_text(md, w->protocols);
	add_text(md, w->ciphers);
	add_text(md, w->servername);
	add_text(md, w->names);
	add_text(md, w->fingerprints);
	add_text(md, w->digest);
	add_text(md, OpenSSL_version(OPENSSL_VERSION));
	tls_anchors_digest(w->anchors, md);
	add_records(md, w);
	EVP_DigestFinal_ex(md, bytes, &n);
	EVP_MD_CTX_free(md);
	for (unsigned i = 0; i < n; i++)
		buf_fmt(out, "%02x", bytes[i]);
}
