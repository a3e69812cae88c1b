/* TLS as a client (net/tls), against a server of OpenSSL's own on the other end of a socket pair. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/tls.h"

enum { DAY = 86400, PATIENCE = 20000 };

#define NAME "mx.good.test"

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

enum {
	GOOD, COMMON, EXPIRED, UNBORN, SELF_SIGNED, WRONG, WRONG_BUT_COMMON, WILDCARD, WILDCARD_DEEPER, PARTIAL, EMBEDDED_NUL,
	IDN, ADDRESS, NAMELESS
};

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

/* Once for all tests: each of them runs in a process of its own, but knows what was there before. */
static void make_root(void)
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

/* --- the server --- */

/* What it does in place of, or behind, an honest handshake. */
enum act {
	HONEST,              /* a handshake, then it says "hello", and its close notice */
	ENDS,                /* a handshake, then the end without a word */
	GARBLES,             /* a handshake, then bytes that are no record */
	/* all others send `bytes` when they have heard the client, and close */
	SPEAKS
};

struct server {
	int fd;
	enum act act;
	const struct kind *kind;
	bool tls12;
	const char *bytes;
	size_t n;
	SSL_CTX *again;      /* that knows its sessions; NULL: a new one */
	char fingerprint[2 * EVP_MAX_MD_SIZE + 1];
	EVP_PKEY *key;
	X509 *certificate;
	pthread_t thread;
};

static void say(int fd, const char *bytes, size_t n)
{
	ck_assert_int_eq(write(fd, bytes, n), n);
}

static void serve_honestly(struct server *s)
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
	struct server *s = arg;
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

/* Returns the client's end. */
static int start(struct server *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	s->fd = fds[1];
	s->key = EVP_EC_gen("P-256");
	s->certificate = leaf(s->kind ? s->kind : &kinds[GOOD], s->key);
	X509_digest(s->certificate, EVP_sha256(), digest, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(s->fingerprint + 2 * i, 3, "%02X", digest[i]);
	pthread_create(&s->thread, NULL, serve, s);
	return fds[0];
}

static void stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	EVP_PKEY_free(s->key);
	X509_free(s->certificate);
}

/* --- the client --- */

static struct tls_context *context_with(const char *authorities)
{
	const struct tls_setup setup = {
		.chain_files = "", .cert_file = "", .key_file = "", .eccert_file = "", .eckey_file = "", .dcert_file = "",
		.dkey_file = "", .ca_file = authorities, .ca_path = "", .eecdh_auto_curves = "", .ffdhe_auto_groups = "",
		.disable_workarounds = "", .ssl_options = "", .dane_digests = "sha256",
	};
	const char *member;
	char *why;
	struct tls_context *c = tls_context_new(&setup, &member, &why);

	ck_assert_ptr_nonnull(c);
	return c;
}

static struct tls_wish wish_for(enum tls_trust trust, const char *names)
{
	return (struct tls_wish){ .trust = trust, .authenticate = trust != TLS_TRUST_ANYBODY, .protocols = "",
		.ciphers = "DEFAULT", .names = names, .digest = "sha256", .depth = 9, .fingerprints = "" };
}

static struct tls *client(struct tls_context *c, const struct tls_wish *w, int fd)
{
	char *why;
	struct tls *t = tls_new(c, w, &why);

	ck_assert_ptr_nonnull(t);
	tls_attach(t, fd);
	return t;
}

static void await(const struct tls *t, int fd)
{
	struct pollfd p = { fd, tls_wants_write(t) ? POLLOUT : POLLIN, 0 };

	ck_assert_int_gt(poll(&p, 1, PATIENCE), 0);
}

static enum tls_io shake_hands(struct tls *t, int fd, int *error)
{
	enum tls_io io;

	while ((io = tls_handshake(t, error)) == TLS_IO_LATER)
		await(t, fd);
	return io;
}

/* Until the end; what was heard is added to out. */
static enum tls_io hear(struct tls *t, int fd, struct buf *out, int *error)
{
	char bytes[100];
	enum tls_io io;
	size_t n;

	while ((io = tls_read(t, bytes, sizeof bytes, &n, error)) == TLS_IO_LATER || io == TLS_IO_DONE)
		if (io == TLS_IO_DONE)
			buf_add(out, bytes, n);
		else
			await(t, fd);
	return io;
}

/* --- who the peer is --- */

