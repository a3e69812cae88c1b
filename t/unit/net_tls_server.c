#include "net_tls_server.h"
#include "unit.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME TLS_SERVER_NAME

enum { DAY = 86400 };

/* --- certificates --- */

struct kind {
	const char *name;        /* alternative name of that many bytes; NULL: none */
	size_t n;
	int type;                /* GEN_DNS or GEN_IPADD */
	const char *common_name;
	int from, to;            /* days from now */
	bool self_signed;
};

#define NAMED(s) .name = s, .n = sizeof(s) - 1, .type = GEN_DNS, .to = 1

static const struct kind kinds[] = {
	[GOOD] = { NAMED(NAME) },
	[COMMON] = { .common_name = NAME, .to = 1 },
	[EXPIRED] = { .name = NAME, .n = sizeof NAME - 1, .type = GEN_DNS, .from = -10, .to = -9 },
	[UNBORN] = { .name = NAME, .n = sizeof NAME - 1, .type = GEN_DNS, .from = 9, .to = 10 },
	[SELF_SIGNED] = { NAMED(NAME), .self_signed = true },
	[WRONG] = { NAMED("mx.other.test") },
	[WRONG_BUT_COMMON] = { NAMED("mx.other.test"), .common_name = NAME },
	[WILDCARD] = { NAMED("*.good.test") },
	[WILDCARD_DEEPER] = { NAMED("*.test") },
	[PARTIAL] = { NAMED("m*.good.test") },
	[EMBEDDED_NUL] = { NAMED("mx.good.test\0.evil.test") },
	[IDN] = { NAMED("xn--bcher-kva.test") },
	[ADDRESS] = { .name = "\x7f\0\0\x01", .n = 4, .type = GEN_IPADD, .to = 1 },
	[NAMELESS] = { .to = 1 },
};

static EVP_PKEY *root_key;
static X509 *root;
static char ca_file[200];

static X509 *new_certificate(EVP_PKEY *key, const char *common_name, int from, int to)
{
	static int serial;
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), from * DAY - 60);
	X509_gmtime_adj(X509_getm_notAfter(x), to * DAY);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
	return x;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static void add_name(X509 *x, const struct kind *k)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = k->type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();

	ASN1_STRING_set(value, k->name, (int)k->n);
	GENERAL_NAME_set0_value(name, k->type, value);
	sk_GENERAL_NAME_push(names, name);
	X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
}

static X509 *leaf(const struct kind *k, EVP_PKEY *key)
{
	X509 *x = new_certificate(key, k->common_name ? k->common_name : "nobody", k->from, k->to);

	if (k->name)
		add_name(x, k);
	X509_set_issuer_name(x, k->self_signed ? X509_get_subject_name(x) : X509_get_subject_name(root));
	X509_sign(x, k->self_signed ? key : root_key, EVP_sha256());
	return x;
}

void tls_server_begin(void)
{
	const char *directory = getenv("TMPDIR");
	FILE *file;

	snprintf(ca_file, sizeof ca_file, "%s/net_tls_XXXXXX", directory ? directory : "/tmp");
	file = fdopen(mkstemp(ca_file), "w");
	root_key = EVP_EC_gen("P-256");
	root = new_certificate(root_key, "Test Root", 0, 30);
	X509_set_issuer_name(root, X509_get_subject_name(root));
	add_extension(root, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(root, NID_key_usage, "critical,keyCertSign,cRLSign");
	X509_sign(root, root_key, EVP_sha256());
	PEM_write_X509(file, root);
	fclose(file);
}

void tls_server_end(void)
{
	unlink(ca_file);
	EVP_PKEY_free(root_key);
	X509_free(root);
}

const char *tls_server_ca_file(void)
{
	return ca_file;
}

/* --- the server --- */

static void say(int fd, const char *bytes, size_t n)
{
	ck_assert_int_eq(write(fd, bytes, n), n);
}

static void serve_honestly(struct tls_server *s)
{
	SSL_CTX *ctx = s->again ? s->again : SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
	SSL_CTX_use_certificate(ctx, s->certificate);
	SSL_CTX_use_PrivateKey(ctx, s->key);
	if (s->tls12)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, s->fd);
	if (SSL_accept(ssl) == 1 && s->act == HONEST) {
		SSL_write(ssl, "hello", 5);
		SSL_shutdown(ssl);
	} else if (s->act == GARBLES) {
		say(s->fd, "250 2.0.0 Saved\r\n", 17);
	}
	SSL_free(ssl);
	if (!s->again)
		SSL_CTX_free(ctx);
}

static void *serve(void *arg)
{
	struct tls_server *s = arg;
	char hello[4096];

	if (s->act != SPEAKS) {
		serve_honestly(s);
	} else {
		ck_assert_int_gt(read(s->fd, hello, sizeof hello), 0);
		say(s->fd, s->bytes, s->n);
	}
	close(s->fd);
	return NULL;
}

int tls_server_start(struct tls_server *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	s->fd = fds[1];
	s->key = EVP_EC_gen("P-256");
	s->certificate = leaf(&kinds[s->kind], s->key);
	X509_digest(s->certificate, EVP_sha256(), digest, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(s->fingerprint + 2 * i, 3, "%02X", digest[i]);
	pthread_create(&s->thread, NULL, serve, s);
	return fds[0];
}

void tls_server_stop(struct tls_server *s)
{
	pthread_join(s->thread, NULL);
	EVP_PKEY_free(s->key);
	X509_free(s->certificate);
}
