/* Who the peer is: what OpenSSL finds about its certificates, gathered without ending the handshake. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

static bool is_about_names(int error)
{
	return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

static void note_chain(struct tls *t, const char *what, int depth)
{
	if (!t->chain_problem)
		t->chain_problem = mem_fmt("%s (certificate %d of its chain)", what, depth);
}

/* OpenSSL asks about every certificate, the outermost first; what is wrong is only remembered. */
static int look(int ok, X509_STORE_CTX *ctx)
{
	struct tls *t = tls_of(X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx()));
	int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);

	if (!ok && is_about_names(error))
		t->wrong_name = true;
	else if (!ok)
		note_chain(t, X509_verify_cert_error_string(error), depth);
	if (depth > t->depth)
		note_chain(t, "the chain is longer than tls_scert_verifydepth", depth);
	return 1;
}

void tls_watch_verification(struct tls *t, const struct tls_wish *w)
{
	SSL_set_verify(t->openssl, SSL_VERIFY_NONE, look);
	/* OpenSSL's own limit is one more, so that the excess is seen and named */
	SSL_set_verify_depth(t->openssl, w->depth + 1);
}

bool tls_set_names(struct tls *t, const char *names)
{
	struct text rest = text_of(names), element;
	bool some = false;

	SSL_set_hostflags(t->openssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	while (text_list_next(&rest, &element)) {
		char *name = mem_strn(element.p, element.n);

		if (!text_is(element, "."))
			some |= SSL_add1_host(t->openssl, name) == 1;
		free(name);
	}
	ERR_clear_error();
	return some;
}

/* --- the end of the handshake --- */

static char *name_problem(const struct tls *t)
{
	if (!t->named)
		return mem_str("there is no name that its certificate could be matched with");
	return t->wrong_name ? mem_str("its certificate is for another name") : NULL;
}

/* Why the peer is not who was asked for, as a new string; NULL: it is. */
static char *find_problem(const struct tls *t, X509 *peer)
{
	long found = SSL_get_verify_result(t->openssl);

	if (!peer)
		return mem_str("it showed no certificate");
	if (t->trust == TLS_TRUST_FINGERPRINT)
		return tls_fingerprint_matches(t, peer) ? NULL
			: mem_str("neither its certificate nor its key has a fingerprint that is asked for");
	if (t->result.unusable_records)
		return mem_str("none of its TLSA records can be used");
	if (t->chain_problem)
		return mem_str(t->chain_problem);
	if (t->trust != TLS_TRUST_CA && SSL_get0_dane_authority(t->openssl, NULL, NULL) < 0)
		return mem_str("nothing in its chain is what was asked for");
	if (t->trust == TLS_TRUST_DANE && !t->wrong_name)
		return NULL;
	/* it may give up without a word about any certificate */
	if (!t->wrong_name && found != X509_V_OK)
		return mem_str(X509_verify_cert_error_string(found));
	return name_problem(t);
}

static enum tls_standing standing(const struct tls *t, const X509 *peer)
{
	if (!peer)
		return TLS_ANONYMOUS;
	if (t->trust != TLS_TRUST_ANYBODY)
		return t->problem ? TLS_UNTRUSTED : TLS_VERIFIED;
	return t->chain_problem ? TLS_UNTRUSTED : TLS_TRUSTED;
}

/* A session that is resumed shows no chain: it is as good as when it began. */
static void take_over(struct tls *t)
{
	struct tls_result *r = &t->result;

	r->standing = (enum tls_standing)t->resumed_standing;
	if (t->trust != TLS_TRUST_ANYBODY && r->standing != TLS_VERIFIED)
		t->problem = mem_str("the session that is resumed was not verified");
}

void tls_conclude(struct tls *t)
{
	struct tls_result *r = &t->result;
	X509 *peer = SSL_get0_peer_certificate(t->openssl);

	r->protocol = SSL_get_version(t->openssl);
	r->cipher = SSL_get_cipher_name(t->openssl);
	r->resumed = SSL_session_reused(t->openssl);
	if (r->resumed) {
		take_over(t);
	} else {
		if (t->trust != TLS_TRUST_ANYBODY)
			t->problem = find_problem(t, peer);
		r->standing = standing(t, peer);
	}
	r->chain_problem = t->chain_problem;
	r->problem = t->problem;
	tls_keep_early(t);
}
