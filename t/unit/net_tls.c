/* TLS as a client (net/tls), against a server of OpenSSL's own on the other end of a socket pair. */
#include "net_tls_server.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/tls.h"


#define NAME TLS_SERVER_NAME

/* --- the client --- */

static struct tls_context *context_with(const char *authorities)
{
	const struct tls_setup setup = {
		.chain_files = "", .cert_file = "", .key_file = "", .eccert_file = "", .eckey_file = "",
			.dcert_file = "",
		.dkey_file = "", .ca_file = authorities, .ca_path = "", .eecdh_auto_curves = "",
		.ffdhe_auto_groups = "",
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

	ck_assert_int_gt(poll(&p, 1, UNIT_PATIENCE_MS), 0);
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
	REFUSED(WRONG, "another name"), REFUSED(WRONG_BUT_COMMON, "another name"),
	REFUSED(WILDCARD_DEEPER, "another name"),
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
	ck_assert_msg(part ? got && strstr(got, part) : !got, "%s: %s, expected %s", what, got ? got : "none",
		part ? part : "none");
}

START_TEST(test_standing)
{
	const struct standing_row *row = &standings[_i];
	struct tls_context *context = context_with(tls_server_ca_file());
	struct tls_wish wish = wish_for(row->trust, row->names);
	struct tls_server server = { .kind = row->kind };
	int fd = tls_server_start(&server), error = 0;
	struct tls *t = client(context, &wish, fd);

	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_int_eq(tls_result(t)->standing, row->standing);
	same_problem("problem", tls_result(t)->problem, row->problem);
	if (row->chain_problem || !row->problem)
		same_problem("chain", tls_result(t)->chain_problem, row->chain_problem);
	ck_assert(!tls_result(t)->resumed && !tls_result(t)->unusable_records);
	tls_free(t);
	close(fd);
	tls_server_stop(&server);
	tls_context_free(context);
}
END_TEST

/* Fingerprints and anchors, which neither names nor dates nor authorities have a part in. */
static const struct { int kind; enum tls_trust trust; bool fits; enum tls_standing standing; } others[] = {
	{ GOOD, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ EXPIRED, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ SELF_SIGNED, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ WRONG, TLS_TRUST_FINGERPRINT, true, TLS_VERIFIED },
	{ GOOD, TLS_TRUST_FINGERPRINT, false, TLS_UNTRUSTED },
	{ GOOD, TLS_TRUST_ANCHORS, true, TLS_VERIFIED }, { WRONG, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED },
	{ EXPIRED, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED },
	{ SELF_SIGNED, TLS_TRUST_ANCHORS, true, TLS_UNTRUSTED },
	{ GOOD, TLS_TRUST_DANE, true, TLS_VERIFIED }, { EXPIRED, TLS_TRUST_DANE, true, TLS_VERIFIED },
	{ WRONG, TLS_TRUST_DANE, true, TLS_VERIFIED }, { GOOD, TLS_TRUST_DANE, false, TLS_UNTRUSTED },
};

START_TEST(test_other_trust)
{
	struct tls_context *context = context_with("");
	struct tls_wish wish = wish_for(others[_i].trust, others[_i].trust == TLS_TRUST_ANCHORS ? NAME : NULL);
	struct tls_server server = { .kind = others[_i].kind };
	int fd = tls_server_start(&server), error = 0;
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
		wish.anchors = anchors = tls_anchors_new(tls_server_ca_file(), &why);
	t = client(context, &wish, fd);
	ck_assert_int_eq(shake_hands(t, fd, &error), TLS_IO_DONE);
	ck_assert_int_eq(tls_result(t)->standing, others[_i].standing);
	ck_assert((tls_result(t)->problem == NULL) == (others[_i].standing == TLS_VERIFIED));
	tls_free(t);
	tls_anchors_free(anchors);
	close(fd);
	tls_server_stop(&server);
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
	struct tls_server server = { .act = SPEAKS, .bytes = breaks[_i].bytes, .n = breaks[_i].n };
	int fd = tls_server_start(&server), error = 0;
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
	tls_server_stop(&server);
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
	struct tls_server server = { .act = ends[_i].act, .tls12 = ends[_i].tls12 };
	int fd = tls_server_start(&server), error = 0;
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
	tls_server_stop(&server);
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
	FILE *file = fopen(tls_server_ca_file(), "a");

	fputs("\n", file);
	fclose(file);
}

/* Each change of what made a session trustworthy makes another session of it. */
START_TEST(test_T_28_session_keys)
{
	static const unsigned char data[32] = "data";
	const struct tls_record record = { 3, 1, 1, data, sizeof data };
	struct tls_context *context = context_with(tls_server_ca_file()),
		*again = context_with(tls_server_ca_file()), *other = context_with("");
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
	again = context_with(tls_server_ca_file());
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
	struct tls_context *context = context_with(tls_server_ca_file());
	struct tls_wish wish = wish_for(trust, NAME);
	struct tls_server server = { .kind = resumptions[row].kind, .tls12 = resumptions[row].tls12,
		.again = again };
	int fd = tls_server_start(&server), error = 0;
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
	tls_server_stop(&server);
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
	tls_server_begin();
	status = unit_main("net/tls", cases, UNIT_ROWS(cases));
	tls_server_end();
	return status;
}
