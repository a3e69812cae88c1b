#include "format/header/mime_value.h"

#include <string.h>

/* Pieces of a parameter that are put together (RFC 2231 section 3); what comes behind them is not looked
 * at. */
enum { PIECES_MAX = 64 };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text behind(struct text t, size_t n)
{
	return text_make(t.p + n, t.n - n);
}

struct text mime_trim(struct text t)
{
	while (t.n && is_space(*t.p))
		t = behind(t, 1);
	while (t.n && is_space(t.p[t.n - 1]))
		t.n--;
	return t;
}

/* Bytes of the character that begins here, two behind a backslash. */
static size_t char_length(struct text t)
{
	return *t.p == '\\' && t.n > 1 ? 2 : 1;
}

/* Bytes of the quoted string that begins here, its quotes included. */
static size_t quoted_length(struct text t)
{
	size_t n = 1;

	while (n < t.n && t.p[n] != '"')
		n += char_length(behind(t, n));
	return n < t.n ? n + 1 : t.n;
}

/* Bytes of the comment that begins here, with those inside it; 0 if it has no end. */
static size_t comment_length(struct text t)
{
	unsigned depth = 0;

	for (size_t n = 0; n < t.n; n += char_length(behind(t, n))) {
		depth += t.p[n] == '(';
		depth -= t.p[n] == ')';
		if (depth == 0)
			return n + 1;
	}
	return 0;
}

/* Bytes of the quoted string or comment that begins here, or of another character. */
static size_t element_length(struct text t)
{
	size_t comment = *t.p == '(' ? comment_length(t) : 0;

	return *t.p == '"' ? quoted_length(t) : comment ? comment : 1;
}

static size_t length_to_semicolon(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] != ';')
		n += element_length(behind(t, n));
	return n;
}

struct text mime_value_first(struct text *value)
{
	size_t n = length_to_semicolon(*value), semicolon = n < value->n;
	struct text first = mime_trim(text_make(value->p, n));

	*value = behind(*value, n + semicolon);
	return first;
}

bool mime_parameter_next(struct text *rest, struct text *name, struct text *raw)
{
	while (rest->n) {
		*raw = mime_value_first(rest);
		if (!text_until(raw, '=', name))
			continue;
		*name = mime_trim(*name);
		*raw = mime_trim(*raw);
		return true;
	}
	return false;
}

void mime_unquote(struct text raw, struct buf *out)
{
	bool quoted = raw.n && *raw.p == '"';
	size_t end = quoted ? quoted_length(raw) : raw.n;

	end -= quoted && end > 1 && raw.p[end - 1] == '"';
	for (size_t i = quoted; i < end; i++) {
		if (quoted && raw.p[i] == '\\' && i + 1 < end)
			i++;
		if (raw.p[i] != '\r' && raw.p[i] != '\n')
			buf_char(out, raw.p[i]);
	}
}

struct text mime_without_comments(struct text t)
{
	const char *comment;
	size_t n;

	t = mime_trim(t);
	while (t.n && *t.p == '(' && (n = comment_length(t)) > 0)
		t = mime_trim(behind(t, n));
	comment = t.n ? memchr(t.p, '(', t.n) : NULL;
	if (comment)
		t.n = (size_t)(comment - t.p);
	return mime_trim(t);
}

/* --- parameters in pieces, and with a charset (RFC 2231) --- */

struct piece {
	struct text raw;       /* no bytes at NULL: there is no such piece */
	bool encoded;          /* with %XX; the first one begins with charset'language' */
};

struct pieces {
	struct piece whole;    /* name= or name*= */
	struct piece parts[PIECES_MAX];
};

/* The piece that a name is for; NULL: none of that parameter. "name", "name*", "name*0" and "name*0*" are. */
static struct piece *piece_of(struct pieces *p, struct text name, const char *of, bool *encoded)
{
	uint64_t number;

	*encoded = name.n > 0 && name.p[name.n - 1] == '*';
	name.n -= *encoded;
	if (text_is_nocase(name, of))
		return &p->whole;
	if (!text_starts_nocase(name, of))
		return NULL;
	name = behind(name, strlen(of));
	if (name.n < 2 || *name.p != '*')
		return NULL;
	name = behind(name, 1);
	return text_number(&name, PIECES_MAX - 1, &number) && name.n == 0 ? &p->parts[number] : NULL;
}

/* Of several of a name the first counts, but name= before name*=, which not all readers know. */
static void gather(struct text rest, const char *of, struct pieces *p)
{
	struct text name, raw;
	struct piece *at;
	bool encoded;

	while (mime_parameter_next(&rest, &name, &raw)) {
		at = piece_of(p, name, of, &encoded);
		if (at && (!at->raw.p || (at == &p->whole && at->encoded && !encoded)))
			*at = (struct piece){ raw, encoded };
	}
}

static bool hex_digit(char c, unsigned *value)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	*value = at ? (unsigned)(at - digits) : 0;
	return at;
}

static void decode(struct text t, struct buf *out)
{
	unsigned high, low;

	for (; t.n; t = behind(t, 1)) {
		bool is_code = t.n > 2 && *t.p == '%' && hex_digit(t.p[1], &high) && hex_digit(t.p[2], &low);

		buf_char(out, is_code ? (char)(high << 4 | low) : *t.p);
		if (is_code)
			t = behind(t, 2);
	}
}

/* Without what stands ahead of the second apostrophe, if there are two. */
static struct text without_charset(struct text t)
{
	struct text rest = t, part;

	return text_until(&rest, '\'', &part) && text_until(&rest, '\'', &part) ? rest : t;
}

static void add_piece(const struct piece *p, bool first, struct buf *out)
{
	struct buf plain;
	struct text t;

	if (!p->encoded) {
		mime_unquote(p->raw, out);
		return;
	}
	buf_init(&plain, p->raw.n + 1);
	mime_unquote(p->raw, &plain);
	t = text_make(buf_text(&plain), plain.len);
	decode(first ? without_charset(t) : t, out);
	buf_free(&plain);
}

void mime_parameter(struct text rest, const char *name, struct buf *out)
{
	struct pieces p = { .whole = { .encoded = false } };
	size_t i;

	gather(rest, name, &p);
	if (p.whole.raw.p)
		add_piece(&p.whole, true, out);
	for (i = 0; i < PIECES_MAX && p.parts[i].raw.p && !p.whole.raw.p; i++)
		add_piece(&p.parts[i], i == 0, out);
}
