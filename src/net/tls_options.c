/* What OpenSSL is told by name: options, groups. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

struct name {
	const char *name;
	uint64_t bit;      /* 0: OpenSSL knows the name, but has nothing to switch any more */
};

/* What OpenSSL does for the sake of peers with faults. */
static const struct name workarounds[] = {
	{ "CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG },
	{ "DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS },
	{ "LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT },
	{ "SAFARI_ECDHE_ECDSA_BUG", SSL_OP_SAFARI_ECDHE_ECDSA_BUG },
	{ "TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING },
	{ "MICROSOFT_SESS_ID_BUG", 0 }, { "NETSCAPE_CHALLENGE_BUG", 0 },
	{ "NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0 },
	{ "SSLREF2_REUSE_CERT_TYPE_BUG", 0 }, { "MICROSOFT_BIG_SSLV3_BUFFER", 0 },
	{ "MSIE_SSLV2_RSA_PADDING", 0 },
	{ "SSLEAY_080_CLIENT_DH_BUG", 0 }, { "TLS_D5_BUG", 0 }, { "TLS_BLOCK_PADDING_BUG", 0 },
	{ NULL, 0 }
};

static const struct name options[] = {
	{ "ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT },
	{ "LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT },
	{ "NO_COMPRESSION", SSL_OP_NO_COMPRESSION },
	{ "NO_ENCRYPT_THEN_MAC", SSL_OP_NO_ENCRYPT_THEN_MAC },
	{ "NO_EXTENDED_MASTER_SECRET", SSL_OP_NO_EXTENDED_MASTER_SECRET },
	{ "NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION },
	{ "NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION },
	{ "NO_TICKET", SSL_OP_NO_TICKET },
	{ "PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA },
	{ NULL, 0 }
};

static void warn(struct tls_context *c, const char *what, struct text name)
{
	buf_fmt(&c->warnings, "%s '%.*s' is not known to OpenSSL\n", what, (int)name.n, name.p);
}

/* A hexadecimal number stands for bits as OpenSSL numbers them. */
static bool read_mask(const char *list, uint64_t *bits)
{
	char *end;

	if (strncmp(list, "0x", 2) != 0)
		return false;
	*bits = strtoull(list, &end, 16);
	return !*end;
}

static const struct name *find(const struct name *names, struct text name)
{
	for (; names->name; names++)
		if (text_is_nocase(name, names->name))
			return names;
	return NULL;
}

static uint64_t read_names(struct tls_context *c, const char *list, const struct name *names,
	const char *what)
{
	struct text rest = text_of(list), element;
	uint64_t bits = 0;

	if (read_mask(list, &bits))
		return bits;
	while (text_list_next(&rest, &element)) {
		const struct name *n = find(names, element);

		if (n)
			bits |= n->bit;
		else
			warn(c, what, element);
	}
	return bits;
}

void tls_set_options(struct tls_context *c, const struct tls_setup *s)
{
	uint64_t disabled = read_names(c, s->disable_workarounds, workarounds, "tls_disable_workarounds:");
	uint64_t on = (SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT) & ~disabled;

	SSL_CTX_clear_options(c->openssl, (SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT) & disabled);
	SSL_CTX_set_options(c->openssl, on | read_names(c, s->ssl_options, options, "tls_ssl_options:"));
}

/* Adds the names that OpenSSL takes, in their order. */
static void add_groups(struct tls_context *c, const char *list, const char *what, struct buf *known)
{
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element)) {
		char *name = mem_strn(element.p, element.n);

		if (SSL_CTX_set1_groups_list(c->openssl, name) == 1)
			buf_fmt(known, "%s%s", known->len ? ":" : "", name);
		else
			warn(c, what, element);
		free(name);
	}
	ERR_clear_error();
}

void tls_set_groups(struct tls_context *c, const struct tls_setup *s)
{
	struct buf known;

	buf_init(&known, TLS_LINE_MAX);
	add_groups(c, s->eecdh_auto_curves, "tls_eecdh_auto_curves:", &known);
	add_groups(c, s->ffdhe_auto_groups, "tls_ffdhe_auto_groups:", &known);
	if (known.len > 0 && !known.over)
		SSL_CTX_set1_groups_list(c->openssl, buf_text(&known));
	buf_free(&known);
}
