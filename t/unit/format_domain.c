#include "unit.h"

#include <string.h>

#include "format/address/domain.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct { const char *in, *why; } checks[] = {
	{ "example.org", NULL }, { "x", NULL }, { "example.org.", NULL }, { "_tcp.x_y.z", NULL },
	{ "1.2.3.4", NULL }, { "b\xc3\xbc" "cher.example", NULL }, { L63 ".x", NULL },
	{ L63 "." L63 "." L63 "." L63, NULL },
	{ "", "it is empty or has a dot out of place" }, { ".", "it is empty or has a dot out of place" },
	{ "a..b", "it is empty or has a dot out of place" },
	{ ".a", "it is empty or has a dot out of place" },
	{ "a..", "it is empty or has a dot out of place" },
	{ "a b", "it holds a character that no host name has" },
	{ "a!", "it holds a character that no host name has" },
	{ "a\n", "it holds a character that no host name has" },
	{ "a/b", "it holds a character that no host name has" },
	{ "\xff", "it holds a character that no host name has" },
	{ "a\xc3", "it holds a character that no host name has" },
	{ "[1.2.3.4]", "it holds a character that no host name has" },
	{ "a:25", "it holds a character that no host name has" },
	{ "\xc2\x85", "it holds a character that no host name has" },
	{ L63 "a.x", "it has a label longer than 63 bytes" },
	{ "-a", "it has a label that begins or ends with a hyphen" },
	{ "a-.b", "it has a label that begins or ends with a hyphen" },
	{ L63 "." L63 "." L63 "." L63 ".x", "it is longer than 255 bytes" },
};

START_TEST(test_check)
{
	const char *why = NULL;

	ck_assert_msg(domain_check(text_of(checks[_i].in), &why) == !checks[_i].why, "%s: %s", checks[_i].in,
		why);
	if (checks[_i].why)
		ck_assert_str_eq(why, checks[_i].why);
}
END_TEST

static const struct { const char *in; bool transitional; const char *out; } ascii[] = {
	{ "Example.ORG", false, "example.org" }, { "example.org.", false, "example.org" },
	{ "b\xc3\xbc" "cher.example", false, "xn--bcher-kva.example" },
	{ "B\xc3\x9c" "CHER.example", false, "xn--bcher-kva.example" },
	{ "fa\xc3\x9f.de", false, "xn--fa-hia.de" }, { "fa\xc3\x9f.de", true, "fass.de" },
	{ "bu\xcc\x88" "cher.x", false, "xn--bcher-kva.x" },
	{ "_sip.b\xc3\xbc.x", false, "_sip.xn--b-eha.x" },
	{ "", false, NULL }, { "a b", false, NULL }, { "\xff", false, NULL },
	{ "\xe2\x98\x83\xe2\x80\xae.x", false, NULL }, { "\xcc\x88" "x.y", false, NULL },
	{ "a..b\xc3\xbc", false, NULL }, { "g.\xc2\xad", false, NULL }, { "\xc2\xad", false, NULL },
	{ "b\xc3\xbc\xe3\x80\x82\xe3\x80\x82x", false, NULL },
};

START_TEST(test_ascii)
{
	char out[DOMAIN_SIZE];
	const char *why = NULL;
	bool ok = domain_to_ascii(text_of(ascii[_i].in), ascii[_i].transitional, out, &why);

	ck_assert_msg(ok == (ascii[_i].out != NULL), "%s: %s", ascii[_i].in, why);
	if (ok)
		ck_assert_str_eq(out, ascii[_i].out);
	else
		ck_assert_ptr_nonnull(why);
}
END_TEST

/* Sixty characters that are far longer as an A-label. */
START_TEST(test_long_alabel)
{
	char in[DOMAIN_SIZE] = "", out[DOMAIN_SIZE];
	const char *why = NULL;

	for (int i = 0; i < 60; i++)
		strcat(in, i % 2 ? "\xc3\xbc" : "\xd0\xb0");
	ck_assert(!domain_to_ascii(text_of(in), false, out, &why));
	ck_assert_ptr_nonnull(why);
}
END_TEST

