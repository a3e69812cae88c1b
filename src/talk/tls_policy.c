#include "talk/tls_policy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"

#define LIST_MAX (64 * 1024)

static const char *const names[] = {
	"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"
};

const char *tls_level_name(enum tls_level level)
{
	return level < TLS_UNSET ? names[level] : "";
}

bool tls_level_authenticates(enum tls_level level)
{
	return level > TLS_ENCRYPT && level < TLS_UNSET;
}

const char *tls_policy_level(const struct tls_policy *p)
{
	return p->half ? "halfdane" : tls_level_name(p->level);
}

void tls_policy_clear(struct tls_policy *p)
{
	free(p->protocols);
	free(p->exclude);
	free(p->match);
	free(p->anchors);
	free(p->servername);
	free(p->mx_patterns);
	free(p->failure);
	*p = (struct tls_policy){ .grade = -1, .raw_key = -1 };
}

void tls_policy_default(struct tls_policy *p, const struct manner *m)
{
	*p = (struct tls_policy){ .level = manner_tls_level(m), .grade = -1, .raw_key = -1,
		.origin = "tls_security_level" };
	if (m->tls_security_level == TLS_UNSET && p->level != TLS_NONE)
		p->origin = m->enforce_tls ? "enforce_tls" : "use_tls";
}

/* --- the obsolete table --- */

bool tls_policy_site(const char *word, enum tls_level *level)
{
	static const struct {
		const char *word;
		enum tls_level level;
	} words[] = {
		{ "NONE", TLS_NONE }, { "MAY", TLS_MAY }, { "MUST_NOPEERMATCH", TLS_ENCRYPT }, { "MUST", TLS_VERIFY },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_is_nocase(text_trim(text_of(word)), words[i].word)) {
			*level = words[i].level;
			return true;
		}
	return false;
}

/* NONE says more than MAY; else the stricter one counts, and MAY is not less than what counts for
 * everybody. */
enum tls_level tls_policy_of_sites(enum tls_level nexthop, enum tls_level host, enum tls_level otherwise)
{
	enum tls_level site = nexthop == TLS_UNSET ? host : nexthop;

	if (nexthop != TLS_UNSET && host != TLS_UNSET) {
		bool weak = nexthop <= TLS_MAY && host <= TLS_MAY;

		site = (nexthop < host) == weak ? nexthop : host;
	}
	if (site == TLS_UNSET || (site == TLS_MAY && otherwise > TLS_MAY))
		return otherwise;
	return site;
}

/* --- what an entry leaves out --- */

static void fill(char **member, const char *value)
{
	if (!*member)
		*member = mem_str(value);
}

/* Of two lists. */
static char *joined(const char *a, const char *b)
{
	return mem_fmt("%s%s%s", a, *a && *b ? " " : "", b);
}

/* An element must not be an order to OpenSSL, or more than it seems. */
bool tls_policy_exclusions(const char *list, char **why)
{
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element))
		if (strchr("!+-@", *element.p)) {
			*why = mem_fmt("'%.*s' is no cipher to be excluded", (int)element.n, element.p);
			return false;
		}
	return true;
}

bool tls_policy_is_fingerprint(struct text t)
{
	size_t digits = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (!isxdigit((unsigned char)t.p[i]) && t.p[i] != ':')
			return false;
		digits += t.p[i] != ':';
	}
	return digits > 0 && digits % 2 == 0;
}

static bool has_fingerprint(const char *list)
{
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element))
		if (tls_policy_is_fingerprint(element))
			return true;
	return false;
}

static void complete_ciphers(struct tls_policy *p, const struct manner *m)
{
	bool may = p->level == TLS_MAY;

	if (p->grade < 0)
		p->grade = may ? m->tls_ciphers : m->tls_mandatory_ciphers;
	fill(&p->protocols, may ? m->tls_protocols : m->tls_mandatory_protocols);
	if (p->exclude)
		return;
	p->exclude = may ? mem_str(m->tls_exclude_ciphers)
		: joined(m->tls_exclude_ciphers, m->tls_mandatory_exclude_ciphers);
	for (char *at = p->exclude; *at; at++)
		if (*at == ':')
			*at = ' ';
}

/* Without encryption, or without a certificate to be matched, the level would mean nothing; and DANE was
 * never spoken with SSL. */
static void complete_level(struct tls_policy *p)
{
	char *more, *list;

	if (p->level < TLS_ENCRYPT)
		return;
	more = joined(p->exclude, p->level == TLS_ENCRYPT ? "eNULL" : "aNULL");
	free(p->exclude);
	p->exclude = more;
	if (p->level != TLS_DANE && p->level != TLS_DANE_ONLY)
		return;
	list = joined(p->protocols, "!SSLv2 !SSLv3");
	free(p->protocols);
	p->protocols = list;
}

