#include "format/rewriting/check_action.h"

#include <string.h>

static const struct {
	const char *name, *word;
	enum check_kind kind;
	bool text;                   /* is nothing without its text */
} actions[] = {
	{ "DUNNO", NULL, CHECK_DUNNO, false },
	{ "OK", NULL, CHECK_DUNNO, false },
	{ "IGNORE", NULL, CHECK_IGNORE, false },
	{ "STRIP", "strip", CHECK_STRIP, false },
	{ "WARN", "warning", CHECK_WARN, false },
	{ "INFO", "info", CHECK_INFO, false },
	{ "REPLACE", "replace", CHECK_REPLACE, true },
	{ "PREPEND", "prepend", CHECK_PREPEND, true },
};

#define COUNT (sizeof actions / sizeof *actions)

static bool refuse(const char **why, const char *complaint)
{
	*why = complaint;
	return false;
}

/* At its front: blanks at the end are part of a text. */
static bool is_blank(struct text t)
{
	return t.n && (*t.p == ' ' || *t.p == '\t');
}

/* Whether it begins with the name of a field and a colon (RFC 5322 section 2.2), blanks between them
 * allowed. */
static bool is_field(struct text t)
{
	struct text name;

	if (!text_until(&t, ':', &name))
		return false;
	while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	return name.n > 0;
}

bool check_action_read(const char *result, bool header, struct check_action *a, const char **why)
{
	struct text rest = text_of(result), name = text_of("");
	struct check_action read;
	size_t i = 0;

	text_word(&rest, &name);
	while (i < COUNT && !text_is_nocase(name, actions[i].name))
		i++;
	if (i == COUNT)
		return refuse(why, "there is no such action where mail is delivered");
	while (is_blank(rest))
		rest = text_make(rest.p + 1, rest.n - 1);
	read = (struct check_action){ actions[i].kind, rest };
	if (actions[i].text && read.text.n == 0)
		return refuse(why, "the action is nothing without a text");
	if (actions[i].text && header && !is_field(read.text))
		return refuse(why, "the text is not \"name: value\"");
	*a = read;
	return true;
}

const char *check_action_word(enum check_kind kind)
{
	for (size_t i = 0; i < COUNT; i++)
		if (actions[i].kind == kind)
			return actions[i].word;
	return NULL;
}
