/* Files: who we are, and whom we believe. */
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/tls_private.h"

#define PRIVATE_KEY "PRIVATE KEY"   /* the end of the name of any such PEM object */

/* There is nobody to ask for a passphrase. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* --- a certificate with its chain in one file, its key in the same or another --- */

static bool is_readable(const char *key, char **why)
{
	if (access(key, R_OK) == 0)
		return true;
	*why = mem_fmt("cannot read the private key in '%s': %s", key, strerror(errno));
	return false;
}

static bool load_pair(SSL_CTX *ctx, const char *certificate, const char *key, bool without_keys, char **why)
{
	if (!*certificate)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		*why = tls_complain("cannot use the certificate in", certificate);
	else if (without_keys)
		return is_readable(key, why);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		*why = tls_complain("cannot use the private key in", key);
	else if (SSL_CTX_check_private_key(ctx) != 1)
		*why = mem_fmt("the private key in '%s' does not belong to the certificate in '%s'", key,
			certificate);
	else
		return true;
	return false;
}

/* --- files that hold keys, each followed by its certificate and those of its issuers --- */

struct chains {
	SSL_CTX *ctx;
	const char *file;
	EVP_PKEY *key;               /* of the chain that is being read */
	X509 *leaf;
	STACK_OF(X509) *issuers;
};

static void forget_chain(struct chains *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->leaf);
	sk_X509_pop_free(c->issuers, X509_free);
	c->key = NULL;
	c->leaf = NULL;
	c->issuers = NULL;
}

/* NULL, or what is wrong. */
static char *finish_chain(struct chains *c)
{
	char *wrong = NULL;

	if (c->key && !c->leaf)
		wrong = mem_fmt("'%s': a key is not followed by its certificate", c->file);
	else if (c->key && SSL_CTX_use_cert_and_key(c->ctx, c->leaf, c->key, c->issuers, 0) != 1)
		wrong = tls_complain("the key and the certificate behind it do not fit, or their kind stands there "
			"twice", c->file);
	forget_chain(c);
	return wrong;
}

static char *add_certificate(struct chains *c, const unsigned char *der, long n)
{
	X509 *x = d2i_X509(NULL, &der, n);

	if (!x)
		return tls_complain("cannot read a certificate in", c->file);
	if (!c->key) {
		X509_free(x);
		return mem_fmt("'%s': a certificate stands before the first key", c->file);
	}
	if (!c->leaf) {
		c->leaf = x;
		return NULL;
	}
	if (!c->issuers)
		c->issuers = mem_check(sk_X509_new_null());
	sk_X509_push(c->issuers, x);
	return NULL;
}

static char *add_key(struct chains *c, const unsigned char *der, long n)
{
	char *wrong = finish_chain(c);

	if (wrong)
		return wrong;
	c->key = d2i_AutoPrivateKey(NULL, &der, n);
	return c->key ? NULL : tls_complain("cannot read a private key in", c->file);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static char *add_object(struct chains *c, const char *name, const char *header, const unsigned char *der,
	long n)
{
	if (ends_with(name, PRIVATE_KEY) && (*header || strncmp(name, "ENCRYPTED", 9) == 0))
		return mem_fmt("'%s': a private key is encrypted", c->file);
	if (ends_with(name, PRIVATE_KEY))
		return add_key(c, der, n);
	if (ends_with(name, "CERTIFICATE"))
		return add_certificate(c, der, n);
	return NULL;   /* parameters of elliptic curves and the like */
}

static char *read_chain_file(struct chains *c)
{
	BIO *in = BIO_new_file(c->file, "r");
	char *name, *header, *wrong = NULL;
	unsigned char *der;
	long n;

	if (!in)
		return tls_complain("cannot read", c->file);
	while (!wrong && PEM_read_bio(in, &name, &header, &der, &n)) {
		wrong = add_object(c, name, header, der, n);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	BIO_free(in);
	return wrong;
}

static bool load_chains(SSL_CTX *ctx, const char *files, char **why)
{
	struct chains c = { .ctx = ctx };
	struct text rest = text_of(files), element;
	char *file = NULL;

	*why = NULL;
	while (!*why && text_list_next(&rest, &element)) {
		free(file);
		c.file = file = mem_strn(element.p, element.n);
		*why = read_chain_file(&c);
	}
	if (!*why)
		*why = finish_chain(&c);
	forget_chain(&c);
	free(file);
	ERR_clear_error();
	return !*why;
}

const char *tls_load_certificates(struct tls_context *c, const struct tls_setup *s, char **why)
{
	bool blind = s->without_keys;

	SSL_CTX_set_default_passwd_cb(c->openssl, no_passphrase);
	if (*s->chain_files)
		return blind || load_chains(c->openssl, s->chain_files, why) ? NULL : "chain_files";
	if (!load_pair(c->openssl, s->cert_file, s->key_file, blind, why))
		return "cert_file";
	if (!load_pair(c->openssl, s->eccert_file, s->eckey_file, blind, why))
		return "eccert_file";
	return load_pair(c->openssl, s->dcert_file, s->dkey_file, blind, why) ? NULL : "dcert_file";
}

/* --- authorities --- */

static bool is_directory(const char *path, char **why)
{
	DIR *d = opendir(path);

	if (!d) {
		*why = mem_fmt("cannot read the directory '%s'", path);
		return false;
	}
	closedir(d);
	return true;
}

const char *tls_load_authorities(struct tls_context *c, const struct tls_setup *s, char **why)
{
	if (*s->ca_file && SSL_CTX_load_verify_file(c->openssl, s->ca_file) != 1) {
		*why = tls_complain("cannot use the CA certificates in", s->ca_file);
		return "CAfile";
	}
	if (*s->ca_path && !is_directory(s->ca_path, why))
		return "CApath";
	if (*s->ca_path)
		SSL_CTX_load_verify_dir(c->openssl, s->ca_path);
	if (s->append_default_ca)
		SSL_CTX_set_default_verify_paths(c->openssl);
	ERR_clear_error();
	return NULL;
}