static const char *usual_match(const struct tls_policy *p, const struct manner *m)
{
	switch (p->level) {
	case TLS_FINGERPRINT:
		return m->tls_fingerprint_cert_match;
	case TLS_VERIFY:
		return m->tls_verify_cert_match;
	default:
		return m->tls_secure_cert_match;
	}
}

static char *with_blanks(const char *list, char separator)
{
	char *copy = mem_str(list);

	for (char *at = copy; *at; at++)
		if (*at == separator)
			*at = ' ';
	return copy;
}

/* RFC 8461: the hosts that the policy names are trusted by their own names. */
static void complete_sts(struct tls_policy *p, const struct manner *m)
{
	if (!m->tls_enforce_sts_mx_patterns) {
		free(p->mx_patterns);
		p->mx_patterns = NULL;
	} else if (p->sts && p->mx_patterns && p->match) {
		free(p->match);
		p->match = mem_str("hostname");
	}
}

bool tls_policy_complete(struct tls_policy *p, const struct manner *m, char **why)
{
	if (p->level == TLS_NONE)
		return true;
	complete_ciphers(p, m);
	complete_sts(p, m);
	if (!tls_policy_exclusions(p->exclude, why))
		return false;
	complete_level(p);
	fill(&p->servername, m->tls_servername);
	if (p->raw_key < 0)
		p->raw_key = m->tls_enable_rpk;
	if (!p->match)
		p->match = with_blanks(usual_match(p, m), p->level == TLS_FINGERPRINT ? ' ' : ':');
	if (p->level != TLS_FINGERPRINT || has_fingerprint(p->match))
		return true;
	*why = mem_str("level fingerprint without any fingerprint");
	return false;
}

/* --- questions --- */

void tls_policy_ciphers(const struct tls_policy *p, const struct tls_cipherlists *lists, struct buf *out)
{
	struct text rest = text_of(p->exclude), element;

	buf_str(out, p->grade == CIPHER_HIGH ? lists->high : p->grade == CIPHER_NULL
		? lists->null : lists->medium);
	while (text_list_next(&rest, &element))
		buf_fmt(out, ":!%.*s", (int)element.n, element.p);
}

static void add_name(const char *dot, struct text name, struct buf *out)
{
	char ascii[DOMAIN_SIZE];
	const char *why;

	if (name.n > 0 && domain_to_ascii(name, false, ascii, &why))
		buf_fmt(out, "%s%s%s", out->len ? " " : "", dot, ascii);
}

void tls_policy_names(const struct tls_policy *p, const char *nexthop, const char *hostname, struct buf *out)
{
	struct text rest = text_of(p->match), element;

	while (text_list_next(&rest, &element)) {
		if (text_is_nocase(element, "nexthop"))
			add_name("", text_of(nexthop), out);
		else if (text_is_nocase(element, "dot-nexthop"))
			add_name(".", text_of(nexthop), out);
		else if (text_is_nocase(element, "hostname"))
			add_name("", text_of(hostname), out);
		else if (*element.p == '.')
			add_name(".", text_make(element.p + 1, element.n - 1), out);
		else
			add_name("", element, out);
	}
}

const char *tls_policy_servername(const struct tls_policy *p, const char *nexthop, const char *hostname,
	char *room)
{
	const char *name = p->servername, *why;

	if (!name || !*name)
		return NULL;
	if (strcmp(name, "nexthop") == 0)
		name = nexthop;
	else if (strcmp(name, "hostname") == 0)
		name = hostname;
	if (domain_numeric(text_of(name)) != DOMAIN_NAME || !domain_to_ascii(text_of(name), false, room, &why))
		return NULL;   /* RFC 6066 3: a name, never an address */
	return room;
}

/* *.name stands for one label more. */
static bool covers(struct text pattern, const char *host)
{
	const char *dot = strchr(host, '.');

	if (pattern.n > 2 && strncmp(pattern.p, "*.", 2) == 0)
		return dot && text_is_nocase(text_make(pattern.p + 1, pattern.n - 1), dot);
	return text_is_nocase(pattern, host);
}

bool tls_policy_allows_host(const struct tls_policy *p, const char *host)
{
	struct text rest = text_of(p->mx_patterns), element;
	char ascii[DOMAIN_SIZE];
	const char *why;

	if (!p->mx_patterns)
		return true;
	if (!domain_to_ascii(text_of(host), false, ascii, &why))
		return false;
	while (text_list_next(&rest, &element))
		if (covers(element, ascii))
			return true;
	return false;
}