#define BY_CA .trust = TLS_TRUST_CA, .names = NAME
#define TRUSTED(k) { .kind = k, .standing = TLS_TRUSTED }
#define UNTRUSTED(k, why) { .kind = k, .standing = TLS_UNTRUSTED, .chain_problem = why }
#define VERIFIED(k) { .kind = k, BY_CA, .standing = TLS_VERIFIED }
#define REFUSED(k, why) { .kind = k, BY_CA, .standing = TLS_UNTRUSTED, .problem = why }

static const struct standing_row {
	int kind;
	enum tls_trust trust;
	const char *names;
	enum tls_standing standing;
	const char *problem, *chain_problem;   /* a part of each; NULL: none */
} standings[] = {
	/* without a match only the chain counts */
	TRUSTED(GOOD), TRUSTED(WRONG), TRUSTED(NAMELESS), TRUSTED(EMBEDDED_NUL),
	UNTRUSTED(EXPIRED, "expired"), UNTRUSTED(UNBORN, "not yet valid"), UNTRUSTED(SELF_SIGNED, "self-signed"),
	VERIFIED(GOOD), VERIFIED(COMMON), VERIFIED(WILDCARD),
	{ IDN, TLS_TRUST_CA, "xn--bcher-kva.test", TLS_VERIFIED, NULL, NULL },
	{ ADDRESS, TLS_TRUST_CA, "127.0.0.1", TLS_VERIFIED, NULL, NULL },
	{ GOOD, TLS_TRUST_CA, "other.test " NAME, TLS_VERIFIED, NULL, NULL },
	{ GOOD, TLS_TRUST_CA, ".good.test", TLS_VERIFIED, NULL, NULL },
	{ GOOD, TLS_TRUST_CA, ".test", TLS_VERIFIED, NULL, NULL },
	{ GOOD, TLS_TRUST_CA, "MX.Good.Test", TLS_VERIFIED, NULL, NULL },
	REFUSED(WRONG, "another name"), REFUSED(WRONG_BUT_COMMON, "another name"), REFUSED(WILDCARD_DEEPER, "another name"),
	REFUSED(PARTIAL, "another name"), REFUSED(EMBEDDED_NUL, "another name"), REFUSED(IDN, "another name"),
	REFUSED(ADDRESS, "another name"), REFUSED(NAMELESS, "another name"),
	{ GOOD, TLS_TRUST_CA, "good.test", TLS_UNTRUSTED, "another name", NULL },
	{ GOOD, TLS_TRUST_CA, ".mx.good.test", TLS_UNTRUSTED, "another name", NULL },
	{ GOOD, TLS_TRUST_CA, "", TLS_UNTRUSTED, "no name", NULL },
	{ GOOD, TLS_TRUST_CA, ".", TLS_UNTRUSTED, "no name", NULL },
	{ GOOD, TLS_TRUST_CA, NULL, TLS_UNTRUSTED, "no name", NULL },
	{ ADDRESS, TLS_TRUST_CA, "127.0.0.2", TLS_UNTRUSTED, "another name", NULL },
	{ EXPIRED, BY_CA, TLS_UNTRUSTED, "expired", "expired" },
	{ UNBORN, BY_CA, TLS_UNTRUSTED, "not yet valid", "not yet valid" },
	{ SELF_SIGNED, BY_CA, TLS_UNTRUSTED, "self-signed", "self-signed" },
};

static void same_problem(const char *what, const char *got, const char *part)
{
	ck_assert_msg(part ? got && strstr(got, part) : !got, "%s: %s, expected %s", what, got ? got : "none", part ? part : "none");
}

START_TEST(test_standing)
{
	const struct standing_row *row = &standings[_i];
	struct tls_context *context = context_with(ca_file);
	struct tls_wish wish = wish_for(row->trust, row->names);
	struct server server = { .kind = &kinds[row->kind] };
	int fd = start(&server), error = 0;
	struct tls *t = client(context, &wish, fd);

	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_int_eq(tls_result(t)->standing, row->standing);
	same_problem("problem", tls_result(t)->problem, row->problem);
	if (row->chain_problem || !row->problem)
		same_problem("chain", tls_result(t)->chain_problem, row->chain_problem);
	ck_assert(!tls_result(t)->resumed && !tls_result(t)->unusable_records);
	tls_free(t);
	close(fd);
	stop(&server);
	tls_context_free(context);
}
END_TEST

