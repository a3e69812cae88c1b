#include "format/header/address_header.h"

#include <string.h>

#include "format/address/address.h"

/* Room for a local part before it is quoted; longer addresses are none. */
enum { LOCAL_MAX = 2 * ADDRESS_MAX };

void address_header_init(struct address_header *h)
{
	*h = (struct address_header){ .fresh = true };
	buf_init(&h->plain, LOCAL_MAX);
	buf_init(&h->address, ADDRESS_MAX);
}

void address_header_free(struct address_header *h)
{
	buf_free(&h->plain);
	buf_free(&h->address);
}

void address_header_begin(struct address_header *h, struct text value)
{
	h->rest = value;
	h->list_until = value.p;
	h->fresh = true;
}

/* --- tokens --- */

static bool at_char(struct text t, char c)
{
	return t.n && *t.p == c;
}

static bool at_one_of(struct text t, const char *chars)
{
	return t.n && *t.p && strchr(chars, *t.p);
}

static void skip(struct text *t, size_t n)
{
	*t = text_make(t->p + n, t->n - n);
}

static bool take(struct text *t, char c)
{
	if (!at_char(*t, c))
		return false;
	skip(t, 1);
	return true;
}

/* out may be NULL: of no interest. */
static void put(struct buf *out, const char *bytes, size_t n)
{
	if (out)
		buf_add(out, bytes, n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters of a word outside quotes; the specials of RFC 5322 section 3.2.3 are none. */
static bool is_atom(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u > ' ' && u < 0x7f && !strchr("()<>[]:;@\\,.\"", c));
}

/* Behind an opening parenthesis, to behind the one that closes it, or to the end. */
static void skip_comment(struct text *t)
{
	size_t depth = 1;

	while (t->n && depth > 0) {
		if (take(t, '\\')) {
			skip(t, t->n > 0);
			continue;
		}
		depth += at_char(*t, '(');
		depth -= at_char(*t, ')');
		skip(t, 1);
	}
}

/* Blanks, folds and comments. */
static void skip_space(struct text *t)
{
	while (t->n) {
		if (take(t, '('))
			skip_comment(t);
		else if (is_blank(*t->p))
			skip(t, 1);
		else
			return;
	}
}

/* Behind an opening quote, to behind the closing one; what is inside, without backslashes and folds,
 * goes to out. False if it does not end. */
static bool take_quoted(struct text *t, struct buf *out)
{
	while (!take(t, '"')) {
		take(t, '\\');
		if (t->n == 0)
			return false;
		if (*t->p != '\r' && *t->p != '\n')
			put(out, t->p, 1);
		skip(t, 1);
	}
	return true;
}

static bool take_atom(struct text *t, struct buf *out)
{
	size_t n = 0;

	while (n < t->n && is_atom(t->p[n]))
		n++;
	put(out, t->p, n);
	skip(t, n);
	return n > 0;
}

/* "[…]" without blanks, and without what divides a list: an address ends there even if a bracket was
 * forgotten. Dots behind it are a mistake that is let pass. */
static bool take_literal(struct text *t, struct buf *out)
{
	size_t n;

	for (n = 1; n < t->n && (is_atom(t->p[n]) || t->p[n] == ':' || t->p[n] == '.'); n++)
		;
	if (n >= t->n || t->p[n] != ']')
		return false;
	put(out, t->p, n + 1);
	skip(t, n + 1);
	while (take(t, '.'))
		;
	return true;
}

/* Anything that is one unit: a quoted string, an atom, a character. */
static void skip_token(struct text *t)
{
	if (take(t, '"'))
		take_quoted(t, NULL);
	else if (!take_atom(t, NULL))
		skip(t, 1);
}

/* --- addresses --- */

static bool take_word(struct text *t, struct buf *out, bool quotes)
{
	return quotes && take(t, '"') ? take_quoted(t, out) : take_atom(t, out);
}

/* Words with dots between them, in plain form, where mistakes with dots are let pass; false if there is
 * none. */
static bool take_words(struct text *t, struct buf *out, bool quotes)
{
	struct text at = *t;
	bool dot = true, any = false;

	while (dot) {
		if (take_word(&at, out, quotes)) {
			any = true;
			*t = at;
		}
		dot = false;
		for (skip_space(&at); take(&at, '.'); skip_space(&at)) {
			put(out, ".", 1);
			dot = true;
			*t = at;
		}
	}
	return any;
}

/* A domain without a dot at its end. */
static bool take_domain(struct text *t, struct buf *out)
{
	if (at_char(*t, '['))
		return take_literal(t, out);
	if (!take_words(t, out, false))
		return false;
	if (out && out->len && out->data[out->len - 1] == '.')
		out->data[--out->len] = '\0';
	return true;
}

/* "@a,@b:", which counts for nothing (RFC 5322 section 4.4); nothing is taken if it is not one. */
static void skip_route(struct text *t)
{
	struct text at = *t;

	while (take(&at, '@')) {
		skip_space(&at);
		if (!take_domain(&at, NULL))
			return;
		for (skip_space(&at); take(&at, ','); skip_space(&at))
			;
	}
	if (at.n < t->n && take(&at, ':')) {
		*t = at;
		skip_space(t);
	}
}

/* Whether nothing sticks to what was read. */
static bool ends_here(struct text t)
{
	return t.n == 0 || !(is_atom(*t.p) || at_one_of(t, "\"[@\\"));
}

static bool put_local(struct address_header *h)
{
	buf_clear(&h->address);
	return !h->plain.over && address_quote(text_make(buf_text(&h->plain), h->plain.len), &h->address);
}

/* An address at the front: `at` is where it stands. A local part counts by itself if alone says so and
 * nothing but the end of its element follows. Something is taken in any case, if it is only words. */
static bool take_address(struct address_header *h, bool alone)
{
	const char *begin = h->rest.p, *ignored;
	struct text ahead;
	bool good;

	buf_clear(&h->plain);
	good = take_words(&h->rest, &h->plain, true) && put_local(h);
	ahead = h->rest;
	skip_space(&ahead);
	if (good && take(&ahead, '@')) {
		skip_space(&ahead);
		buf_char(&h->address, '@');
		good = take_domain(&ahead, &h->address) && ends_here(ahead);
		h->rest = ahead;
	} else if (good) {
		good = alone && (ahead.n == 0 || at_one_of(ahead, ",;>"));
	}
	h->at = text_make(begin, (size_t)(h->rest.p - begin));
	return good && !h->address.over
		&& address_check(text_make(h->address.data, h->address.len), &ignored);
}

/* Behind "<". */
static bool take_angle(struct address_header *h)
{
	const char *begin;
	bool good;

	skip_space(&h->rest);
	begin = h->rest.p;
	skip_route(&h->rest);
	good = take_address(h, true);
	if (good)
		h->at = text_make(begin, (size_t)(h->at.p + h->at.n - begin));
	return good;
}

/* --- the list --- */

/* Looks whether this element has a "<", or is the name of a group: then its name is skipped to there.
 * If not, it is to be read up to list_until. */
static void skip_name(struct address_header *h)
{
	struct text at = h->rest;
	bool mailbox = false;

	while (at.n && !at_one_of(at, "<,;")) {
		if (at_char(at, ':') && !mailbox) {
			skip(&at, 1);
			h->rest = at;
			h->fresh = true;
			return;
		}
		mailbox = mailbox || at_char(at, '@');
		skip_token(&at);
		skip_space(&at);
	}
	if (at_char(at, '<'))
		h->rest = at;
	else
		h->list_until = at.p;
}

/* What is no address spoils the rest of its element: no part of it is taken for one. */
static void skip_element(struct address_header *h)
{
	for (skip_space(&h->rest); h->rest.n && !at_one_of(h->rest, "<,;"); skip_space(&h->rest))
		skip_token(&h->rest);
}

/* One step; true if it found an address. */
static bool step(struct address_header *h)
{
	bool fresh = h->fresh;
	size_t before = h->rest.n;

	h->fresh = at_char(h->rest, ',') || at_char(h->rest, ';');
	if (h->fresh)
		skip(&h->rest, 1);
	else if (!at_char(h->rest, '<') && h->rest.p >= h->list_until)
		skip_name(h);
	if (h->rest.n < before)
		return false;
	if (take(&h->rest, '<') ? take_angle(h) : take_address(h, fresh))
		return true;
	skip_element(h);
	return false;
}

bool address_header_next(struct address_header *h)
{
	for (skip_space(&h->rest); h->rest.n; skip_space(&h->rest))
		if (step(h))
			return true;
	return false;
}

bool address_header_is(struct text name)
{
	static const char *const names[] = {
		"From", "To", "Cc", "Bcc", "Sender", "Reply-To",
		"Resent-From", "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-Sender",
		"Resent-Reply-To", "Errors-To", "Return-Path", "Return-Receipt-To",
		"Disposition-Notification-To", "Mail-Followup-To", "Apparently-To",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is_nocase(name, names[i]))
			return true;
	return false;
}