static const struct { const char *in; enum domain_kind kind; const char *out; } literals[] = {
	{ "example.org", DOMAIN_NAME, "example.org" }, { "[192.0.2.1]", DOMAIN_IPV4, "192.0.2.1" },
	{ "[IPv6:2001:db8::1]", DOMAIN_IPV6, "2001:db8::1" },
	{ "[ipv6:::1]", DOMAIN_IPV6, "::1" }, { "192.0.2.1", DOMAIN_NAME, "192.0.2.1" },
	{ "", DOMAIN_NAME, "" }, { "[", DOMAIN_NAME, "[" }, { "[]", DOMAIN_OTHER_LITERAL, "[]" },
	{ "[::1]", DOMAIN_OTHER_LITERAL, "[::1]" },
	{ "[IPv6:192.0.2.1]", DOMAIN_OTHER_LITERAL, "[IPv6:192.0.2.1]" },
	{ "[1.2.3.256]", DOMAIN_OTHER_LITERAL, "[1.2.3.256]" },
	{ "[tag:x]", DOMAIN_OTHER_LITERAL, "[tag:x]" }, { "[1.2.3.4", DOMAIN_NAME, "[1.2.3.4" },
	{ "[01.2.3.4]", DOMAIN_OTHER_LITERAL, "[01.2.3.4]" },
};

START_TEST(test_literal)
{
	char out[DOMAIN_SIZE];

	ck_assert_int_eq(domain_literal(text_of(literals[_i].in), out), literals[_i].kind);
	ck_assert_str_eq(out, literals[_i].out);
}
END_TEST

static const struct { const char *in, *out; } keys[] = {
	{ "Example.ORG", "example.org" }, { "example.org.", "example.org" },
	{ "B\xc3\x9c.X", "b\xc3\x9c.x" }, { "", "" }, { ".", "." }, { "[IPv6:ABCD::]", "[ipv6:abcd::]" },
};

START_TEST(test_key)
{
	char out[DOMAIN_SIZE];

	ck_assert_str_eq(domain_key(text_of(keys[_i].in), out), keys[_i].out);
}
END_TEST

static const struct { const char *in,
	*host; enum domain_kind kind; bool exact; uint16_t port; const char *service, *why; } nexthops[] = {
	{ "example.org", "example.org", DOMAIN_NAME, false, 0, "", NULL },
	{ "Example.org:24", "Example.org", DOMAIN_NAME, false, 24, "24", NULL },
	{ "example.org:lmtp", "example.org", DOMAIN_NAME, false, 0, "lmtp", NULL },
	{ "[example.org]", "example.org", DOMAIN_NAME, true, 0, "", NULL },
	{ "[example.org]:submission", "example.org", DOMAIN_NAME, true, 0, "submission", NULL },
	{ "192.0.2.1", "192.0.2.1", DOMAIN_IPV4, false, 0, "", NULL },
	{ "192.0.2.1:24", "192.0.2.1", DOMAIN_IPV4, false, 24, "24", NULL },
	{ "[192.0.2.1]:65535", "192.0.2.1", DOMAIN_IPV4, true, 65535, "65535", NULL },
	{ "[ipv6:2001:db8::1]", "2001:db8::1", DOMAIN_IPV6, true, 0, "", NULL },
	{ "[IPv6:::1]:24", "::1", DOMAIN_IPV6, true, 24, "24", NULL },
	{ "[::1]:24", "::1", DOMAIN_IPV6, true, 24, "24", NULL },
	{ "b\xc3\xbc" "cher.example:25", "b\xc3\xbc" "cher.example", DOMAIN_NAME, false, 25, "25", NULL },
	{ "", NULL, 0, false, 0, NULL, "the host is missing" },
	{ ":24", NULL, 0, false, 0, NULL, "the host is missing" },
	{ "[]", NULL, 0, false, 0, NULL, "the host is missing" },
	{ "[]:24", NULL, 0, false, 0, NULL, "the host is missing" },
	{ "[example.org", NULL, 0, false, 0, NULL, "the closing bracket is missing" },
	{ "[example.org]24", NULL, 0, false, 0, NULL, "there is something right behind the bracket" },
	{ "x:", NULL, 0, false, 0, NULL, "the service behind the colon is missing" },
	{ "[x]:", NULL, 0, false, 0, NULL, "the service behind the colon is missing" },
	{ "x:0", NULL, 0, false, 0, NULL, "the port is not between 1 and 65535" },
	{ "x:65536", NULL, 0, false, 0, NULL, "the port is not between 1 and 65535" },
	{ "x:24x", NULL, 0, false, 0, NULL, "the port is not between 1 and 65535" },
	{ "x:a b", NULL, 0, false, 0, NULL, "the service is neither a port nor a name" },
	{ "x:24:25", NULL, 0, false, 0, NULL, "the port is not between 1 and 65535" },
	{ "::1", NULL, 0, false, 0, NULL, "an IPv6 address has to stand in brackets" },
	{ "[ipv6:192.0.2.1]", NULL, 0, false, 0, NULL, "what follows ipv6: is no IPv6 address" },
	{ "[ipv6:x]", NULL, 0, false, 0, NULL, "what follows ipv6: is no IPv6 address" },
	{ "a b", NULL, 0, false, 0, NULL, "it holds a character that no host name has" },
	{ "[a]b]", NULL, 0, false, 0, NULL, "there is something right behind the bracket" },
	{ "x:-1", NULL, 0, false, 0, NULL, "the service is neither a port nor a name" },
	{ "/run/lmtp", NULL, 0, false, 0, NULL, "it holds a character that no host name has" },
};

