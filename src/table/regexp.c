/*
 * regexp:FILE: POSIX regular expressions (regexp_table(5)). The C library's matcher cannot be stopped, so its
 * time is bounded by what it gets: without references back it grows with the square of the key's length at
 * most, and what is longer than KEY_SEEN is not looked at behind that (a tenth of a second for the worst of
 * patterns).
 */
#include "table/type.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/delimited.h"
#include "table/rules.h"

enum { KEY_SEEN = 8192 };

static const struct delimited_flag flags[] = {
	{ 'i', REG_ICASE }, { 'm', REG_NEWLINE }, { 'x', REG_EXTENDED }, { 0, 0 },
};

/* The end of a bracket expression that begins ahead of `at` (POSIX.2 2.8.3.2). */
static const char *bracket_end(const char *at)
{
	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']') {
		const char close[] = { at[1], ']', '\0' };
		const char *end = *at == '[' && at[1] && strchr(".:=", at[1]) ? strstr(at + 2, close) : NULL;

		at = end ? end + strlen(close) : at + 1;
	}
	return at;
}

static bool refers_back(const char *pattern)
{
	for (const char *at = pattern; *at; at++) {
		if (*at == '[')
			at = bracket_end(at + 1);
		else if (*at == '\\' && at[1] >= '1' && at[1] <= '9')
			return true;
		else if (*at == '\\' && at[1])
			at++;
		if (!*at)
			break;
	}
	return false;
}

static void *compile(const char *text, int options, unsigned *groups, char **why)
{
	regex_t *pattern = mem_alloc(sizeof *pattern);
	int error = regcomp(pattern, text, options);
	char complaint[256];

	if (error == 0) {
		*groups = (unsigned)pattern->re_nsub;
		return pattern;
	}
	regerror(error, pattern, complaint, sizeof complaint);
	*why = mem_fmt("bad pattern: %s", complaint);
	free(pattern);
	return NULL;
}

static void *take(struct text *line, unsigned *groups, char **why)
{
	uint32_t options = REG_EXTENDED | REG_ICASE;
	char *text = delimited_take(line, flags, &options, why);
	void *pattern = NULL;

	if (text && refers_back(text))
		*why = mem_str("bad pattern: a reference like \\1 in it can take hours; pcre can do that");
	else if (text)
		pattern = compile(text, (int)options, groups, why);
	free(text);
	return pattern;
}

static void note_groups(const regmatch_t *matches, size_t count, const char *key, struct text *groups)
{
	for (size_t i = 1; i < count; i++)
		groups[i] = matches[i].rm_so < 0 ? text_make("", 0)
			: text_make(key + matches[i].rm_so, (size_t)(matches[i].rm_eo - matches[i].rm_so));
}

static enum rules_match match(void *pattern, const char *key, size_t n, struct text *groups, const char **why)
{
	regmatch_t matches[TEMPLATE_GROUPS] = { { .rm_eo = (regoff_t)(n < KEY_SEEN ? n : KEY_SEEN) } };
	size_t count = groups ? ((regex_t *)pattern)->re_nsub + 1 : 0;
	int error;

	if (count > TEMPLATE_GROUPS)
		count = TEMPLATE_GROUPS;
	error = regexec(pattern, key, count, matches, REG_STARTEND | (n > KEY_SEEN ? REG_NOTEOL : 0));
	if (error == REG_NOMATCH)
		return RULES_NO;
	if (error) {
		*why = "the pattern takes more memory than there is for this key";
		return RULES_ERROR;
	}
	if (groups)
		note_groups(matches, count, key, groups);
	return RULES_YES;
}

static void release(void *pattern)
{
	regfree(pattern);
	free(pattern);
}

static const struct rules_kind kind = { take, match, release, true };

static void *regexp_open(const char *name, unsigned table_flags, char **why)
{
	return rules_open(&kind, name, table_flags, why);
}

const struct table_type table_regexp = { "regexp", false, regexp_open, rules_get, rules_close, rules_each };
