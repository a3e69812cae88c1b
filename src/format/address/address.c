#include "format/address/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"

enum { DOMAIN_MAX = 255, LABEL_MAX = 63 };

typedef bool char_class(unsigned char);

static bool is_atext(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Inside quotes, where a backslash makes the other two plain. */
static bool is_qtext(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static bool is_label_char(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_';
}

static bool is_dtext(unsigned char c)
{
	return c > ' ' && c < 0x7f && (c < '[' || c > ']');
}

static bool refuse(const char **why, const char *complaint)
{
	*why = complaint;
	return false;
}

/* Refuses the character at the front, which may not stand where it stands. */
static bool refuse_char(struct text t, const char **why)
{
	uint32_t code;

	if (t.n == 0)
		return refuse(why, "address ends too early");
	if (!text_utf8(&t, &code))
		return refuse(why, "address is not valid UTF-8");
	if (code < ' ' || (code >= 0x7f && code < 0xa0))
		return refuse(why, "address holds a control character");
	return refuse(why, "address holds a character that is not allowed there");
}

static bool take(struct text *t, char c)
{
	if (t->n == 0 || *t->p != c)
		return false;
	*t = text_make(t->p + 1, t->n - 1);
	return true;
}

/* Takes one character of the class, or one above ASCII that is no control (RFC 6531 section 3.3). */
static bool take_one(struct text *t, char_class *is)
{
	struct text at = *t;
	uint32_t code;

	if (!text_utf8(&at, &code) || (code < 0x80 ? !is((unsigned char)code) : code < 0xa0))
		return false;
	*t = at;
	return true;
}

/* Takes as many as there are; the number of characters. */
static size_t take_all(struct text *t, char_class *is)
{
	size_t n = 0;

	while (take_one(t, is))
		n++;
	return n;
}

static bool dot_string(struct text *t, const char **why)
{
	do {
		if (take_all(t, is_atext))
			continue;
		if (t->n == 0 || *t->p == '.' || *t->p == '@' || *t->p == '>')
			return refuse(why, "local part is empty or has a dot out of place");
		return refuse_char(*t, why);
	} while (take(t, '.'));
	return true;
}

/* Behind the opening quote. */
static bool quoted_string(struct text *t, const char **why)
{
	while (!take(t, '"')) {
		bool escaped = take(t, '\\');

		if (t->n == 0)
			return refuse(why, "quoted local part does not end");
		if (escaped && (take(t, '"') || take(t, '\\')))
			continue;
		if ((escaped && (unsigned char)*t->p >= 0x80) || !take_one(t, is_qtext))
			return refuse_char(*t, why);
	}
	return true;
}

/* A label above ASCII is counted in characters: what it is as an A-label is longer than that, but is for
 * the resolver to judge. */
static bool label(struct text *t, const char **why)
{
	struct text start = *t;
	size_t n = take_all(t, is_label_char);

	if (n == 0 && t->n && *t->p != '.' && *t->p != '>')
		return refuse_char(*t, why);
	if (n == 0)
		return refuse(why, "domain is empty or has a dot out of place");
	if (n > LABEL_MAX)
		return refuse(why, "domain label is longer than 63 bytes");
	if (*start.p == '-' || t->p[-1] == '-')
		return refuse(why, "domain label begins or ends with a hyphen");
	return true;
}

static bool is_numeric(int family, struct text t)
{
	unsigned char binary[sizeof(struct in6_addr)];
	char copy[INET6_ADDRSTRLEN];

	if (t.n >= sizeof copy)
		return false;
	memcpy(copy, t.p, t.n);
	copy[t.n] = '\0';
	return strlen(copy) == t.n && inet_pton(family, copy, binary) == 1;
}

/* What stands in the brackets: an IPv4 address, "IPv6:" and an address, or another "tag:text" (RFC 5321
 * section 4.1.3). */
static bool literal_check(struct text t)
{
	struct text tag;

	if (!text_until(&t, ':', &tag))
		return is_numeric(AF_INET, t);
	if (text_is_nocase(tag, "IPv6"))
		return is_numeric(AF_INET6, t);
	return t.n && take_all(&tag, is_label_char) && tag.n == 0 && tag.p[-1] != '-';
}

/* Behind the opening bracket. */
static bool literal(struct text *t, const char **why)
{
	struct text inside = *t;

	take_all(t, is_dtext);
	inside.n -= t->n;
	if (!take(t, ']'))
		return refuse_char(*t, why);
	return literal_check(inside) || refuse(why, "address literal is not valid");
}

static bool domain(struct text *t, const char **why)
{
	size_t before = t->n;

	if (take(t, '[')) {
		if (!literal(t, why))
			return false;
	} else {
		do {
			if (!label(t, why))
				return false;
		} while (take(t, '.'));
	}
	return before - t->n <= DOMAIN_MAX || refuse(why, "domain is longer than 255 bytes");
}

static bool mailbox(struct text *t, const char **why)
{
	if (!(take(t, '"') ? quoted_string(t, why) : dot_string(t, why)))
		return false;
	return !take(t, '@') || domain(t, why);
}

bool address_check(struct text t, const char **why)
{
	if (t.n > ADDRESS_MAX)
		return refuse(why, "address is longer than 1000 bytes");
	return mailbox(&t, why) && (t.n == 0 || refuse_char(t, why));
}

/* "@a,@b:" if there is one. */
static bool source_route(struct text *t, const char **why)
{
	if (t->n == 0 || *t->p != '@')
		return true;
	do {
		if (!take(t, '@') || !domain(t, why))
			return refuse(why, "source route is not valid");
	} while (take(t, ','));
	return take(t, ':') || refuse(why, "source route is not valid");
}

bool address_path(struct text *from, struct text *address, const char **why)
{
	if (!take(from, '<'))
		return refuse(why, "address is not between < and >");
	*address = text_make(from->p, 0);
	if (take(from, '>'))
		return true;
	if (!source_route(from, why))
		return false;
	address->p = from->p;
	if (!mailbox(from, why))
		return false;
	address->n = (size_t)(from->p - address->p);
	if (address->n > ADDRESS_MAX)
		return refuse(why, "address is longer than 1000 bytes");
	return take(from, '>') || refuse_char(*from, why);
}

void address_split(struct text address, struct text *local, struct text *domain)
{
	struct text rest = address;
	const char *ignored;

	if (take(&rest, '"'))
		quoted_string(&rest, &ignored);
	while (rest.n && *rest.p != '@')
		take(&rest, *rest.p);
	*local = text_make(address.p, address.n - rest.n);
	take(&rest, '@');
	*domain = rest;
}

bool address_unquote(struct text local, struct buf *out)
{
	if (!take(&local, '"'))
		return buf_add(out, local.p, local.n);
	while (local.n && *local.p != '"') {
		take(&local, '\\');
		if (local.n)
			buf_char(out, *local.p);
		take(&local, local.n ? *local.p : '\0');
	}
	return !out->over;
}

/* Whether the text can stand between quotes once quotes and backslashes in it are escaped. */
static bool is_quotable(struct text t)
{
	while (t.n)
		if (!take_one(&t, is_qtext) && !take(&t, '"') && !take(&t, '\\'))
			return false;
	return true;
}

bool address_quote(struct text plain, struct buf *out)
{
	struct text rest = plain;
	const char *ignored;

	if (dot_string(&rest, &ignored) && rest.n == 0)
		return buf_add(out, plain.p, plain.n);
	if (!is_quotable(plain))
		return false;
	buf_char(out, '"');
	for (size_t i = 0; i < plain.n; i++) {
		if (plain.p[i] == '"' || plain.p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, plain.p[i]);
	}
	return buf_char(out, '"');
}

/* Names that stand for a function are no names with an extension. */
static bool is_whole(struct text local, const char *delimiters)
{
	static const char owner[] = "owner-", request[] = "-request";
	const size_t n = sizeof request - 1;

	if (text_is_nocase(local, "postmaster") || text_is_nocase(local, "mailer-daemon")
			|| text_is_nocase(local, "double-bounce"))
		return true;
	return strchr(delimiters, '-') && (text_starts_nocase(local, owner)
		|| (local.n > n && text_is_nocase(text_make(local.p + local.n - n, n), request)));
}

struct text address_extension(struct text local, const char *delimiters)
{
	size_t i = 0;

	while (i < local.n && !(local.p[i] && strchr(delimiters, local.p[i])))
		i++;
	if (i == 0 || is_whole(local, delimiters))
		i = local.n;
	return text_make(local.p + i, local.n - i);
}
