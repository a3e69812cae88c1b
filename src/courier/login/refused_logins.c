#include "courier/login/refused_logins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "link/keys.h"
#include "net/digest.h"

enum {
	SALT_SIZE = 16,
	TAG_BYTES = 2,               /* of the digest that are kept */
	ENTRIES_MAX = 10000,
	WORDS_MAX = 1024
};

struct refusal {
	int64_t when;                /* loop_wall */
	char tag[40];
	char dsn[12];
	char *words;
};

struct refused_logins {
	struct loop *loop;
	struct link *link;
	struct map *all;             /* struct refusal by key */
};

struct refused_logins *refused_logins_new(struct loop *loop, struct link *link)
{
	struct refused_logins *r = mem_alloc(sizeof *r);

	r->loop = loop;
	r->link = link;
	r->all = map_new();
	return r;
}

static void refusal_free(struct refusal *e)
{
	if (e)
		free(e->words);
	free(e);
}

static void clear(struct refused_logins *r)
{
	struct refusal *e;
	size_t cursor = 0;

	while ((e = map_next(r->all, &cursor)))
		refusal_free(e);
	map_free(r->all);
}

void refused_logins_free(struct refused_logins *r)
{
	if (!r)
		return;
	clear(r);
	free(r);
}

/* --- marks --- */

static char *key_of(const char *host, const char *user)
{
	return mem_fmt(LINK_KEY_REFUSED_LOGIN "%s %s", host, user);
}

/* "SALT.TAG" in hexadecimal; the salt comes first, and is given. */
static void make_tag(const unsigned char salt[SALT_SIZE], const char *password, char tag[40])
{
	unsigned char digest[DIGEST_SHA256_SIZE];
	size_t n = strlen(password);
	unsigned char *all = mem_alloc(SALT_SIZE + n);

	memcpy(all, salt, SALT_SIZE);
	memcpy(all + SALT_SIZE, password, n);
	digest_sha256(all, SALT_SIZE + n, digest);
	for (size_t i = 0; i < SALT_SIZE; i++)
		snprintf(tag + 2 * i, 3, "%02x", salt[i]);
	for (size_t i = 0; i < TAG_BYTES; i++)
		snprintf(tag + 2 * (SALT_SIZE + i), 3, "%02x", digest[i]);
	secret_wipe(digest, sizeof digest);
	secret_free(all);
}

void login_mark_make(struct login_mark *mark, const char *host, const struct login *l)
{
	unsigned char salt[SALT_SIZE];

	arc4random_buf(salt, sizeof salt);
	make_tag(salt, l->password, mark->tag);
	free(mark->key);
	mark->key = key_of(host, l->user);
}

static bool has_tag(const struct refusal *e, const char *password)
{
	unsigned char salt[SALT_SIZE];
	unsigned byte;
	char tag[40];

	for (size_t i = 0; i < SALT_SIZE; i++) {
		if (sscanf(e->tag + 2 * i, "%2x", &byte) != 1)
			return false;
		salt[i] = (unsigned char)byte;
	}
	make_tag(salt, password, tag);
	return strcmp(tag, e->tag) == 0;
}

/* --- entries --- */

const char *refused_logins_find(const struct refused_logins *r, const char *host, const struct login *l,
	int64_t max_age, const char **dsn)
{
	char *key = key_of(host, l->user);
	const struct refusal *e = map_get(r->all, key, strlen(key));

	free(key);
	if (!e || loop_wall(r->loop) - e->when > max_age || !has_tag(e, l->password))
		return NULL;
	*dsn = e->dsn;
	return e->words;
}

static bool take_field(struct text *from, char *to, size_t room)
{
	struct text word;

	if (!text_word(from, &word) || word.n >= room)
		return false;
	memcpy(to, word.p, word.n);
	to[word.n] = '\0';
	return true;
}

/* "WHEN TAG DSN WORDS"; NULL if it is anything else. */
static struct refusal *parse(struct text value)
{
	struct refusal *e = mem_alloc(sizeof *e);
	uint64_t when;

	if (text_number(&value, INT64_MAX, &when) && take_field(&value, e->tag, sizeof e->tag)
			&& take_field(&value, e->dsn, sizeof e->dsn) && value.n <= WORDS_MAX) {
		value = text_trim(value);
		e->when = (int64_t)when;
		e->words = mem_strn(value.p, value.n);
		return e;
	}
	free(e);
	return NULL;
}

/* When there are too many all go: it only costs each one more refusal. */
static void make_room(struct refused_logins *r)
{
	if (map_count(r->all) < ENTRIES_MAX)
		return;
	clear(r);
	r->all = map_new();
}

void refused_logins_hear(struct refused_logins *r, const char *key, const void *value, size_t n)
{
	struct refusal *e;

	if (strncmp(key, LINK_KEY_REFUSED_LOGIN, strlen(LINK_KEY_REFUSED_LOGIN)) != 0)
		return;
	e = parse(text_make(value, n));
	if (!e)
		return;
	make_room(r);
	refusal_free(map_put(r->all, key, strlen(key), e));
}

void refused_logins_add(struct refused_logins *r, const struct login_mark *mark, int64_t max_age,
	const char *dsn, const char *words)
{
	int64_t now = loop_wall(r->loop);
	char *value = mem_fmt("%lld %s %s %.*s", (long long)now, mark->tag, dsn, WORDS_MAX, words);

	refused_logins_hear(r, mark->key, value, strlen(value));
	link_send_keep_until(r->link, mark->key, now + max_age, value, strlen(value));
	free(value);
}
