#include "format/address/domain.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <string.h>
#include <sys/un.h>

enum { LABEL_MAX = 63 };

static bool refuse(const char **why, const char *complaint)
{
	*why = complaint;
	return false;
}

static const char *copy(struct text t, char out[DOMAIN_SIZE])
{
	size_t n = t.n < DOMAIN_SIZE ? t.n : DOMAIN_SIZE - 1;

	if (n)
		memcpy(out, t.p, n);
	out[n] = '\0';
	return out;
}

static struct text without_last_dot(struct text t)
{
	if (t.n > 1 && t.p[t.n - 1] == '.')
		t.n--;
	return t;
}

static bool is_label_char(uint32_t c)
{
	return c >= 0xa0 || (c < 0x80 && (isalnum((int)c) || c == '-' || c == '_'));
}

static bool label_check(struct text label, const char **why)
{
	struct text rest = label;
	size_t count;
	uint32_t c;

	if (label.n == 0)
		return refuse(why, "it is empty or has a dot out of place");
	for (count = 0; rest.n; count++)
		if (!text_utf8(&rest, &c) || !is_label_char(c))
			return refuse(why, "it holds a character that no host name has");
	if (count > LABEL_MAX)
		return refuse(why, "it has a label longer than 63 bytes");
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return refuse(why, "it has a label that begins or ends with a hyphen");
	return true;
}

bool domain_check(struct text t, const char **why)
{
	struct text label;

	t = without_last_dot(t);
	if (t.n >= DOMAIN_SIZE)
		return refuse(why, "it is longer than 255 bytes");
	while (text_until(&t, '.', &label))
		if (!label_check(label, why))
			return false;
	return label_check(t, why);
}

const char *domain_key(struct text t, char out[DOMAIN_SIZE])
{
	copy(without_last_dot(t), out);
	for (char *c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return out;
}

bool domain_to_ascii(struct text t, bool transitional, char out[DOMAIN_SIZE], const char **why)
{
	const int flags = IDN2_NFC_INPUT | (transitional ? IDN2_TRANSITIONAL : IDN2_NONTRANSITIONAL);
	char given[DOMAIN_SIZE];
	uint8_t *result;
	struct text form;
	bool good;

	if (!domain_check(t, why))
		return false;
	domain_key(t, given);
	if (text_is_ascii(text_of(given))) {
		copy(text_of(given), out);
		return true;
	}
	if (idn2_lookup_u8((const uint8_t *)given, &result, flags) != IDN2_OK)
		return refuse(why, "it has no ASCII form (IDNA2008)");
	form = text_of((const char *)result);
	good = domain_check(form, why);
	copy(form, out);
	if (good && without_last_dot(form).n < form.n)   /* the mapping dropped all of the last label */
		good = refuse(why, "it is empty or has a dot out of place");
	idn2_free(result);
	return good;
}

static bool is_family(int family, const char *s)
{
	unsigned char binary[sizeof(struct in6_addr)];

	return inet_pton(family, s, binary) == 1;
}

enum domain_kind domain_numeric(struct text t)
{
	char s[DOMAIN_SIZE];

	if (t.n >= sizeof s || (t.n && memchr(t.p, '\0', t.n)))
		return DOMAIN_NAME;
	copy(t, s);
	return is_family(AF_INET, s) ? DOMAIN_IPV4 : is_family(AF_INET6, s) ? DOMAIN_IPV6 : DOMAIN_NAME;
}

/* What stands between the brackets that are all around t. */
static bool in_brackets(struct text t, struct text *inside)
{
	*inside = text_make(t.p + 1, t.n - 2);
	return t.n >= 2 && t.p[0] == '[' && t.p[t.n - 1] == ']';
}

/* Takes "IPv6:" off the front. */
static bool skip_tag(struct text *t)
{
	if (!text_starts_nocase(*t, "IPv6:"))
		return false;
	*t = text_make(t->p + strlen("IPv6:"), t->n - strlen("IPv6:"));
	return true;
}

enum domain_kind domain_literal(struct text t, char out[DOMAIN_SIZE])
{
	struct text inside;
	bool tagged;

	copy(t, out);
	if (!in_brackets(t, &inside))
		return DOMAIN_NAME;
	tagged = skip_tag(&inside);
	if (domain_numeric(inside) != (tagged ? DOMAIN_IPV6 : DOMAIN_IPV4))
		return DOMAIN_OTHER_LITERAL;
	copy(inside, out);
	return tagged ? DOMAIN_IPV6 : DOMAIN_IPV4;
}

static bool skip(struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->n < n || memcmp(t->p, prefix, n) != 0)
		return false;
	*t = text_make(t->p + n, t->n - n);
	return true;
}

