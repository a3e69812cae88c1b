/* What the log says of a connection, in Postfix's form. */
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

/* The curve's name, as NIST calls it if it does. */
static void add_curve(EVP_PKEY *key, struct buf *out)
{
	char group[80] = "";
	const char *nist = NULL;
	int nid;

	if (!EVP_PKEY_get_group_name(key, group, sizeof group, NULL))
		return;
	nid = OBJ_sn2nid(group);
	if (nid != NID_undef)
		nist = EC_curve_nid2nist(nid);
	buf_fmt(out, " (%s)", nist ? nist : group);
}

static void add_key_exchange(SSL *ssl, struct buf *out)
{
	EVP_PKEY *key = NULL;

	if (SSL_get_peer_tmp_key(ssl, &key) != 1)
		return;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_DH:
	case EVP_PKEY_DHX:
		buf_fmt(out, " key-exchange DHE (%d bits)", EVP_PKEY_get_bits(key));
		break;
	case EVP_PKEY_EC:
		buf_str(out, " key-exchange ECDHE");
		add_curve(key, out);
		break;
	default:
		buf_fmt(out, " key-exchange %s", OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
	}
	EVP_PKEY_free(key);
}

static const char *signature_name(int nid)
{
	switch (nid) {
	case EVP_PKEY_RSA:
		return "RSA";
	case EVP_PKEY_RSA_PSS:
		return "RSA-PSS";
	case EVP_PKEY_EC:
		return "ECDSA";
	default:
		return OBJ_nid2sn(nid);
	}
}

static void add_signature(SSL *ssl, struct buf *out)
{
	X509 *peer = SSL_get0_peer_certificate(ssl);
	EVP_PKEY *key = peer ? X509_get0_pubkey(peer) : NULL;
	int nid;

	if (!key || SSL_get_peer_signature_type_nid(ssl, &nid) != 1)
		return;
	buf_fmt(out, " server-signature %s", signature_name(nid));
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
		add_curve(key, out);
	else if (nid == EVP_PKEY_RSA || nid == EVP_PKEY_RSA_PSS)
		buf_fmt(out, " (%d bits)", EVP_PKEY_get_bits(key));
	if (SSL_get_peer_signature_nid(ssl, &nid) == 1 && nid != NID_undef)
		buf_fmt(out, " server-digest %s", OBJ_nid2sn(nid));
}

void tls_describe(const struct tls *t, struct buf *out)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->openssl);
	int all = 0, used = cipher ? SSL_CIPHER_get_bits(cipher, &all) : 0;

	buf_fmt(out, "%s with cipher %s (%d/%d bits)", t->result.protocol, t->result.cipher, used, all);
	if (SSL_version(t->openssl) < TLS1_3_VERSION || t->result.resumed)
		return;
	add_key_exchange(t->openssl, out);
	add_signature(t->openssl, out);
}

/* The last common name, cleaned; "" if there is none. */
static void add_common_name(const X509_NAME *name, struct buf *out)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1), last = at;
	unsigned char *utf8 = NULL;
	int n;

	for (; at >= 0; at = X509_NAME_get_index_by_NID(name, NID_commonName, at))
		last = at;
	if (last < 0)
		return;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (n > 0)
		text_clean(text_make((const char *)utf8, (size_t)n), TLS_LINE_MAX / 4, out);
	OPENSSL_free(utf8);
}

void tls_describe_peer(const struct tls *t, struct buf *out)
{
	X509 *peer = SSL_get0_peer_certificate(t->openssl);

	if (!peer)
		return;
	buf_str(out, "subject_CN=");
	add_common_name(X509_get_subject_name(peer), out);
	buf_str(out, ", issuer_CN=");
	add_common_name(X509_get_issuer_name(peer), out);
	buf_str(out, ", fingerprint=");
	tls_fingerprint(peer, false, t->digest, out);
	buf_str(out, ", pkey_fingerprint=");
	tls_fingerprint(peer, true, t->digest, out);
}
