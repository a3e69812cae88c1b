/* Digests of certificates and keys. */
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/tls_private.h"

bool tls_digest_known(const char *name)
{
	return EVP_get_digestbyname(name);
}

/* The key as it stands in the certificate, with its algorithm (SubjectPublicKeyInfo). */
static bool digest_key(X509 *x, const EVP_MD *md, unsigned char *out, unsigned *n)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool done = size > 0 && EVP_Digest(der, (size_t)size, out, n, md, NULL);

	OPENSSL_free(der);
	return done;
}

static bool digest(X509 *x, bool of_key, const char *name, unsigned char *out, unsigned *n)
{
	const EVP_MD *md = EVP_get_digestbyname(name);

	if (!md)
		return false;
	return of_key ? digest_key(x, md, out, n) : X509_digest(x, md, out, n);
}

void tls_fingerprint(X509 *x, bool of_key, const char *name, struct buf *out)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!digest(x, of_key, name, bytes, &n))
		return;
	for (unsigned i = 0; i < n; i++)
		buf_fmt(out, "%s%02X", i ? ":" : "", bytes[i]);
}

/* Whether the text is the digest in hexadecimal; colons count for nothing. */
static bool same(struct text t, const char *wanted)
{
	for (; *wanted; wanted++) {
		if (*wanted == ':')
			continue;
		while (t.n > 0 && *t.p == ':')
			t = text_make(t.p + 1, t.n - 1);
		if (t.n == 0 || toupper((unsigned char)*t.p) != *wanted)
			return false;
		t = text_make(t.p + 1, t.n - 1);
	}
	return t.n == 0;
}

static bool is_listed(const char *list, const char *print)
{
	struct text rest = text_of(list), element;

	while (*print && text_list_next(&rest, &element))
		if (same(element, print))
			return true;
	return false;
}

bool tls_fingerprint_matches(const struct tls *t, X509 *peer)
{
	bool found = false;
	struct buf print;

	buf_init(&print, TLS_LINE_MAX);
	for (int of_key = 0; of_key <= 1 && !found; of_key++) {
		buf_clear(&print);
		tls_fingerprint(peer, of_key, t->digest, &print);
		found = is_listed(t->fingerprints, buf_text(&print));
	}
	buf_free(&print);
	return found;
}
