/* Versions of the protocol, and ciphers. */
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "net/tls_private.h"

static const struct version {
	const char *name;
	int number;
	uint64_t off;      /* the option that switches it off */
} versions[] = {
	{ "SSLv2", 0x0002, 0 },   /* OpenSSL has it no more */
	{ "SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3 },
	{ "TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1 },
	{ "TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
	{ "TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
	{ "TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};
enum { VERSIONS = sizeof versions / sizeof *versions };

/* What a list of protocols says. */
struct choice {
	int least, most;           /* 0: no bound */
	bool with[VERSIONS], without[VERSIONS], some;
};

static const struct version *find(struct text name)
{
	for (size_t i = 0; i < VERSIONS; i++)
		if (text_is_nocase(name, versions[i].name))
			return &versions[i];
	return NULL;
}

/* A bound may also be a number as it stands on the wire. */
static bool read_bound(struct text name, int *bound)
{
	const struct version *v = find(name);
	char *copy, *end;
	long number;

	if (v) {
		*bound = v->number;
		return true;
	}
	copy = mem_strn(name.p, name.n);
	number = strtol(copy, &end, 16);
	if (end == copy || *end || number < SSL3_VERSION || number > 0xffff)
		number = 0;
	free(copy);
	*bound = (int)number;
	return number > 0;
}

static bool read_name(struct text name, bool *set)
{
	const struct version *v = find(name);

	if (v)
		set[v - versions] = true;
	return v;
}

static struct text behind(struct text t, size_t n)
{
	return text_make(t.p + n, t.n - n);
}

static bool read_element(struct text t, struct choice *c)
{
	if (t.n > 2 && t.p[1] == '=' && (t.p[0] == '>' || t.p[0] == '<'))
		return read_bound(behind(t, 2), t.p[0] == '>' ? &c->least : &c->most);
	if (t.n > 1 && t.p[0] == '!')
		return read_name(behind(t, 1), c->without);
	c->some = true;
	return read_name(t, c->with);
}

/* A colon stands between the elements in a policy table. */
static char *read_list(const char *list, struct choice *c)
{
	char *copy = mem_str(list), *wrong = NULL;
	struct text rest = text_of(copy), element;

	for (char *at = copy; *at; at++)
		if (*at == ':')
			*at = ' ';
	*c = (struct choice){ 0 };
	while (!wrong && text_list_next(&rest, &element))
		if (!read_element(element, c))
			wrong = mem_fmt("there is no TLS protocol '%.*s'", (int)element.n, element.p);
	free(copy);
	return wrong;
}

char *tls_protocols_check(const char *list)
{
	struct choice ignored;

	return read_list(list, &ignored);
}

/* What the context has as bounds stays within them. */
static bool set_bounds(SSL *ssl, int least, int most)
{
	int lowest = (int)SSL_get_min_proto_version(ssl), highest = (int)SSL_get_max_proto_version(ssl);

	if (least < lowest)
		least = lowest;
	if (highest > 0 && (most == 0 || most > highest))
		most = highest;
	return SSL_set_min_proto_version(ssl, least) && SSL_set_max_proto_version(ssl, most);
}

bool tls_set_protocols(struct tls *t, const char *list, char **why)
{
	struct choice c;

	*why = read_list(list, &c);
	if (*why)
		return false;
	for (size_t i = 0; i < VERSIONS; i++)
		if (c.without[i] || (c.some && !c.with[i]))
			SSL_set_options(t->openssl, versions[i].off);
	if (set_bounds(t->openssl, c.least, c.most))
		return true;
	*why = tls_complain("OpenSSL cannot do the protocols", list);
	return false;
}

bool tls_set_ciphers(struct tls *t, const char *list, char **why)
{
	if (SSL_set_cipher_list(t->openssl, list))
		return true;
	*why = tls_complain("no cipher is left of", list);
	return false;
}
