#include "format/content/content.h"

#include <assert.h>
#include <string.h>

enum {
	AT_START,       /* behind a line end of the file */
	AT_DOT,         /* behind a dot there, which has not come out */
	AT_DOT_CR,      /* behind a dot and CR there in a CRLF file, neither has come out */
	AT_WIRE_START,  /* behind a bare LF in a CRLF file: a line of the wire begins, none of the file */
	AT_INSIDE,
	AT_CR           /* behind a CR that has not come out */
};

/* Input looked at in one call. What comes out is at most twice as long, and a few bytes held from the
 * call before. */
enum { SLICE_MAX = 32 * 1024, OUT_MAX = 2 * SLICE_MAX + 16 };

void content_init(struct content *c)
{
	*c = (struct content){ 0 };
	buf_init(&c->out, OUT_MAX);
}

void content_free(struct content *c)
{
	buf_free(&c->out);
}

void content_begin(struct content *c, bool crlf)
{
	c->crlf = crlf;
	c->changed = false;
	c->lines = 0;
	c->at = AT_START;
}

enum { FOLD_COLUMNS = 76 };

static void take(struct text *t, size_t n)
{
	t->p += n;
	t->n -= n;
}

static void take_lf(struct content *c, struct text *t)
{
	take(t, 1);
	c->lines++;
}

static void start_copying(struct content *c)
{
	if (c->copying)
		return;
	c->copying = true;
	buf_clear(&c->out);
	buf_add(&c->out, c->kept.p, c->kept.n);
}

/* Puts out bytes that do not stand like this at this place in the slice. */
static void put(struct content *c, const char *bytes)
{
	start_copying(c);
	buf_str(&c->out, bytes);
}

/* Puts out bytes of the slice. */
static void keep(struct content *c, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (!c->copying && c->kept.n && c->kept.p + c->kept.n != p)
		start_copying(c);
	if (c->copying)
		buf_add(&c->out, p, n);
	else if (c->kept.n)
		c->kept.n += n;
	else
		c->kept = text_make(p, n);
}

static void put_changed(struct content *c, const char *bytes)
{
	c->changed = true;
	put(c, bytes);
}

/* Puts out the bytes s, which end before t and may have begun in an earlier slice. */
static void put_held(struct content *c, struct text t, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(t.p - c->slice) >= n)
		keep(c, t.p - n, n);
	else
		put(c, s);
}

/* Takes whole lines that stand in the file as they do on the wire, the bulk of most files. */
static void take_plain_lines(struct content *c, struct text *t)
{
	const char *start = t->p;

	while (t->n && *t->p != '.') {
		const char *lf = memchr(t->p, '\n', t->n);
		size_t n = lf ? (size_t)(lf - t->p) : 0;

		if (n == 0 || t->p[n - 1] != '\r' || memchr(t->p, '\r', n - 1))
			break;
		take(t, n);
		take_lf(c, t);
	}
	keep(c, start, (size_t)(t->p - start));
}

static void step_start(struct content *c, struct text *t)
{
	if (c->crlf)
		take_plain_lines(c, t);
	if (!t->n)
		return;
	if (*t->p != '.') {
		c->at = AT_INSIDE;
		return;
	}
	take(t, 1);
	c->at = AT_DOT;
}

/* True at the end-of-data line. */
static bool step_dot(struct content *c, struct text *t)
{
	char next = *t->p;

	if (!c->crlf && next == '\n') {
		take_lf(c, t);
		return true;
	}
	if (c->crlf && next == '\r') {
		take(t, 1);
		c->at = AT_DOT_CR;
		return false;
	}
	if (next == '.') {
		take(t, 1);
		put_held(c, *t, "..");
		c->at = AT_INSIDE;
		return false;
	}
	c->changed = true;
	c->at = AT_INSIDE;
	return false;
}

static bool step_dot_cr(struct content *c, struct text *t)
{
	if (*t->p == '\n') {
		take_lf(c, t);
		return true;
	}
	put_changed(c, " ");
	c->at = AT_INSIDE;
	return false;
}

static void step_wire_start(struct content *c, struct text *t)
{
	if (*t->p == '.')
		put_changed(c, ".");
	c->at = AT_INSIDE;
}