/* Fingerprints and anchors, which neither names nor dates nor authorities have a part in. */
static const struct { int kind; enum tls_trust trust; bool fits; enum tls_standing standing; } others[] = {
	{ GOOD, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED }, { EXPIRED, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ SELF_SIGNED, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED }, { WRONG, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ GOOD, TLS_TRUST_FINGERPRINT, false, TLS_UNTRUSTED },
	{ GOOD, TLS_TRUST_ANCHORS, true, TLS_VERIFIED }, { WRONG, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED },
	{ EXPIRED, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED }, { SELF_SIGNED, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED },
	{ GOOD, TLS_TRUST_DANE, true, TLS_VERIFIED }, { EXPIRED, TLS_TRUST_DANE, true, TLS_VERIFIED },
	{ WRONG, TLS_TRUST_DANE, true, TLS_VERIFIED }, { GOOD, TLS_TRUST_DANE, false, TLS_UNTRUSTED },
};

START_TEST(test_other_trust)
{
	struct tls_context *context = context_with("");
	struct tls_wish wish = wish_for(others[_i].trust, others[_i].trust == TLS_TRUST_ANCHORS ? NAME : NULL);
	struct server server = { .kind = &kinds[others[_i].kind] };
	int fd = start(&server), error = 0;
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct tls_record record = { .usage = 3, .selector = 0, .matching = 1, .data = digest, .size = 32 };
	struct tls_anchors *anchors = NULL;
	char *why;
	struct tls *t;

	X509_digest(server.certificate, EVP_sha256(), digest, NULL);
	server.fingerprint[0] ^= !others[_i].fits;
	digest[0] ^= !others[_i].fits;
	wish.fingerprints = server.fingerprint;
	wish.records = &record;
	wish.record_count = 1;
	if (others[_i].trust == TLS_TRUST_ANCHORS)
		wish.anchors = anchors = tls_anchors_new(ca_file, &why);
	t = client(context, &wish, fd);
	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_int_eq(tls_result(t)->standing, others[_i].standing);
	ck_assert((tls_result(t)->problem == NULL) == (others[_i].standing == TLS_VERIFIED));
	tls_free(t);
	tls_anchors_free(anchors);
	close(fd);
	stop(&server);
	tls_context_free(context);
}
END_TEST

/* --- hostile servers --- */

#define BYTES(s) s, sizeof(s) - 1

/* Before, or in place of, the handshake: it fails, and nothing of it can be read. */
static const struct { const char *bytes; size_t n; int error; const char *fault; } breaks[] = {
	{ BYTES(""), ECONNRESET, "lost connection" },
	{ BYTES("250 2.0.0 early words in clear\r\n"), EPROTO, "wrong version number" },
	{ BYTES("\x16\x03\x03\x00"), ECONNRESET, "lost connection" },
	{ BYTES("\x16\x03\x03\xff\xff"), EPROTO, "length" },
	{ BYTES("\x16\x03\x03\x00\x04\x02\x00\x00"), ECONNRESET, "lost connection" },
	{ BYTES("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00"), EPROTO, "length" },
	{ BYTES("\x17\x03\x03\x00\x05hello"), EPROTO, "unexpected message" },
	{ BYTES("\x15\x03\x03\x00\x02\x02\x28"), EPROTO, "handshake failure" },
	{ BYTES("\x15\x03\x03\x00\x02\x02\x46"), EPROTO, "protocol version" },
	{ BYTES("\x15\x03\x03\x00\x02\x01\x00"), EPROTO, "" },
	{ BYTES("\0\0\0\0\0\0\0\0"), EPROTO, "wrong version number" },
	{ BYTES("\x80\x2e\x01\x00\x02\x00\x15"), EPROTO, "" },
};

START_TEST(test_breaks)
{
	struct tls_context *context = context_with("");
	struct tls_wish wish = wish_for(TLS_TRUST_ANYBODY, NULL);
	struct server server = { .act = SPEAKS, .bytes = breaks[_i].bytes, .n = breaks[_i].n };
	int fd = start(&server), error = 0;
	struct tls *t = client(context, &wish, fd);
	char word[10];
	size_t n;

	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_BROKEN);
	ck_assert_msg(strstr(tls_fault(t), breaks[_i].fault), "%s", tls_fault(t));
	if (*breaks[_i].fault)
		ck_assert_int_eq(error, breaks[_i].error);
	ck_assert_int_ne(tls_read(t, word, sizeof word, &n, &error), TLS_IO_DONE);
	tls_free(t);
	close(fd);
	stop(&server);
	tls_context_free(context);
}
END_TEST

