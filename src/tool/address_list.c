#include "tool/address_list.h"

#include <string.h>

#include "base/buf.h"
#include "format/address/address.h"

/* A local part may be quoted character by character. */
enum { PART_MAX = 2 * ADDRESS_MAX };

enum token_kind { TOKEN_END, TOKEN_ATOM, TOKEN_QUOTED, TOKEN_LITERAL, TOKEN_SPECIAL, TOKEN_BAD };

struct token {
	enum token_kind kind;
	struct text t;      /* as it stands in the list; quoted strings with their quotes */
};

struct parser {
	struct text rest;
	struct token token;       /* the one at hand */
	const char *start;        /* of the element at hand */
	struct buf local, domain; /* of the address at hand: plain local part, domain in wire form */
	bool phrase;              /* words stand side by side: a name, no local part */
	bool word;                /* the token before was a word */
	void (*found)(void *arg, const char *address);
	void *arg;
	const char *why;
};

/* --- tokens ----------------------------------------------------------------------------------- */

static void skip(struct text *t, size_t n)
{
	*t = text_make(t->p + n, t->n - n);
}

/* Behind an opening parenthesis; false if the comment does not end. */
static bool skip_comment(struct text *t)
{
	for (size_t depth = 1; t->n; skip(t, 1)) {
		if (*t->p == '\\' && t->n > 1)
			skip(t, 1);
		else if (*t->p == '(')
			depth++;
		else if (*t->p == ')' && --depth == 0) {
			skip(t, 1);
			return true;
		}
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_blanks(struct text *t)
{
	while (t->n && (is_blank(*t->p) || *t->p == '(')) {
		bool comment = *t->p == '(';

		skip(t, 1);
		if (comment && !skip_comment(t))
			return false;
	}
	return true;
}

/* Bytes up to and with the closing character, beginning behind the opening one; 0 if it does not come. */
static size_t enclosed(struct text t, char close)
{
	for (size_t i = 1; i < t.n; i++) {
		if (t.p[i] == '\\')
			i++;
		else if (t.p[i] == close)
			return i + 1;
	}
	return 0;
}

static size_t atom_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] && !is_blank(t.p[n]) && !strchr("()<>[]:;@,.\"", t.p[n]))
		n++;
	return n;
}

static enum token_kind classify(struct text t, size_t *n)
{
	if (*t.p == '"' || *t.p == '[') {
		*n = enclosed(t, *t.p == '"' ? '"' : ']');
		return *n == 0 ? TOKEN_BAD : *t.p == '"' ? TOKEN_QUOTED : TOKEN_LITERAL;
	}
	*n = atom_length(t);
	if (*n)
		return TOKEN_ATOM;
	*n = 1;
	return TOKEN_SPECIAL;
}

static void advance(struct parser *p)
{
	size_t n = 0;

	p->token = (struct token){ TOKEN_END, text_make(p->rest.p, 0) };
	if (!skip_blanks(&p->rest)) {
		p->token.kind = TOKEN_BAD;
		return;
	}
	if (p->rest.n == 0)
		return;
	p->token.kind = classify(p->rest, &n);
	p->token.t = text_make(p->rest.p, n);
	skip(&p->rest, n);
}

static bool at(const struct parser *p, char special)
{
	return p->token.kind == TOKEN_SPECIAL && *p->token.t.p == special;
}

static bool at_word(const struct parser *p)
{
	return p->token.kind == TOKEN_ATOM || p->token.kind == TOKEN_QUOTED;
}

/* --- elements --------------------------------------------------------------------------------- */

static bool refuse(struct parser *p, const char *why)
{
	p->why = why;
	return false;
}

static void begin_element(struct parser *p)
{
	buf_clear(&p->local);
	buf_clear(&p->domain);
	p->phrase = p->word = false;
}

/* Adds a word or a dot to the local part. */
static void add_local(struct parser *p)
{
	if (p->token.kind == TOKEN_QUOTED)
		address_unquote(p->token.t, &p->local);
	else
		buf_add(&p->local, p->token.t.p, p->token.t.n);
	p->phrase = p->phrase || (p->word && at_word(p));
	p->word = at_word(p);
	advance(p);
}

