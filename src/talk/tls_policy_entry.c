/* An entry of tls_policy_maps: a level, then attributes name=value or { name = value }. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"
#include "talk/tls_policy.h"

static bool refuse(char **why, const char *what, struct text of)
{
	*why = mem_fmt("%s '%.*s'", what, (int)of.n, of.p);
	return false;
}

/* The value that counts when it stands there once; the separator becomes a blank. */
static bool set_once(char **member, struct text value, char separator, struct text name, char **why)
{
	if (*member)
		return refuse(why, "twice there is an attribute", name);
	*member = mem_strn(value.p, value.n);
	for (char *at = *member; *at; at++)
		if (*at == separator)
			*at = ' ';
	return true;
}

/* Adds to a list. */
static bool set_more(char **member, struct text value, char separator)
{
	char *list = mem_fmt("%s%s%.*s", *member ? *member : "", *member ? " " : "", (int)value.n, value.p);

	for (char *at = list; *at; at++)
		if (*at == separator)
			*at = ' ';
	free(*member);
	*member = list;
	return true;
}

static bool set_grade(struct tls_policy *p, struct text value, struct text name, char **why)
{
	static const char *const grades[] = { "high", "medium", "low", "export", "null" };

	if (p->grade >= 0)
		return refuse(why, "twice there is an attribute", name);
	for (size_t i = 0; i < sizeof grades / sizeof *grades; i++)
		if (text_is_nocase(value, grades[i])) {
			p->grade = (int)i;
			return true;
		}
	return refuse(why, "no such cipher grade", value);
}

static bool set_flag(int *member, struct text value, char **why)
{
	bool yes = text_is_nocase(value, "yes");

	if (!yes && !text_is_nocase(value, "no"))
		return refuse(why, "neither yes nor no:", value);
	*member = yes;
	return true;
}

static bool is_verified(const struct tls_policy *p)
{
	return p->level == TLS_VERIFY || p->level == TLS_SECURE;
}

static bool set_match(struct tls_policy *p, struct text value, struct text name, char **why)
{
	if (!is_verified(p) && p->level != TLS_FINGERPRINT)
		return refuse(why, "at this level there can be no", name);
	return set_more(&p->match, value, p->level == TLS_FINGERPRINT ? '|' : ':');
}

static bool set_anchors(struct tls_policy *p, struct text value, struct text name, char **why)
{
	if (!is_verified(p))
		return refuse(why, "at this level there can be no", name);
	return set_more(&p->anchors, value, ',');
}

static bool set_servername(struct tls_policy *p, struct text value, struct text name, char **why)
{
	const char *complaint;

	if (value.n > 0 && !domain_check(value, &complaint))
		return refuse(why, "not a host name:", value);
	return set_once(&p->servername, value, '\0', name, why);
}

static bool set_type(struct tls_policy *p, struct text value, char **why)
{
	if (!text_is_nocase(value, "sts"))
		return refuse(why, "unknown policy_type", value);
	p->sts = true;
	return true;
}

/* What the policy's own attributes say to reports only. */
static bool is_for_reports(struct text name)
{
	return text_is(name, "policy_ttl") || text_is(name, "policy_domain") || text_is(name, "policy_string");
}

static bool set(struct tls_policy *p, struct text name, struct text value, char **why)
{
	int ignored;

	if (value.n == 0 && (text_is(name, "ciphers") || text_is(name, "match") || text_is(name, "tafile")))
		return refuse(why, "there is no value for", name);
	if (text_is(name, "ciphers"))
		return set_grade(p, value, name, why);
	if (text_is(name, "protocols"))
		return set_once(&p->protocols, value, ':', name, why);
	if (text_is(name, "exclude"))
		return set_once(&p->exclude, value, ':', name, why);
	if (text_is(name, "match"))
		return set_match(p, value, name, why);
	if (text_is(name, "tafile"))
		return set_anchors(p, value, name, why);
	if (text_is(name, "servername"))
		return set_servername(p, value, name, why);
	if (text_is(name, "connection_reuse"))
		return set_flag(&ignored, value, why);   /* connections are kept in any case */
	if (text_is(name, "enable_rpk"))
		return set_flag(&p->raw_key, value, why);
	if (text_is(name, "policy_type"))
		return set_type(p, value, why);
	if (text_is(name, "mx_host_pattern"))
		return set_more(&p->mx_patterns, value, ',');
	if (text_is(name, "policy_failure"))
		return set_once(&p->failure, value, '\0', name, why);
	return is_for_reports(name) || refuse(why, "no such attribute:", name);
}

/* An attribute may stand in braces, with blanks around its parts. */
static bool read_attribute(struct tls_policy *p, struct text t, char **why)
{
	struct text name, value;

	if (t.n > 1 && t.p[0] == '{' && t.p[t.n - 1] == '}')
		t = text_trim(text_make(t.p + 1, t.n - 2));
	value = t;
	if (!text_until(&value, '=', &name))
		return refuse(why, "this is not name=value:", t);
	return set(p, text_trim(name), text_trim(value), why);
}

static bool read_level(struct tls_policy *p, struct text word, char **why)
{
	for (int i = TLS_NONE; i < TLS_UNSET; i++)
		if (text_is_nocase(word, tls_level_name((enum tls_level)i))) {
			p->level = (enum tls_level)i;
			return true;
		}
	return refuse(why, "no such level:", word);
}

static bool check(const struct tls_policy *p, char **why)
{
	if (!p->sts && (p->mx_patterns || p->failure)) {
		*why = mem_str("mx_host_pattern and policy_failure need policy_type=sts");
		return false;
	}
	return true;
}

static bool read_entry(struct tls_policy *p, struct text rest, char **why)
{
	struct text element;

	if (!text_list_next(&rest, &element)) {
		*why = mem_str("the entry is empty");
		return false;
	}
	if (!read_level(p, element, why))
		return false;
	while (text_list_next(&rest, &element)) {
		p->ignored = p->level == TLS_NONE;
		if (!p->ignored && !read_attribute(p, element, why))
			return false;
	}
	return check(p, why);
}

bool tls_policy_read(struct tls_policy *p, const char *entry, char **why)
{
	*p = (struct tls_policy){ .grade = -1, .raw_key = -1, .origin = "tls_policy_maps" };
	if (read_entry(p, text_of(entry), why))
		return true;
	tls_policy_clear(p);
	return false;
}
