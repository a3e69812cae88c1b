/* A stream with TLS against a server of OpenSSL's own that does what servers do not. */
#include "unit.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "net/tls.h"

#include "net_stream_pair.h"

enum {
	TICKETS = 400,      /* they fit into the buffer of a socket */
	LEAST_TURNS = 4     /* that so much takes, a buffer of OpenSSL's a turn */
};

static struct loop *loop;
static int far = -1;
static pthread_t server;
static unsigned turns;
static bool heard_it;

/* --- the server --- */

static SSL_CTX *server_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	SSL_CTX_use_certificate(ctx, x);
	SSL_CTX_use_PrivateKey(ctx, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

/* A row of session tickets, and a word behind them, all at once. */
static void flood(SSL *ssl)
{
	BIO *all = BIO_new(BIO_s_mem());
	char *bytes;
	long n;

	SSL_set0_wbio(ssl, all);
	for (int i = 0; i < TICKETS; i++) {
		SSL_new_session_ticket(ssl);
		SSL_do_handshake(ssl);
	}
	SSL_write(ssl, "hello", 5);
	n = BIO_get_mem_data(all, &bytes);
	ck_assert_int_eq(write(far, bytes, (size_t)n), n);
}

static void *serve(void *arg)
{
	SSL_CTX *ctx = server_context();
	SSL *ssl = SSL_new(ctx);

	(void)arg;
	SSL_set_fd(ssl, far);
	ck_assert_int_eq(SSL_accept(ssl), 1);
	flood(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return NULL;
}

/* --- the stream --- */

static void turn(void *arg, bool readable, bool writable)
{
	(void)arg;
	(void)readable;
	(void)writable;
	turns++;
}

static void secured(void *arg)
{
	(void)arg;
	pthread_join(server, NULL);
	turns = 0;
}

static void heard(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	heard_it = n == 5 && memcmp(bytes, "hello", n) == 0;
	loop_stop(loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void ended(void *arg, enum stream_end how, int error)
{
	(void)arg;
	(void)how;
	(void)error;
	loop_stop(loop);
}

static struct tls_context *client_context(void)
{
	const struct tls_setup setup = {
		.chain_files = "", .cert_file = "", .key_file = "", .eccert_file = "", .eckey_file = "",
			.dcert_file = "",
		.dkey_file = "", .ca_file = "", .ca_path = "", .eecdh_auto_curves = "", .ffdhe_auto_groups = "",
		.disable_workarounds = "", .ssl_options = "", .dane_digests = "",
	};
	const char *member;
	char *why;
	struct tls_context *c = tls_context_new(&setup, &member, &why);

	ck_assert_ptr_nonnull(c);
	return c;
}

/* Messages of TLS itself, as many as the peer likes: others have their turn meanwhile. */
START_TEST(test_a_flood_of_tickets_leaves_others_their_turn)
{
	static const struct stream_events events = { nothing, heard, nothing, nothing, ended, secured };
	const struct tls_wish wish = { .trust = TLS_TRUST_ANYBODY, .protocols = "", .ciphers = "DEFAULT",
		.digest = "sha256",
		.depth = 9 };
	struct tls_context *context = client_context();
	struct stream_shared *shared;
	struct stream *stream;
	struct loop_watch *watch;
	int always = eventfd(1, EFD_CLOEXEC);
	char *why;

	loop = loop_new();
	shared = stream_shared_new(loop);
	watch = loop_watch_new(loop, always, turn, NULL);
	loop_watch_want(watch, true, false);
	stream = stream_pair(shared, &events, &far, 0);
	pthread_create(&server, NULL, serve, NULL);
	stream_secure(stream, tls_new(context, &wish, &why));
	loop_run(loop);
	ck_assert(heard_it);
	ck_assert_uint_ge(turns, LEAST_TURNS);
	stream_free(stream);
	loop_watch_free(watch);
	stream_shared_free(shared);
	loop_free(loop);
	tls_context_free(context);
	close(far);
	close(always);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "a flood of tickets", test_a_flood_of_tickets_leaves_others_their_turn, 1, 0 },
	};

	return unit_main("net/stream_secure", cases, UNIT_ROWS(cases));
}