/* After it: with and without its close notice, and with bytes that are no record. */
static const struct { enum act act; bool tls12; const char *heard; enum tls_io end; } ends[] = {
	{ HONEST, false, "hello", TLS_IO_CLOSED }, { HONEST, true, "hello", TLS_IO_CLOSED },
	{ ENDS, false, "", TLS_IO_CLOSED }, { ENDS, true, "", TLS_IO_CLOSED },
	{ GARBLES, false, "", TLS_IO_BROKEN }, { GARBLES, true, "", TLS_IO_BROKEN },
};

START_TEST(test_T_30_ends)
{
	struct tls_context *context = context_with("");
	struct tls_wish wish = wish_for(TLS_TRUST_ANYBODY, NULL);
	struct server server = { .act = ends[_i].act, .tls12 = ends[_i].tls12 };
	int fd = start(&server), error = 0;
	struct tls *t = client(context, &wish, fd);
	struct buf out;

	buf_init(&out, 100);
	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_str_eq(tls_result(t)->protocol, ends[_i].tls12 ? "TLSv1.2" : "TLSv1.3");
	ck_assert_int_eq(hear(t, fd, &out, &error), ends[_i].end);
	ck_assert_str_eq(buf_text(&out), ends[_i].heard);
	buf_free(&out);
	tls_free(t);
	close(fd);
	stop(&server);
	tls_context_free(context);
}
END_TEST

/* --- what cannot be wished for --- */

static const struct { const char *protocols, *ciphers, *complaint; } wishes[] = {
	{ "TLSv1.9", "DEFAULT", "TLSv1.9" }, { "!TLSv1.9", "DEFAULT", "TLSv1.9" }, { ">=", "DEFAULT", "" },
	{ "", "NO-SUCH-CIPHER", "cipher" },
};

START_TEST(test_wishes)
{
	struct tls_context *context = context_with("");
	struct tls_wish wish = wish_for(TLS_TRUST_ANYBODY, NULL);
	char *why = NULL;

	wish.protocols = wishes[_i].protocols;
	wish.ciphers = wishes[_i].ciphers;
	ck_assert_ptr_null(tls_new(context, &wish, &why));
	ck_assert_msg(why && strstr(why, wishes[_i].complaint), "%s", why ? why : "no complaint");
	free(why);
	tls_context_free(context);
}
END_TEST

/* --- sessions that are resumed --- */

static char *key_of(const struct tls_context *c, const struct tls_wish *w, const char *about)
{
	struct buf key;

	buf_init(&key, 1000);
	tls_session_key(c, w, about, &key);
	return buf_take(&key);
}

static bool is_key(const char *key, const struct tls_context *c, const struct tls_wish *w, const char *about)
{
	char *one = key_of(c, w, about);
	bool is = strcmp(one, key) == 0;

	free(one);
	return is;
}

/* The same name, another file, and nobody else knows. */
static void lengthen_ca_file(void)
{
	FILE *file = fopen(ca_file, "a");

	fputs("\n", file);
	fclose(file);
}

/* Each change of what made a session trustworthy makes another session of it. */
START_TEST(test_T_28_session_keys)
{
	static const unsigned char data[32] = "data";
	const struct tls_record record = { 3, 1, 1, data, sizeof data };
	struct tls_context *context = context_with(ca_file), *again = context_with(ca_file), *other = context_with("");
	const struct tls_wish usual = wish_for(TLS_TRUST_CA, NAME);
	struct tls_wish changed[] = { usual, usual, usual, usual, usual, usual, usual, usual, usual };
	char *key = key_of(context, &usual, "about");

	changed[0].trust = TLS_TRUST_ANYBODY;
	changed[1].names = "other.test";
	changed[2].protocols = ">=TLSv1.2";
	changed[3].ciphers = "HIGH";
	changed[4].servername = NAME;
	changed[5].depth = 1;
	changed[6].authenticate = false;
	changed[7].fingerprints = "AA";
	changed[8].records = &record;
	changed[8].record_count = 1;
	for (size_t i = 0; i < UNIT_ROWS(changed); i++)
		ck_assert_msg(!is_key(key, context, &changed[i], "about"), "%zu", i);
	ck_assert(is_key(key, again, &usual, "about"));
	ck_assert(!is_key(key, context, &usual, "elsewhere"));
	ck_assert(!is_key(key, other, &usual, "about"));
	tls_context_free(again);
	lengthen_ca_file();
	again = context_with(ca_file);
	ck_assert(!is_key(key, again, &usual, "about"));
	free(key);
	tls_context_free(again);
	tls_context_free(context);
	tls_context_free(other);
}
END_TEST

