#include "net/tls.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

const char *tls_complaint(void)
{
	unsigned long code = ERR_peek_last_error();
	unsigned long first = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	/* what a file was refused for is said below, and only "system lib" above */
	if (code && ERR_GET_REASON(code) == ERR_R_SYS_LIB && ERR_SYSTEM_ERROR(first))
		reason = strerror(ERR_GET_REASON(first));
	ERR_clear_error();
	return reason ? reason : "unknown error";
}

char *tls_complain(const char *what, const char *file)
{
	return mem_fmt("%s '%s': %s", what, file, tls_complaint());
}

void tls_set_fault(struct tls *t, const char *text)
{
	free(t->fault);
	t->fault = text_cleaned(text, TLS_LINE_MAX);
}

const char *tls_fault(const struct tls *t)
{
	return t->fault ? t->fault : "unknown error";
}

struct tls *tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* --- the library --- */

/* OpenSSL itself takes a section that is missing for an empty one. */
static bool has_section(const CONF *conf, const char *name)
{
	return !*name || NCONF_get_string(conf, NULL, name);
}

static bool load_configuration(const char *file, const char *name, char **why)
{
	CONF *conf = mem_check(NCONF_new(NULL));
	bool good = NCONF_load(conf, file, NULL) > 0 && has_section(conf, name)
		&& CONF_modules_load(conf, *name ? name : NULL, 0) == 1;

	if (!good)
		*why = tls_complain("OpenSSL cannot use its configuration file", file);
	NCONF_free(conf);
	return good;
}

bool tls_library_start(const char *config_file, const char *config_name, char **why)
{
	OPENSSL_INIT_SETTINGS *settings = mem_check(OPENSSL_INIT_new());
	bool usual = strcmp(config_file, "default") == 0, none = strcmp(config_file, "none") == 0;

	if (usual && *config_name)
		OPENSSL_INIT_set_config_appname(settings, config_name);
	OPENSSL_init_ssl(usual ? OPENSSL_INIT_LOAD_CONFIG : OPENSSL_INIT_NO_LOAD_CONFIG, settings);
	OPENSSL_INIT_free(settings);
	return usual || none || load_configuration(config_file, config_name, why);
}

/* --- contexts --- */

static void set_modes(SSL_CTX *ctx, bool keep_bounds)
{
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
		| SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	/* a peer that sends messages of TLS itself for ever must not keep us in one call: others wait for the
	 * loop */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	/* what a server may ask for in the middle of a session is refused: nothing of ours waits for it */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* every connection says for itself what it takes; only a file of our own may narrow that */
	if (!keep_bounds) {
		SSL_CTX_set_min_proto_version(ctx, 0);
		SSL_CTX_set_max_proto_version(ctx, 0);
	}
	SSL_CTX_set_security_level(ctx, 0);
}

struct tls_context *tls_context_new(const struct tls_setup *setup, const char **member, char **why)
{
	struct tls_context *c = mem_alloc(sizeof *c);

	c->openssl = mem_check(SSL_CTX_new(TLS_client_method()));
	buf_init(&c->warnings, 16 * TLS_LINE_MAX);
	tls_files_digest(setup, c->files);   /* ahead of reading: what changes meanwhile counts as another one */
	set_modes(c->openssl, setup->keep_bounds);
	tls_set_options(c, setup);
	tls_set_groups(c, setup);
	tls_set_dane_digests(c, setup->dane_digests);
	tls_sessions_enable(c);
	*member = tls_load_authorities(c, setup, why);
	if (!*member)
		*member = tls_load_certificates(c, setup, why);
	if (!*member)
		return c;
	tls_context_free(c);
	return NULL;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->openssl);
	buf_free(&c->warnings);
	free(c);
}

void tls_context_warnings(const struct tls_context *c, struct buf *out)
{
	buf_add(out, c->warnings.data, c->warnings.len);
}

/* --- connections --- */

static bool set_servername(struct tls *t, const char *name, char **why)
{
	if (!name || SSL_set_tlsext_host_name(t->openssl, name))
		return true;
	*why = tls_complain("cannot ask for the server name", name);
	return false;
}

/* Whom to believe. */
static bool set_trust(struct tls *t, const struct tls_wish *w)
{
	if (w->trust == TLS_TRUST_ANCHORS && !tls_add_anchors(t, w))
		return false;
	if (w->trust == TLS_TRUST_DANE)
		t->result.unusable_records = !tls_add_records(t, w);
	if (w->trust == TLS_TRUST_FINGERPRINT)
		t->fingerprints = mem_str(w->fingerprints);
	/* behind the others, which forget all names */
	if (w->names)
		t->named = tls_set_names(t, w->names);
	return true;
}

bool tls_has_raw_keys(void)
{
#ifdef TLSEXT_cert_type_rpk
	return true;
#else
	return false;
#endif
}

/* RFC 7250, where OpenSSL has it. */
static void allow_raw_key(struct tls *t, bool wanted)
{
#ifdef TLSEXT_cert_type_rpk
	static const unsigned char types[] = { TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509 };

	if (wanted && t->trust == TLS_TRUST_ANYBODY)
		SSL_set1_server_cert_type(t->openssl, types, sizeof types);
#else
	(void)t;
	(void)wanted;
#endif
}

static bool make(struct tls *t, const struct tls_wish *w, char **why)
{
	SSL_set_security_level(t->openssl, w->authenticate ? 1 : 0);
	if (!tls_set_protocols(t, w->protocols, why) || !tls_set_ciphers(t, w->ciphers, why)
			|| !set_servername(t, w->servername, why))
		return false;
	if (!set_trust(t, w)) {
		*why = mem_str("OpenSSL cannot use the trust anchors");
		return false;
	}
	allow_raw_key(t, w->raw_key);
	tls_watch_verification(t, w);
	tls_offer_session(t, w->session);
	return true;
}

struct tls *tls_new(struct tls_context *c, const struct tls_wish *w, char **why)
{
	struct tls *t = mem_alloc(sizeof *t);

	t->openssl = mem_check(SSL_new(c->openssl));
	SSL_set_app_data(t->openssl, t);
	SSL_set_connect_state(t->openssl);
	t->trust = w->trust;
	t->depth = w->depth;
	t->digest = mem_str(w->digest);
	t->keep = w->keep;
	t->arg = w->arg;
	ERR_clear_error();
	if (make(t, w, why))
		return t;
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->openssl);
	free(t->chain_problem);
	free(t->problem);
	free(t->fault);
	free(t->fingerprints);
	free(t->digest);
	free(t);
}

const struct tls_result *tls_result(const struct tls *t)
{
	return &t->result;
}
