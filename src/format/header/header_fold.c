#include "format/header/header_fold.h"

#include <string.h>

#include "format/header/mime_field.h"

/* Places of a line, counted from its first byte; 0: none. */
struct places {
	size_t blank;         /* the first of some blanks behind a word */
	size_t mark;          /* behind a comma or semicolon */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What a field is known by: its name and colon, or "From " of the line that mailboxes have. */
static size_t head_length(struct text field)
{
	size_t n = 0;

	if (mime_field_begins(field))
		return (size_t)(mime_field_value(field).p - field.p);
	while (n < field.n && !is_blank(field.p[n]))
		n++;
	return n < field.n && n > 0 ? n + 1 : 0;
}

void header_fold_begin(struct header_fold *f, struct text field, uint64_t limit)
{
	*f = (struct header_fold){ .left = field, .limit = limit, .head = head_length(field) };
}

static bool is_mark(char c)
{
	return c == ',' || c == ';';
}

/* The line without its end and the blanks ahead of that, which no fold may leave alone. */
static struct text words_of(struct text line)
{
	while (line.n && strchr(" \t\r\n", line.p[line.n - 1]) && line.p[line.n - 1])
		line.n--;
	return line;
}

/* Goes over a byte; whether it stands in quotes, or is one. */
static bool see_quotes(bool *in_quotes, struct text line, size_t *i)
{
	bool was = *in_quotes;

	if (line.p[*i] == '"')
		*in_quotes = !was;
	else if (was && line.p[*i] == '\\' && *i + 1 < line.n)
		++*i;
	return was || *in_quotes;
}

/* A blank, unless it leaves less than half a line where a mark leaves more. */
static size_t choose(const struct places *p, uint64_t limit)
{
	return p->mark == 0 || (p->blank && p->blank >= limit / 2) ? p->blank : p->mark;
}

/* The last place that leaves a line of the limit; if there is none, the first one behind; 0: none at all. */
static size_t find_place(const struct header_fold *f, struct text words, uint64_t limit)
{
	struct places p = { 0 };
	bool in_quotes = f->in_quotes, behind_word = false, found = false;

	for (size_t i = 0; i < words.n && !(found && i > limit); i++) {
		bool blank = is_blank(words.p[i]);

		if (blank && behind_word && i >= f->head)
			p.blank = i;
		behind_word = !blank;
		found = p.blank || p.mark;
		if (see_quotes(&in_quotes, words, &i) || !is_mark(words.p[i]) || i + 1 == words.n || i < f->head)
			continue;
		if (i < limit || !found)
			p.mark = i + 1;
	}
	return choose(&p, limit);
}

static void next_line(struct header_fold *f)
{
	const char *lf = memchr(f->left.p, '\n', f->left.n);

	f->line = text_make(f->left.p, lf ? (size_t)(lf - f->left.p) + 1 : f->left.n);
	f->left = text_make(f->left.p + f->line.n, f->left.n - f->line.n);
	f->indented = false;
}

bool header_fold_next(struct header_fold *f, struct text *piece, const char **fold)
{
	struct text words;
	uint64_t limit;
	size_t n;

	if (f->line.n == 0 && f->left.n == 0)
		return false;
	if (f->line.n == 0)
		next_line(f);
	words = words_of(f->line);
	limit = f->limit - f->indented;
	n = words.n > limit ? find_place(f, words, limit) : 0;
	*fold = n == 0 ? "" : is_blank(f->line.p[n]) ? "\r\n" : "\r\n ";
	*piece = text_make(f->line.p, n ? n : f->line.n);
	for (size_t i = 0; i < piece->n; i++)
		see_quotes(&f->in_quotes, *piece, &i);
	f->head = 0;
	f->indented = strcmp(*fold, "\r\n ") == 0;
	f->line = text_make(f->line.p + piece->n, f->line.n - piece->n);
	return true;
}