/* A session is worth what its first handshake was. */
static const struct {
	int kind;
	enum tls_trust first, second;
	bool tls12;
	enum tls_standing standing;
	const char *problem;
} resumptions[] = {
	{ GOOD, TLS_TRUST_CA, TLS_TRUST_CA, false, TLS_VERIFIED, NULL },
	{ GOOD, TLS_TRUST_CA, TLS_TRUST_CA, true, TLS_VERIFIED, NULL },
	{ GOOD, TLS_TRUST_ANYBODY, TLS_TRUST_ANYBODY, false, TLS_TRUSTED, NULL },
	{ SELF_SIGNED, TLS_TRUST_ANYBODY, TLS_TRUST_ANYBODY, true, TLS_UNTRUSTED, NULL },
	{ SELF_SIGNED, TLS_TRUST_ANYBODY, TLS_TRUST_CA, false, TLS_UNTRUSTED, "was not verified" },
	{ GOOD, TLS_TRUST_ANYBODY, TLS_TRUST_CA, true, TLS_TRUSTED, "was not verified" },
};

static void keep(void *arg, const void *bytes, size_t n)
{
	buf_add(arg, bytes, n);
}

/* One connection by which a session may be kept, or is resumed. */
static void connect_once(SSL_CTX *again, int row, enum tls_trust trust, struct text session, struct buf *kept,
	struct tls_result *result)
{
	struct tls_context *context = context_with(ca_file);
	struct tls_wish wish = wish_for(trust, NAME);
	struct server server = { .kind = &kinds[resumptions[row].kind], .tls12 = resumptions[row].tls12, .again = again };
	int fd = start(&server), error = 0;
	struct buf heard;
	struct tls *t;

	wish.session = session;
	wish.keep = keep;
	wish.arg = kept;
	t = client(context, &wish, fd);
	buf_init(&heard, 100);
	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_int_eq(hear(t, fd, &heard, &error), TLS_IO_CLOSED);
	*result = *tls_result(t);
	result->problem = mem_str(result->problem);
	buf_free(&heard);
	tls_free(t);
	close(fd);
	stop(&server);
	tls_context_free(context);
}

START_TEST(test_T_28_resumption)
{
	SSL_CTX *again = SSL_CTX_new(TLS_server_method());
	struct tls_result first, second, third;
	struct buf kept, more;

	buf_init(&kept, 100000);
	buf_init(&more, 100000);
	connect_once(again, _i, resumptions[_i].first, text_make("", 0), &kept, &first);
	ck_assert(!first.resumed && kept.len > 0);
	connect_once(again, _i, resumptions[_i].second, text_make(kept.data, kept.len), &more, &second);
	ck_assert(second.resumed);
	ck_assert_int_eq(second.standing, resumptions[_i].standing);
	same_problem("problem", second.problem, resumptions[_i].problem);
	kept.data[kept.len / 2] ^= 1;
	connect_once(again, _i, resumptions[_i].second, text_make(kept.data, kept.len / 2), &more, &third);
	ck_assert(!third.resumed);
	free((char *)first.problem);
	free((char *)second.problem);
	free((char *)third.problem);
	buf_free(&kept);
	buf_free(&more);
	SSL_CTX_free(again);
}
END_TEST

static void forget_root(void)
{
	unlink(ca_file);
	EVP_PKEY_free(root_key);
	X509_free(root);
}

int main(void)
{
	const struct unit_case cases[] = {
		{ "who the peer is", test_standing, UNIT_ROWS(standings), 0 },
		{ "fingerprints, anchors, records", test_other_trust, UNIT_ROWS(others), 0 },
		{ "bytes in place of a handshake", test_breaks, UNIT_ROWS(breaks), 0 },
		{ "ends", test_T_30_ends, UNIT_ROWS(ends), 0 },
		{ "wishes that cannot be had", test_wishes, UNIT_ROWS(wishes), 0 },
		{ "keys of sessions", test_T_28_session_keys, 1, 0 },
		{ "resumption", test_T_28_resumption, UNIT_ROWS(resumptions), 0 },
	};
	int status;

	signal(SIGPIPE, SIG_IGN);
	make_root();
	status = unit_main("net/tls", cases, UNIT_ROWS(cases));
	forget_root();
	return status;
}
