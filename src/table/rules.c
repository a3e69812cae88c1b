#include "table/rules.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "table/lines.h"
#include "table/type.h"

enum { RESULT_MAX = 64 * 1024, NO_RULE = -1 };

enum rule_kind { RULE_RESULT, RULE_IF, RULE_ENDIF };

struct rule {
	enum rule_kind kind;
	bool negated;
	unsigned number;             /* of its line, for errors */
	void *pattern;               /* not of RULE_ENDIF */
	char *text;                  /* the result, where there is nothing to put into it */
	struct template *result;     /* else */
	ptrdiff_t endif;             /* RULE_IF: where it ends; while it is open, the one around it */
};

struct rules {
	const struct rules_kind *kind;
	unsigned flags;
	struct rule *list;
	size_t count;
	ptrdiff_t open;              /* the innermost "if" without an endif yet */
	struct buf out;              /* result or error of the last get */
};

static bool fail(char **why, const char *complaint)
{
	*why = mem_str(complaint);
	return false;
}

static void skip_blanks(struct text *t)
{
	*t = text_trim(*t);
}

/* "!" any number of times, as in Postfix. */
static bool take_negation(struct text *line)
{
	bool negated = false;

	for (skip_blanks(line); line->n && *line->p == '!'; skip_blanks(line)) {
		negated = !negated;
		*line = text_make(line->p + 1, line->n - 1);
	}
	return negated;
}

static bool take_keyword(struct text *line, const char *word, size_t n)
{
	if (!text_starts_nocase(*line, word) || (line->n > n && isalnum((unsigned char)line->p[n])))
		return false;
	*line = text_make(line->p + n, line->n - n);
	skip_blanks(line);
	return true;
}

static bool take_pattern(struct rules *r, struct rule *rule, struct text *line, unsigned *groups, char **why)
{
	rule->negated = take_negation(line);
	if (line->n == 0)
		return fail(why, "there is no pattern");
	rule->pattern = r->kind->take(line, groups, why);
	skip_blanks(line);
	return rule->pattern;
}

static bool check_result(const struct rules *r, const struct rule *rule, unsigned groups, char **why)
{
	unsigned highest = template_highest(rule->result);

	if (highest && rule->negated)
		return fail(why, "a pattern that must not match has no groups to put into the result");
	if (highest && (r->flags & TABLE_LITERAL))
		return fail(why, "$1 and the like are not allowed here: whoever writes the address could "
			"choose the result");
	if (highest <= groups)
		return true;
	*why = mem_fmt("$%u: the pattern has %u groups", highest, groups);
	return false;
}

static bool take_result(struct rules *r, struct rule *rule, struct text text, unsigned groups, char **why)
{
	static const struct text none[1];

	if (text.n == 0)
		return fail(why, "there is no result behind the pattern");
	if (!r->kind->substitutes) {
		rule->text = mem_strn(text.p, text.n);
		return true;
	}
	rule->result = template_new(text, why);
	if (!rule->result || !check_result(r, rule, groups, why))
		return false;
	if (template_highest(rule->result) == 0) {
		buf_clear(&r->out);
		if (!template_expand(rule->result, none, &r->out))
			return fail(why, "the result is too long");
		rule->text = mem_str(buf_text(&r->out));
	}
	return true;
}

static bool begin_if(struct rules *r, struct rule *rule, struct text line, char **why)
{
	unsigned groups;

	rule->kind = RULE_IF;
	if (!take_pattern(r, rule, &line, &groups, why))
		return false;
	if (line.n)
		return fail(why, "text behind the pattern of an if (the rules inside must not be indented)");
	rule->endif = r->open;
	r->open = rule - r->list;
	return true;
}