enum domain_lmtp domain_lmtp(struct text *nexthop)
{
	if (skip(nexthop, "unix:"))
		return DOMAIN_LMTP_SOCKET;
	skip(nexthop, "inet:");
	return DOMAIN_LMTP_HOSTS;
}

const char *domain_socket_complaint(struct text path)
{
	if (path.n == 0 || *path.p != '/')
		return "what stands behind unix: is not a path that begins with /";
	if (path.n >= sizeof ((struct sockaddr_un *)0)->sun_path)
		return "the path of the socket is longer than the system allows";
	return NULL;
}

static bool take_service(struct text t, struct domain_nexthop *out, const char **why)
{
	struct text rest = t;
	uint64_t port;

	if (t.n == 0)
		return refuse(why, "the service behind the colon is missing");
	if (t.n >= sizeof out->service)
		return refuse(why, "the service name is too long");
	memcpy(out->service, t.p, t.n);
	if (text_number(&rest, UINT16_MAX, &port) && rest.n == 0) {
		out->port = (uint16_t)port;
		return port > 0 || refuse(why, "the port is not between 1 and 65535");
	}
	if (isdigit((unsigned char)*t.p))
		return refuse(why, "the port is not between 1 and 65535");
	for (size_t i = 0; i < t.n; i++)
		if (!isalnum((unsigned char)t.p[i]) && (i == 0 || !strchr("-_.+", t.p[i])))
			return refuse(why, "the service is neither a port nor a name");
	return true;
}

static bool take_host(struct text t, struct domain_nexthop *out, const char **why)
{
	bool tagged = out->exact && skip_tag(&t);

	out->kind = domain_numeric(t);
	copy(t, out->host);
	if (tagged && out->kind != DOMAIN_IPV6)
		return refuse(why, "what follows ipv6: is no IPv6 address");
	if (!out->exact && out->kind == DOMAIN_IPV6)
		return refuse(why, "an IPv6 address has to stand in brackets");
	if (t.n == 0)
		return refuse(why, "the host is missing");
	return out->kind != DOMAIN_NAME || domain_check(t, why);
}

/* "[host]" or "[host]:service". */
static bool bracketed(struct text t, struct domain_nexthop *out, const char **why)
{
	struct text host;

	out->exact = true;
	t = text_make(t.p + 1, t.n - 1);
	if (!text_until(&t, ']', &host))
		return refuse(why, "the closing bracket is missing");
	if (!take_host(host, out, why))
		return false;
	if (t.n == 0)
		return true;
	if (*t.p != ':')
		return refuse(why, "there is something right behind the bracket");
	return take_service(text_make(t.p + 1, t.n - 1), out, why);
}

bool domain_nexthop(struct text t, struct domain_nexthop *out, const char **why)
{
	struct text service = t, host;

	*out = (struct domain_nexthop){ 0 };
	if (t.n && *t.p == '[')
		return bracketed(t, out, why);
	if (!text_until(&service, ':', &host) || domain_numeric(t) == DOMAIN_IPV6)
		return take_host(t, out, why);
	return take_host(host, out, why) && take_service(service, out, why);
}