static void take_local(struct parser *p)
{
	while (at_word(p) || at(p, '.'))
		add_local(p);
}

static void add_domain(struct parser *p)
{
	buf_add(&p->domain, p->token.t.p, p->token.t.n);
	advance(p);
}

/* Behind '@'. */
static void take_domain(struct parser *p)
{
	bool dot;

	do {
		if (p->token.kind == TOKEN_ATOM || p->token.kind == TOKEN_LITERAL)
			add_domain(p);
		dot = at(p, '.');
		if (dot)
			add_domain(p);
	} while (dot);
}

/* The address that was collected, in wire form. */
static bool report(struct parser *p)
{
	struct buf wire;
	bool good;

	buf_init(&wire, PART_MAX);
	good = !p->local.over && !p->domain.over &&
		address_quote(text_make(buf_text(&p->local), p->local.len), &wire);
	if (!good)
		refuse(p, "the address is too long, holds a control character or is not valid UTF-8");
	if (good && p->domain.len)
		good = buf_fmt(&wire, "@%s", buf_text(&p->domain)) || refuse(p, "the address is too long");
	good = good && address_check(text_of(buf_text(&wire)), &p->why);
	if (good)
		p->found(p->arg, buf_text(&wire));
	buf_free(&wire);
	return good;
}

/* local@domain or a local part alone, where the local part has been taken. */
static bool end_address(struct parser *p)
{
	bool domain = at(p, '@');

	if (p->token.kind == TOKEN_BAD)
		return refuse(p, "a comment, quoted string or literal does not end");
	if (p->local.len == 0)
		return refuse(p, "there is no local part");
	if (p->phrase)
		return refuse(p, "words stand side by side; with a name write: name <address>");
	if (domain) {
		advance(p);
		take_domain(p);
	}
	if (domain && p->domain.len == 0 && !p->domain.over)
		return refuse(p, "there is no domain behind the @");
	return report(p);
}

/* "@a,@b:" in front of an address has no meaning any more (RFC 5321 appendix C). */
static void skip_route(struct parser *p)
{
	while (at(p, '@') || at(p, ',')) {
		advance(p);
		take_domain(p);
	}
	buf_clear(&p->domain);
	if (at(p, ':'))
		advance(p);
}

/* Behind '<'. */
static bool take_angle(struct parser *p)
{
	begin_element(p);
	skip_route(p);
	take_local(p);
	if (!end_address(p))
		return false;
	if (!at(p, '>'))
		return refuse(p, "there is no > behind the address");
	advance(p);
	return true;
}

static bool at_end_of_element(const struct parser *p)
{
	return p->token.kind == TOKEN_END || at(p, ',') || at(p, ';');
}

static bool take_element(struct parser *p)
{
	bool good = true;

	begin_element(p);
	p->start = p->token.t.p;
	take_local(p);
	if (at(p, ':') && p->local.len) {
		advance(p);
		return true;
	}
	if (at(p, '<')) {
		advance(p);
		good = take_angle(p);
	} else if (p->local.len || !at_end_of_element(p)) {
		good = end_address(p);
	}
	return good && (at_end_of_element(p) || refuse(p, "something stands behind the address"));
}

static bool take_list(struct parser *p)
{
	advance(p);
	while (p->token.kind != TOKEN_END) {
		if (!take_element(p))
			return false;
		while (at(p, ',') || at(p, ';'))
			advance(p);
	}
	return true;
}

bool address_list(struct text list, void (*found)(void *arg, const char *address), void *arg,
	struct address_list_fault *fault)
{
	struct parser p = { .rest = list, .found = found, .arg = arg, .start = list.p };
	bool good;

	buf_init(&p.local, PART_MAX);
	buf_init(&p.domain, PART_MAX);
	good = take_list(&p);
	if (!good)
		*fault = (struct address_list_fault){
			text_make(p.start, (size_t)(p.rest.p - p.start)), p.why
		};
	buf_free(&p.local);
	buf_free(&p.domain);
	return good;
}
