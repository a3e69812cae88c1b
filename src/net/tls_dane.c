/* Verification by TLSA records (RFC 7672) and, as records of our own, by trust anchors. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_private.h"

enum {
	USAGE_TA = 2, USAGE_EE = 3,         /* RFC 6698 2.1.1; 0 and 1 are unusable (RFC 7672 3.1.3) */
	SELECT_CERTIFICATE = 0, SELECT_KEY = 1,
	MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2
};

struct tls_anchors {
	struct anchor {
		int selector;
		unsigned char *der;
		size_t size;
	} *all;
	size_t count;
};

/* --- digests, the best one first --- */

/* A digest with the number that stands for it in a record; 0: none. */
static int matching_type(struct text name, struct text number)
{
	uint64_t type;

	if (text_number(&number, 254, &type) && number.n == 0)
		return (int)type;
	if (text_is_nocase(name, "sha256"))
		return MATCH_SHA256;
	return text_is_nocase(name, "sha512") ? MATCH_SHA512 : 0;
}

static void set_digest(struct tls_context *c, struct text element, int rank)
{
	struct text number = element, name;
	const EVP_MD *md;
	char *copy;
	int type;

	if (!text_until(&number, '=', &name)) {
		name = element;
		number = text_of("");
	}
	copy = mem_strn(name.p, name.n);
	md = EVP_get_digestbyname(copy);
	type = matching_type(name, number);
	if (!md || !type || SSL_CTX_dane_mtype_set(c->openssl, md, (uint8_t)type, (uint8_t)rank) != 1)
		buf_fmt(&c->warnings, "tls_dane_digests: '%.*s' is no digest for TLSA records\n", (int)element.n,
			element.p);
	free(copy);
	ERR_clear_error();
}

void tls_set_dane_digests(struct tls_context *c, const char *list)
{
	struct text rest = text_of(list), element;
	int rank = 254;

	SSL_CTX_dane_enable(c->openssl);
	SSL_CTX_dane_mtype_set(c->openssl, NULL, MATCH_SHA256, 0);
	SSL_CTX_dane_mtype_set(c->openssl, NULL, MATCH_SHA512, 0);
	while (text_list_next(&rest, &element) && rank > 0)
		set_digest(c, element, rank--);
}

/* --- records --- */

bool tls_add_records(struct tls *t, const struct tls_wish *w)
{
	bool some = false;

	if (SSL_dane_enable(t->openssl, NULL) != 1)
		return false;
	SSL_dane_set_flags(t->openssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < w->record_count; i++) {
		const struct tls_record *r = &w->records[i];

		if (r->usage == USAGE_TA || r->usage == USAGE_EE)
			some |= SSL_dane_tlsa_add(t->openssl, r->usage, r->selector, r->matching, r->data, r->size) == 1;
	}
	ERR_clear_error();
	return some;
}

/* --- anchors --- */

bool tls_add_anchors(struct tls *t, const struct tls_wish *w)
{
	bool some = false;

	if (SSL_dane_enable(t->openssl, NULL) != 1)
		return false;
	for (size_t i = 0; w->anchors && i < w->anchors->count; i++) {
		const struct anchor *a = &w->anchors->all[i];

		/* it may be that of the peer itself */
		some |= SSL_dane_tlsa_add(t->openssl, USAGE_TA, (uint8_t)a->selector, MATCH_FULL, a->der,
			a->size) == 1;
		some |= SSL_dane_tlsa_add(t->openssl, USAGE_EE, (uint8_t)a->selector, MATCH_FULL, a->der,
			a->size) == 1;
	}
	ERR_clear_error();
	return some;
}

static void add(struct tls_anchors *all, int selector, unsigned char *der, size_t size)
{
	all->all = mem_grow(all->all, all->count + 1, sizeof *all->all);
	all->all[all->count++] = (struct anchor){ selector, der, size };
}

/* Other objects in the file say nothing. */
static void add_object(struct tls_anchors *all, const char *name, unsigned char *der, long n)
{
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
		add(all, SELECT_CERTIFICATE, der, (size_t)n);
	else if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		add(all, SELECT_KEY, der, (size_t)n);
	else
		OPENSSL_clear_free(der, (size_t)n);
}

static bool read_file(struct tls_anchors *all, const char *file, char **why)
{
	BIO *in = BIO_new_file(file, "r");
	size_t before = all->count;
	char *name, *header;
	unsigned char *der;
	long n;

	if (!in) {
		*why = tls_complain("cannot read trust anchors in", file);
		return false;
	}
	while (PEM_read_bio(in, &name, &header, &der, &n)) {
		add_object(all, name, der, n);
		OPENSSL_free(name);
		OPENSSL_free(header);
	}
	BIO_free(in);
	ERR_clear_error();
	if (all->count == before)
		*why = mem_fmt("there is no certificate and no public key in '%s'", file);
	return all->count > before;
}

struct tls_anchors *tls_anchors_new(const char *files, char **why)
{
	struct tls_anchors *all = mem_alloc(sizeof *all);
	struct text rest = text_of(files), element;

	while (text_list_next(&rest, &element)) {
		char *file = mem_strn(element.p, element.n);
		bool good = read_file(all, file, why);

		free(file);
		if (good)
			continue;
		tls_anchors_free(all);
		return NULL;
	}
	return all;
}

void tls_anchors_free(struct tls_anchors *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		OPENSSL_free(all->all[i].der);
	free(all->all);
	free(all);
}

void tls_anchors_digest(const struct tls_anchors *all, EVP_MD_CTX *md)
{
	for (size_t i = 0; all && i < all->count; i++)
		EVP_DigestUpdate(md, all->all[i].der, all->all[i].size);
}