START_TEST(test_nexthop)
{
	struct domain_nexthop n;
	const char *why = NULL;
	bool ok = domain_nexthop(text_of(nexthops[_i].in), &n, &why);

	ck_assert_msg(ok == (nexthops[_i].host != NULL), "%s: %s", nexthops[_i].in, why);
	if (!ok) {
		ck_assert_str_eq(why, nexthops[_i].why);
		return;
	}
	ck_assert_str_eq(n.host, nexthops[_i].host);
	ck_assert_str_eq(n.service, nexthops[_i].service);
	ck_assert_int_eq(n.kind, nexthops[_i].kind);
	ck_assert(n.exact == nexthops[_i].exact && n.port == nexthops[_i].port);
}
END_TEST

static const struct {
	const char *nexthop, *rest;
	enum domain_lmtp kind;
} lmtp[] = {
	{ "unix:/run/lmtp", "/run/lmtp", DOMAIN_LMTP_SOCKET }, { "unix:", "", DOMAIN_LMTP_SOCKET },
	{ "unix:a,b", "a,b", DOMAIN_LMTP_SOCKET }, { "inet:a:24, b", "a:24, b", DOMAIN_LMTP_HOSTS },
	{ "a:24", "a:24", DOMAIN_LMTP_HOSTS }, { "inet:", "", DOMAIN_LMTP_HOSTS }, { "", "", DOMAIN_LMTP_HOSTS },
	{ "inet:unix:/x", "unix:/x", DOMAIN_LMTP_HOSTS }, { "/run/lmtp", "/run/lmtp", DOMAIN_LMTP_HOSTS },
	{ "UNIX:/x", "UNIX:/x", DOMAIN_LMTP_HOSTS }, { "uni", "uni", DOMAIN_LMTP_HOSTS },
};

START_TEST(test_D_2_lmtp)
{
	struct text t = text_of(lmtp[_i].nexthop);

	ck_assert_int_eq(domain_lmtp(&t), lmtp[_i].kind);
	ck_assert_str_eq(t.p, lmtp[_i].rest);
	ck_assert_uint_eq(t.n, strlen(lmtp[_i].rest));
}
END_TEST

static const struct { const char *path, *complaint; size_t more; } sockets[] = {
	{ "/run/lmtp", NULL, 0 }, { "/", NULL, 106 }, { "/", "longer", 107 }, { "", "begins with /", 0 },
	{ "run/lmtp", "begins with /", 0 }, { "./x", "begins with /", 0 },
};

START_TEST(test_socket_complaint)
{
	const char *complaint;
	char path[256];
	int n = snprintf(path, sizeof path, "%s", sockets[_i].path);

	memset(path + n, 'x', sockets[_i].more);
	complaint = domain_socket_complaint(text_make(path, (size_t)n + sockets[_i].more));
	ck_assert((complaint != NULL) == (sockets[_i].complaint != NULL));
	ck_assert(!complaint || strstr(complaint, sockets[_i].complaint));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "judges paths of sockets", test_socket_complaint, UNIT_ROWS(sockets), 0 },
		{ "checks names", test_check, UNIT_ROWS(checks), 0 },
		{ "makes A-labels", test_ascii, UNIT_ROWS(ascii), 0 },
		{ "refuses long A-labels", test_long_alabel, 1, 0 },
		{ "reads literals", test_literal, UNIT_ROWS(literals), 0 },
		{ "makes keys", test_key, UNIT_ROWS(keys), 0 },
		{ "reads nexthops", test_nexthop, UNIT_ROWS(nexthops), 0 },
		{ "reads nexthops of LMTP", test_D_2_lmtp, UNIT_ROWS(lmtp), 0 },
	};

	return unit_main("format/domain", cases, UNIT_ROWS(cases));
}
