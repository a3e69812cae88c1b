/*
 * Sessions that can be resumed. What is kept of one is a byte for this format, a byte for how its peer was found,
 * and what OpenSSL makes of it.
 */
#include <openssl/err.h>
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
