#include "table/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Literal text, and the group that follows it; the last piece has none (0). */
struct piece {
	char *literal;
	unsigned group;
};

struct template {
	struct piece *pieces;
	size_t count;
	unsigned highest;
};

static struct text rest_from(struct text t, size_t n)
{
	return text_make(t.p + n, t.n - n);
}

/* What stands behind a dollar: a word, or whatever braces or parentheses hold. */
static struct text take_name(struct text *from)
{
	char close = from->n == 0 ? 0 : *from->p == '{' ? '}' : *from->p == '(' ? ')' : 0;
	struct text name;
	size_t n = 0;

	if (close) {
		*from = rest_from(*from, 1);
		return text_until(from, close, &name) ? name : text_make("", 0);
	}
	while (n < from->n && (isalnum((unsigned char)from->p[n]) || from->p[n] == '_'))
		n++;
	name = text_make(from->p, n);
	*from = rest_from(*from, n);
	return name;
}

static bool take_group(struct text *from, unsigned *group, char **why)
{
	struct text name = take_name(from), digits = name;
	uint64_t number;

	if (!text_number(&digits, UINT32_MAX, &number) || digits.n || number == 0)
		*why = mem_fmt("\"%.*s\" behind $ is no number of a group (a dollar is written $$)",
			(int)name.n, name.p);
	else if (number >= TEMPLATE_GROUPS)
		*why = mem_fmt("$%.*s: at most %d groups can be named", (int)name.n, name.p,
			TEMPLATE_GROUPS - 1);
	else
		*group = (unsigned)number;
	return *group != 0;
}

static void add_piece(struct template *t, struct buf *literal, unsigned group)
{
	t->pieces = mem_grow(t->pieces, t->count + 1, sizeof *t->pieces);
	t->pieces[t->count++] = (struct piece){ mem_str(buf_text(literal)), group };
	buf_clear(literal);
	if (group > t->highest)
		t->highest = group;
}

static bool read_pieces(struct template *t, struct text from, struct buf *literal, char **why)
{
	struct text plain;

	while (text_until(&from, '$', &plain)) {
		unsigned group = 0;

		buf_add(literal, plain.p, plain.n);
		if (from.n && *from.p == '$') {
			buf_char(literal, '$');
			from = rest_from(from, 1);
			continue;
		}
		if (!take_group(&from, &group, why))
			return false;
		add_piece(t, literal, group);
	}
	buf_add(literal, from.p, from.n);
	add_piece(t, literal, 0);
	return true;
}

struct template *template_new(struct text text, char **why)
{
	struct template *t = mem_alloc(sizeof *t);
	struct buf literal;
	bool fine;

	buf_init(&literal, text.n);
	fine = read_pieces(t, text, &literal, why);
	buf_free(&literal);
	if (fine)
		return t;
	template_free(t);
	return NULL;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->pieces[i].literal);
	free(t->pieces);
	free(t);
}

unsigned template_highest(const struct template *t)
{
	return t->highest;
}

bool template_expand(const struct template *t, const struct text *groups, struct buf *out)
{
	for (size_t i = 0; i < t->count; i++) {
		struct text group = groups[t->pieces[i].group];

		buf_str(out, t->pieces[i].literal);
		if (t->pieces[i].group)
			buf_add(out, group.p, group.n);
	}
	return !out->over;
}
