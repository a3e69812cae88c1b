/* pcre:FILE: Perl's regular expressions (pcre_table(5)). Without just-in-time compilation: the processes that
 * ask make no memory executable. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "table/type.h"

#include <pcre2.h>
#include <stdlib.h>

#include "base/mem.h"
#include "table/delimited.h"
#include "table/rules.h"

struct pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	unsigned groups;
};

static const struct delimited_flag flags[] = {
	{ 'i', PCRE2_CASELESS }, { 'm', PCRE2_MULTILINE }, { 's', PCRE2_DOTALL }, { 'x', PCRE2_EXTENDED },
	{ 'A', PCRE2_ANCHORED }, { 'E', PCRE2_DOLLAR_ENDONLY }, { 'U', PCRE2_UNGREEDY },
	{ 'X', 0 },              /* pcre2 is always so strict */
	{ 0, 0 },
};

static void release(void *arg)
{
	struct pattern *p = arg;

	pcre2_match_data_free(p->data);
	pcre2_code_free(p->code);
	free(p);
}

static void *compile(const char *text, uint32_t options, unsigned *groups, char **why)
{
	struct pattern *p = mem_alloc(sizeof *p);
	PCRE2_UCHAR complaint[256];
	PCRE2_SIZE at;
	int error;

	p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &error, &at, NULL);
	if (!p->code) {
		pcre2_get_error_message(error, complaint, sizeof complaint);
		*why = mem_fmt("bad pattern, at its byte %zu: %s", (size_t)at, (const char *)complaint);
		free(p);
		return NULL;
	}
	p->data = mem_check(pcre2_match_data_create_from_pattern(p->code, NULL));
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
	*groups = p->groups;
	return p;
}

static void *take(struct text *line, unsigned *groups, char **why)
{
	uint32_t options = PCRE2_CASELESS | PCRE2_DOTALL;
	char *text = delimited_take(line, flags, &options, why);
	void *pattern = text ? compile(text, options, groups, why) : NULL;

	free(text);
	return pattern;
}

/* Groups behind the last one that took part have no entry of their own (count). */
static void note_groups(const struct pattern *p, int count, const char *key, struct text *groups)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(p->data);

	for (unsigned i = 1; i <= p->groups && i < TEMPLATE_GROUPS; i++)
		groups[i] = i >= (unsigned)count || ends[2 * i] == PCRE2_UNSET ? text_make("", 0)
			: text_make(key + ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
}

static enum rules_match match(void *pattern, const char *key, size_t n, struct text *groups, const char **why)
{
	struct pattern *p = pattern;
	int count = pcre2_match(p->code, (PCRE2_SPTR)key, n, 0, 0, p->data, NULL);

	if (count == PCRE2_ERROR_NOMATCH)
		return RULES_NO;
	if (count < 0) {
		*why = "the pattern takes too long, or too much memory, for this key";
		return RULES_ERROR;
	}
	if (groups)
		note_groups(p, count, key, groups);
	return RULES_YES;
}

static const struct rules_kind kind = { take, match, release, true };

static void *pcre_open(const char *name, unsigned table_flags, char **why)
{
	return rules_open(&kind, name, table_flags, why);
}

const struct table_type table_pcre = { "pcre", false, pcre_open, rules_get, rules_close, rules_each };
