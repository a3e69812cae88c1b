#include "daemon/config/config_expand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"

enum { DEPTH_MAX = 20 };

/* One expansion: where names are looked up and where the result goes. */
struct expansion {
	bool (*lookup)(void *arg, const char *name, struct buf *out, const char **why);
	void *arg;
	struct buf *out;
	const char **why;
	unsigned depth;
};

static bool expand(struct expansion *, struct text);

static bool refuse(struct expansion *e, const char *complaint)
{
	*e->why = complaint;
	return false;
}

static struct text take(struct text *from, size_t n)
{
	struct text part = text_make(from->p, n);

	*from = text_make(from->p + n, from->n - n);
	return part;
}

static struct text take_name(struct text *from)
{
	size_t n = 0;

	while (n < from->n && (isalnum((unsigned char)from->p[n]) || from->p[n] == '_'))
		n++;
	return take(from, n);
}

/* Takes "(…)" or "{…}" with what is nested in it; the part inside goes to *inner. */
static bool take_group(struct text *from, struct text *inner)
{
	char open = *from->p, close = open == '(' ? ')' : '}';
	size_t depth = 0;

	for (size_t i = 0; i < from->n; i++) {
		depth += from->p[i] == open;
		if (from->p[i] == close && --depth == 0) {
			*inner = text_make(from->p + 1, i - 1);
			take(from, i + 1);
			return true;
		}
	}
	return false;
}

static bool value_of(struct expansion *e, struct text name, struct buf *out)
{
	char *copy = mem_strn(name.p, name.n);
	bool found = e->lookup(e->arg, copy, out, e->why);

	free(copy);
	if (!found && out->over)
		return refuse(e, "the expanded value is too long");
	return found;
}

/* "text", "{text}", or "{text}:{other}" behind ? or :; the part that is meant when the condition holds or
 * does not. */
static bool branch(struct expansion *e, struct text body, bool holds)
{
	struct text first, second = text_make("", 0);
	struct text rest = text_trim(body);

	if (!rest.n || *rest.p != '{' || !take_group(&rest, &first))
		return !holds || expand(e, body);
	rest = text_trim(rest);
	if (rest.n) {
		if (*rest.p != ':')
			return refuse(e, "text behind the closing brace in ${name?{text}}");
		take(&rest, 1);
		second = rest = text_trim(rest);
		if (rest.n && *rest.p == '{' && (!take_group(&rest, &second) || rest.n))
			return refuse(e, "unbalanced braces in ${name?{text}:{text}}");
	}
	return expand(e, holds ? first : second);
}

/* ${domain_to_ascii{text}}; a domain that is none stays as it is. False: there is no such function here. */
static bool call(struct expansion *e, struct text name, struct text arguments, bool *good)
{
	char ascii[DOMAIN_SIZE];
	struct text inside, from = arguments;
	struct buf value;
	const char *why;

	if (!text_is(name, "domain_to_ascii") || !take_group(&from, &inside) || from.n)
		return false;
	buf_init(&value, e->out->max);
	*good = expand(&(struct expansion){ e->lookup, e->arg, &value, e->why, e->depth }, inside);
	buf_str(e->out, domain_to_ascii(text_of(buf_text(&value)), false, ascii, &why)
		? ascii : buf_text(&value));
	buf_free(&value);
	return true;
}

/* What stands between the parentheses or braces. */
static bool reference(struct expansion *e, struct text whole, struct text body)
{
	struct text inside = text_trim(body), name = take_name(&inside);
	struct buf value;
	bool good = true, empty;

	if (name.n == 0)
		return refuse(e, "a name is missing behind $ (a dollar is written $$)");
	inside = text_trim(inside);
	if (inside.n == 0)
		return value_of(e, name, e->out);
	if (*inside.p == '{')
		return call(e, name, inside, &good) ? good : buf_add(e->out, whole.p, whole.n);
	if (*inside.p != '?' && *inside.p != ':')
		return refuse(e, "what stands in ${…} is not a name");
	buf_init(&value, e->out->max);
	good = value_of(e, name, &value);
	empty = value.len == 0;
	buf_free(&value);
	if (!good)
		return false;
	return branch(e, text_make(inside.p + 1, inside.n - 1), (*inside.p == '?') != empty);
}

/* One thing that begins with a dollar, which is taken off already. */
static bool dollar(struct expansion *e, struct text *from)
{
	struct text whole = text_make(from->p - 1, 1), body;

	if (from->n && *from->p == '$') {
		take(from, 1);
		return buf_char(e->out, '$');
	}
	if (!from->n || (*from->p != '(' && *from->p != '{')) {
		body = take_name(from);
	} else if (!take_group(from, &body)) {
		return refuse(e, "unbalanced braces behind $");
	}
	whole.n = (size_t)(from->p - whole.p);
	return reference(e, whole, body);
}

static bool expand(struct expansion *e, struct text text)
{
	struct text plain;
	bool good = e->depth++ < DEPTH_MAX || refuse(e, "nested too deeply");

	while (good && text_until(&text, '$', &plain)) {
		buf_add(e->out, plain.p, plain.n);
		good = dollar(e, &text);
	}
	buf_add(e->out, text.p, text.n);
	e->depth--;
	if (good && e->out->over)
		good = refuse(e, "the expanded value is too long");
	return good;
}

bool config_expand(const char *text, bool (*lookup)(void *arg, const char *name, struct buf *out,
	const char **why), void *arg,
	struct buf *out, const char **why)
{
	struct expansion e = { .lookup = lookup, .arg = arg, .out = out, .why = why };

	return expand(&e, text_of(text));
}