static bool end_if(struct rules *r, struct rule *rule, struct text line, char **why)
{
	ptrdiff_t begun = r->open;

	rule->kind = RULE_ENDIF;
	if (line.n)
		return fail(why, "text behind endif (the rules after it must not be indented)");
	if (begun == NO_RULE)
		return fail(why, "endif without an if");
	r->open = r->list[begun].endif;
	r->list[begun].endif = rule - r->list;
	return true;
}

static bool take_rule(void *arg, unsigned number, struct text line, char **why)
{
	struct rules *r = arg;
	struct rule *rule;
	unsigned groups = 0;

	r->list = mem_grow(r->list, r->count + 1, sizeof *r->list);
	rule = &r->list[r->count++];
	*rule = (struct rule){ .number = number };
	if (take_keyword(&line, "if", 2))
		return begin_if(r, rule, line, why);
	if (take_keyword(&line, "endif", 5))
		return end_if(r, rule, line, why);
	return take_pattern(r, rule, &line, &groups, why) && take_result(r, rule, line, groups, why);
}

void *rules_open(const struct rules_kind *kind, const char *name, unsigned flags, char **why)
{
	struct rules *r = mem_alloc(sizeof *r);
	struct lines to = { take_rule, r };
	bool fine;

	r->kind = kind;
	r->flags = flags;
	r->open = NO_RULE;
	buf_init(&r->out, RESULT_MAX);
	fine = *name == '{' ? lines_inline(&to, name, why) : lines_of_file(&to, name, why);
	if (fine && r->open != NO_RULE) {
		*why = mem_fmt("%s %u: this if has no endif", *name == '{' ? "rule" : "line",
			r->list[r->open].number);
		fine = false;
	}
	if (fine)
		return r;
	rules_close(r);
	return NULL;
}

void rules_close(void *rules)
{
	struct rules *r = rules;

	for (size_t i = 0; i < r->count; i++) {
		if (r->list[i].pattern)
			r->kind->release(r->list[i].pattern);
		template_free(r->list[i].result);
		free(r->list[i].text);
	}
	free(r->list);
	buf_free(&r->out);
	free(r);
}

void rules_each(void *rules, void (*told)(void *arg, const char *value), void *arg)
{
	const struct rules *r = rules;

	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].text)
			told(arg, r->list[i].text);
}

static const char *result_of(struct rules *r, const struct rule *rule, const struct text *groups,
	const char **why)
{
	if (rule->text)
		return rule->text;
	buf_clear(&r->out);
	if (template_expand(rule->result, groups, &r->out))
		return buf_text(&r->out);
	*why = "the result is too long";
	return NULL;
}

static const char *fail_at(struct rules *r, const struct rule *rule, const char *what, const char **why)
{
	buf_clear(&r->out);
	buf_fmt(&r->out, "line %u: %s", rule->number, what);
	*why = buf_text(&r->out);
	return NULL;
}

/* What the rule says of the key; whatever its groups matched is only asked for where the result needs it. */
static enum rules_match try(const struct rules *r, const struct rule *rule, struct text key,
	struct text *groups, const char **what)
{
	enum rules_match match = r->kind->match(rule->pattern, key.p, key.n, rule->result ? groups : NULL, what);

	if (rule->negated && (match == RULES_YES || match == RULES_NO))
		return match == RULES_YES ? RULES_NO : RULES_YES;
	return match;
}

const char *rules_get(void *rules, const char *key, size_t n, const char **why)
{
	struct rules *r = rules;
	struct text groups[TEMPLATE_GROUPS];
	const char *what = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const struct rule *rule = &r->list[i];
		enum rules_match match;

		if (rule->kind == RULE_ENDIF)
			continue;
		match = try(r, rule, text_make(key, n), groups, &what);
		if (match == RULES_ERROR)
			return fail_at(r, rule, what, why);
		if (match == RULES_YES && rule->kind == RULE_RESULT)
			return result_of(r, rule, groups, why);
		if (match != RULES_YES && rule->kind == RULE_IF)
			i = (size_t)rule->endif;
	}
	return NULL;
}