static void step_cr(struct content *c, struct text *t)
{
	if (*t->p != '\n') {
		put_changed(c, " ");
		c->at = AT_INSIDE;
		return;
	}
	take_lf(c, t);
	put_held(c, *t, "\r\n");
	c->at = AT_START;
}

/* Bytes inside a line, without LF; a CR among them becomes a blank. */
static void put_inside(struct content *c, struct text t)
{
	const char *cr;

	while (t.n && (cr = memchr(t.p, '\r', t.n))) {
		size_t n = (size_t)(cr - t.p);

		keep(c, t.p, n);
		put_changed(c, " ");
		take(&t, n + 1);
	}
	keep(c, t.p, t.n);
}

static void step_inside(struct content *c, struct text *t)
{
	const char *lf = memchr(t->p, '\n', t->n);
	size_t n = lf ? (size_t)(lf - t->p) : t->n;
	bool cr = n && t->p[n - 1] == '\r';

	put_inside(c, text_make(t->p, n - cr));
	take(t, n);
	if (cr || !lf) {
		c->at = cr ? AT_CR : AT_INSIDE;
		return;
	}
	take_lf(c, t);
	put_changed(c, "\r\n");
	c->at = c->crlf ? AT_WIRE_START : AT_START;
}

static bool step(struct content *c, struct text *t)
{
	switch (c->at) {
	case AT_START:
		step_start(c, t);
		return false;
	case AT_DOT:
		return step_dot(c, t);
	case AT_DOT_CR:
		return step_dot_cr(c, t);
	case AT_WIRE_START:
		step_wire_start(c, t);
		return false;
	case AT_CR:
		step_cr(c, t);
		return false;
	default:
		step_inside(c, t);
		return false;
	}
}

bool content_next(struct content *c, struct text *slice, struct text *piece)
{
	struct text t = text_make(slice->p, slice->n < SLICE_MAX ? slice->n : SLICE_MAX);
	bool end = false;

	c->slice = t.p;
	c->kept = text_make(t.p, 0);
	c->copying = false;
	while (t.n && !end)
		end = step(c, &t);
	if (end && c->crlf)
		put_held(c, t, ".\r\n");
	else if (end)
		put_changed(c, ".\r\n");
	assert(!c->out.over);
	take(slice, (size_t)(t.p - slice->p));
	*piece = c->copying ? text_make(c->out.data, c->out.len) : c->kept;
	return end;
}

/* How much of t goes on a line: up to the last blank before column `room`, or all of a longer word, which
 * is cut at 900 bytes. */
static size_t fold_at(struct text t, size_t room)
{
	enum { WORD_MAX = 850 };
	size_t n, blank = 0;

	for (n = 0; n < t.n && n < WORD_MAX && !(blank && n > room); n++)
		if (t.p[n] == ' ' && n)
			blank = n;
	if (n == t.n && n <= room)
		return n;
	if (blank)
		return blank;
	while (n < t.n && n && (t.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* Cleaned text on one line. */
static void add_one_line(struct text t, struct buf *out)
{
	struct text line;

	while (text_until(&t, '\n', &line)) {
		text_clean(line, line.n, out);
		buf_char(out, ' ');
	}
	text_clean(t, t.n, out);
}

bool content_add_folded(const char *first, const char *rest, struct text t, struct buf *out)
{
	struct buf clean;
	struct text left;

	buf_init(&clean, t.n + sizeof "...");
	add_one_line(t, &clean);
	left = text_trim(text_make(buf_text(&clean), clean.len));
	do {
		size_t indent = strlen(first);
		size_t n = fold_at(left, indent < FOLD_COLUMNS ? FOLD_COLUMNS - indent : 1);

		buf_str(out, *first ? first : left.n && *left.p == '.' ? "." : "");
		buf_add(out, left.p, n);
		buf_str(out, "\r\n");
		take(&left, n);
		left = text_trim(left);
		first = rest;
	} while (left.n);
	buf_free(&clean);
	return !out->over;
}

struct text content_header(struct text wire)
{
	struct text rest = wire, line;

	while (text_until(&rest, '\n', &line))
		if (line.n <= 1)
			return text_make(wire.p, (size_t)(line.p - wire.p));
	return wire;
}
