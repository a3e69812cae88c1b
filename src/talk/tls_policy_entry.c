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

static bool read_flag(struct text value, int *yes, char **why)
{
	*yes = text_is_nocase(value, "yes");
	return *yes || text_is_nocase(value, "no") || refuse(why, "neither yes nor no:", value);
}

static bool set_protocols(struct tls_policy *p, struct text value, struct text name, char **why)
{
	return set_once(&p->protocols, value, ':', name, why);
}

static bool set_exclude(struct tls_policy *p, struct text value, struct text name, char **why)
{
	return set_once(&p->exclude, value, ':', name, why);
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

/* Connections are kept in any case. */
static bool pass_over_flag(struct tls_policy *p, struct text value, struct text name, char **why)
{
	int ignored;

	(void)p, (void)name;
	return read_flag(value, &ignored, why);
}

static bool set_raw_key(struct tls_policy *p, struct text value, struct text name, char **why)
{
	int yes;

	(void)name;
	if (!read_flag(value, &yes, why))
		return false;
	p->raw_key = yes;
	return true;
}

static bool set_type(struct tls_policy *p, struct text value, struct text name, char **why)
{
	(void)name;
	if (!text_is_nocase(value, "sts"))
		return refuse(why, "unknown policy_type", value);
	p->sts = true;
	return true;
}

static bool add_mx_pattern(struct tls_policy *p, struct text value, struct text name, char **why)
{
	(void)name, (void)why;
	return set_more(&p->mx_patterns, value, ',');
}

static bool set_failure(struct tls_policy *p, struct text value, struct text name, char **why)
{
	return set_once(&p->failure, value, '\0', name, why);
}

/* What the policy's own attributes say to reports only. */
static bool pass_over(struct tls_policy *p, struct text value, struct text name, char **why)
{
	(void)p, (void)value, (void)name, (void)why;
	return true;
}

static const struct attribute {
	const char *name;
	bool (*set)(struct tls_policy *, struct text value, struct text name, char **why);
	bool filled;   /* it must have a value */
} attributes[] = {
	{ "ciphers", set_grade, true },
	{ "protocols", set_protocols, false },
	{ "exclude", set_exclude, false },
	{ "match", set_match, true },
	{ "tafile", set_anchors, true },
	{ "servername", set_servername, false },
	{ "connection_reuse", pass_over_flag, false },
	{ "enable_rpk", set_raw_key, false },
	{ "policy_type", set_type, false },
	{ "mx_host_pattern", add_mx_pattern, false },
	{ "policy_failure", set_failure, false },
	{ "policy_ttl", pass_over, false },
	{ "policy_domain", pass_over, false },
	{ "policy_string", pass_over, false },
};

static bool set(struct tls_policy *p, struct text name, struct text value, char **why)
{
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		const struct attribute *a = &attributes[i];

		if (!text_is(name, a->name))
			continue;
		if (a->filled && value.n == 0)
			return refuse(why, "there is no value for", name);
		return a->set(p, value, name, why);
	}
	return refuse(why, "no such attribute:", name);
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
