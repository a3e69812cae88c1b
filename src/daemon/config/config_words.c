#include "daemon/config/config_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/address/address.h"
#include "format/address/domain.h"

enum { WORDS_MAX = 8, COMPLAINT_MAX = 4096 };

/* The Postfix name, or its end if it begins with _, and the words that may stand in the list. */
static const struct word_list {
	const char *name, *words[WORDS_MAX];
	bool needed;                 /* at least one */
} lists[] = {
	{ "notify_classes",
	  { "bounce", "2bounce", "data", "delay", "policy", "protocol", "resource", "software" }, false },
	{ "inet_protocols", { "all", "ipv4", "ipv6" }, true },
	{ "propagate_unmatched_extensions",
	  { "alias", "canonical", "forward", "generic", "include", "virtual" }, false },
	{ "smtputf8_autodetect_classes",
	  { "all", "bounce", "forward", "notify", "qmqpd", "sendmail", "smtpd", "verify" }, false },
	{ "internal_mail_filter_classes", { "bounce", "notify" }, false },
	{ "_host_lookup", { "dns", "native" }, true },
	{ "_dns_resolver_options", { "res_defnames", "res_dnsrch" }, false },
};

/* The same names, of texts that must say something. */
static const char *const needed[] = {
	"_helo_name", "_lhlo_name", "tls_high_cipherlist", "tls_medium_cipherlist", "tls_null_cipherlist",
};

struct checking {
	const struct settings *settings;
	char *name, *what;           /* of the first fault */
};

static void fail(struct checking *c, const char *name, char *what)
{
	c->name = mem_str(name);
	c->what = what;
}

/* "what is none of one, two, three". */
static char *none_of(const struct word_list *list, const char *what)
{
	struct buf out;

	buf_init(&out, COMPLAINT_MAX);
	buf_fmt(&out, "%s", what);
	for (size_t i = 0; i < WORDS_MAX && list->words[i]; i++)
		buf_fmt(&out, "%s %s", i ? "," : "", list->words[i]);
	return buf_take(&out);
}

static bool is_among(struct text word, const struct word_list *list)
{
	for (size_t i = 0; i < WORDS_MAX && list->words[i]; i++)
		if (text_is_nocase(word, list->words[i]))
			return true;
	return false;
}

static void check_list(struct checking *c, const struct word_list *list, const char *name, const char *value)
{
	struct text rest = text_of(value), word;
	size_t count = 0;
	char *what;

	for (; text_list_next(&rest, &word); count++) {
		if (is_among(word, list))
			continue;
		what = mem_fmt("'%.*s' is none of", (int)word.n, word.p);
		fail(c, name, none_of(list, what));
		free(what);
		return;
	}
	if (count == 0 && list->needed)
		fail(c, name, none_of(list, "is empty, but needs one of"));
}

/* "example.org", ".example.org", "[192.0.2.1]"; a table has its type and a colon. */
static bool is_domain_or_table(struct text word, const char **why)
{
	char literal[DOMAIN_SIZE];

	*why = "an address literal is [192.0.2.1] or [IPv6:2001:db8::1]";
	if (*word.p == '[')
		return domain_literal(word, literal) != DOMAIN_NAME;
	if (memchr(word.p, ':', word.n))
		return true;
	if (*word.p == '.')
		word = text_make(word.p + 1, word.n - 1);
	return domain_check(word, why);
}

static void check_domains(struct checking *c)
{
	struct text rest = text_of(c->settings->mailbox_domains), word;
	const char *why;

	while (text_list_next(&rest, &word)) {
		if (is_domain_or_table(word, &why))
			continue;
		fail(c, "mailbox_domains", mem_fmt("'%.*s' is not a domain: %s", (int)word.n, word.p, why));
		return;
	}
}

static bool is_of(const char *name, const char *which)
{
	size_t n = strlen(name), end = strlen(which);

	if (*which != '_')
		return strcmp(name, which) == 0;
	return n > end && strcmp(name + n - end, which) == 0;
}

static void check_address(struct checking *c, const char *name, const char *value)
{
	const char *why;

	if (!*value)
		fail(c, name, mem_str("must not be empty"));
	else if (!address_check(text_of(value), &why))
		fail(c, name, mem_fmt("'%s' is not an address: %s", value, why));
}

static void check_text(struct checking *c, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof needed / sizeof *needed && !*value && !c->name; i++)
		if (is_of(name, needed[i]))
			fail(c, name, mem_str("must not be empty"));
	if (!c->name && is_of(name, "_notice_recipient"))
		check_address(c, name, value);
	if (!c->name && is_of(name, "_sasl_password_result_delimiter") && strlen(value) != 1)
		fail(c, name, mem_str("must be one character"));
}

static void check_value(void *arg, const char *name, const char *value)
{
	struct checking *c = arg;

	for (size_t i = 0; i < sizeof lists / sizeof *lists && !c->name; i++)
		if (is_of(name, lists[i].name))
			check_list(c, &lists[i], name, value);
	if (!c->name)
		check_text(c, name, value);
}

bool config_words_check(const struct settings *s, char **path, char **what)
{
	struct checking c = { .settings = s };

	check_domains(&c);
	if (!c.name)
		settings_each(s, NULL, check_value, &c);
	if (!c.name)
		return true;
	*path = settings_path(s, c.name);
	*what = c.what;
	free(c.name);
	return false;
}
