#include "daemon/config/config_warn.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "format/rewriting/quoted_printable.h"
#include "format/smtp/ehlo.h"
#include "net/tls.h"
#include "talk/manner.h"
#include "talk/tls_log.h"
#include "talk/tls_policy.h"

enum { KNOWN_MAX = 4096 };

static void warn_about_idle_time(struct config *c, const struct config_value *v)
{
	int64_t most = c->settings->connection_cache_ttl_limit, wanted;

	if (text_duration(text_of(v->expanded), &wanted) && wanted > most)
		buf_fmt(c->warnings, "%s: %s: no connection is kept for longer than connection_cache_ttl_limit, "
			"which is %lld s\n", v->place, v->written, (long long)most / 1000);
}

/* An encoded word is at most one such line, with the blank ahead of it. */
static void warn_about_short_lines(struct config *c, const struct config_value *v)
{
	struct text value = text_of(v->expanded);
	uint64_t limit;

	if (text_number(&value, INT_MAX, &limit) && limit > 0 && limit < QP_LINE)
		buf_fmt(c->warnings,
			"%s: %s: what is encoded may be cut so that nobody can read it: encoded words in headers take up "
			"to %d bytes of a line, quoted-printable at least %d\n", v->place, v->written, QP_LINE, QP_LEAST);
}

/* Elements of a list that mean nothing. */
static void warn_about_elements(struct config *c, const struct config_value *v, bool (*good)(struct text),
	const char *what)
{
	struct text rest = text_of(v->expanded), element;

	while (text_list_next(&rest, &element))
		if (!good(element))
			buf_fmt(c->warnings, "%s: %s: '%.*s' is %s, it is passed over\n", v->place, v->written,
				(int)element.n, element.p, what);
}

/* Bits for a list of words; none for a word that is not known. */
typedef unsigned mask_of(const char *list);

static char *lower(struct text word)
{
	char *copy = mem_strn(word.p, word.n);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* One word of a list, if it has no bits; known are those that have, with blanks between them. */
static void warn_about_word(struct config *c, const struct config_value *v, const char *word, mask_of *mask,
	struct text known)
{
	struct nearest *nearest;
	struct text one;

	if (mask(word))
		return;
	nearest = nearest_new(word);
	while (text_word(&known, &one)) {
		char *name = lower(one);

		nearest_consider(nearest, name);
		free(name);
	}
	buf_fmt(c->warnings, "%s: %s: '%s' is not known and passed over", v->place, v->written, word);
	nearest_print(nearest, c->warnings);
	buf_str(c->warnings, "\n");
	nearest_free(nearest);
}

static void warn_about_words(struct config *c, const struct config_value *v, mask_of *mask, struct text known)
{
	struct text rest = text_of(v->expanded), element;

	while (text_list_next(&rest, &element)) {
		char *word = lower(element);

		warn_about_word(c, v, word, mask, known);
		free(word);
	}
}

/* Announcements that are taken as not made. */
static void warn_about_keywords(struct config *c, const struct config_value *v)
{
	struct buf known;

	buf_init(&known, KNOWN_MAX);
	ehlo_names(~0u, &known);
	buf_str(&known, " silent-discard");
	warn_about_words(c, v, ehlo_mask, text_make(known.data, known.len));
	buf_free(&known);
}

/* Whether another option of the same section is set. */
static bool has_beside(const struct config *c, const struct config_value *v, const char *name)
{
	char *path = mem_fmt("%.*s%s", (int)(config_name_of(v->path) - v->path), v->path, name);
	const struct config_value *other = config_find(c, path);

	free(path);
	return other && *other->expanded;
}

/* Files of keys and certificates of which tls_chain_files takes the place. */
static void warn_about_pairs(struct config *c, const struct config_value *v)
{
	if (*v->expanded && has_beside(c, v, "tls_chain_files"))
		buf_fmt(c->warnings, "%s: %s: not read, tls_chain_files takes its place\n", v->place, v->written);
}

static bool is_of_pair(const char *name)
{
	static const char *const names[] = {
		"tls_cert_file", "tls_key_file", "tls_eccert_file", "tls_eckey_file", "tls_dcert_file",
		"tls_dkey_file",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* TLSRPT takes a library that Debian does not have. */
static void warn_about_reports(struct config *c, const struct config_value *v)
{
	if (text_is_nocase(text_of(v->expanded), "yes"))
		buf_fmt(c->warnings, "%s: %s: TLSRPT is not built in: nothing is reported\n", v->place, v->written);
}

static void warn_about_raw_keys(struct config *c, const struct config_value *v)
{
	if (strcmp(v->expanded, "yes") == 0 && !tls_has_raw_keys())
		buf_fmt(c->warnings,
			"%s: %s: the OpenSSL of this system knows no raw public keys: certificates are asked for\n",
			v->place, v->written);
}

static void warn(struct config *c, const struct config_value *v)
{
	const char *name = config_name_of(v->path);
	bool helpful = c->settings->helpful_warnings;

	if (strcmp(name, "connection_cache_time_limit") == 0 && helpful)
		warn_about_idle_time(c, v);
	else if (helpful && strcmp(name, "line_length_limit") == 0
			&& name != v->path)   /* a transport's, not that of replies */
		warn_about_short_lines(c, v);
	else if (is_of_pair(name))
		warn_about_pairs(c, v);
	else if (strcmp(name, "tlsrpt_enable") == 0)
		warn_about_reports(c, v);
	else if (strcmp(name, "tls_enable_rpk") == 0)
		warn_about_raw_keys(c, v);
	else if (strcmp(name, "discard_ehlo_keywords") == 0 || strcmp(name, "discard_lhlo_keywords") == 0)
		warn_about_keywords(c, v);
	else if (strcmp(name, "pix_workarounds") == 0)
		warn_about_words(c, v, manner_pix, text_of("disable_esmtp delay_dotcrlf"));
	else if (strcmp(name, "tls_loglevel") == 0)
		warn_about_elements(c, v, tls_log_knows, "no level and no name of one");
	else if (strcmp(name, "tls_fingerprint_cert_match") == 0)
		warn_about_elements(c, v, tls_policy_is_fingerprint, "no fingerprint");
}

void config_warn(struct config *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->values[i]->place)
			warn(c, c->values[i]);
}
