#include "format/content/line_cut.h"

#include <string.h>

/* Where lines are short, one look back over the end of each kilobyte finds its last LF. */
void line_lengths_see(struct line_lengths *l, struct text t)
{
	while (t.n && !l->has_long) {
		size_t room = LINE_LONG + strlen("\r\n") - (size_t)l->column;
		size_t n = t.n < room ? t.n : room;
		const char *lf = memrchr(t.p, '\n', n);

		l->has_long = !lf && n == room;
		if (lf)
			n = (size_t)(lf - t.p) + 1;
		l->column = lf ? 0 : l->column + n;
		t = text_make(t.p + n, t.n - n);
	}
}

void line_cut_begin(struct line_cut *c, uint64_t limit)
{
	*c = (struct line_cut){ .limit = limit };
}

static bool is_end(char byte)
{
	return byte == '\r' || byte == '\n';
}

static bool goes_on(char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Bytes of a character that a byte begins, if the right ones follow it. */
static size_t length_begun(char byte)
{
	unsigned char c = (unsigned char)byte;

	return c < 0xc2 || c > 0xf4 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Bytes at the front that stay together; 0 if that depends on those that are still to come. */
static size_t unit(struct text t)
{
	size_t length = length_begun(*t.p), n = 1;

	while (n < length && n < t.n && goes_on(t.p[n]))
		n++;
	if (n == length)
		return length;
	return n == t.n ? 0 : 1;
}

/* Bytes in ASCII that still fit in the line. */
static size_t run(const struct line_cut *c, struct text t)
{
	uint64_t room = c->column < c->limit ? c->limit - c->column : 1;
	size_t n = 1;

	while (n < t.n && n < room && (unsigned char)t.p[n] < 0x80 && !is_end(t.p[n]))
		n++;
	return n;
}

/* Bytes of a line that stay together. */
static void put(struct line_cut *c, const char *bytes, size_t n, struct buf *out)
{
	if (c->column + n > c->limit && c->column > c->cut_column) {
		buf_str(out, "\r\n ");
		c->column = c->cut_column = 1;
		c->cut = true;
	}
	buf_add(out, bytes, n);
	c->column += n;
	c->inside = true;
}

/* The beginning of a character that waits, and its rest; what turns out to be none goes byte by byte. */
static void put_held(struct line_cut *c, struct text *t, struct buf *out)
{
	size_t n = unit(text_make(c->held, c->held_n));

	while (n == 0 && t->n && goes_on(*t->p)) {
		c->held[c->held_n++] = *t->p;
		*t = text_make(t->p + 1, t->n - 1);
		n = unit(text_make(c->held, c->held_n));
	}
	if (n == 0 && t->n == 0)
		return;
	for (size_t i = 0; i < c->held_n; i += n ? n : 1)
		put(c, c->held + i, n ? n : 1, out);
	c->held_n = 0;
}

/* The first byte of a line that is none of its characters: a stuffed dot, or of its end. */
static void put_mark(struct line_cut *c, char byte, struct buf *out)
{
	if (is_end(byte))
		c->column = c->cut_column = 0;
	c->inside = byte != '\n';
	buf_char(out, byte);
}

bool line_cut_add(struct line_cut *c, struct text t, struct buf *out)
{
	if (c->held_n)
		put_held(c, &t, out);
	while (t.n) {
		size_t n = 1;

		if (is_end(*t.p) || (!c->inside && *t.p == '.')) {
			put_mark(c, *t.p, out);
		} else {
			n = (unsigned char)*t.p < 0x80 ? run(c, t) : unit(t);
			if (n == 0) {
				memcpy(c->held, t.p, t.n);
				c->held_n = t.n;
				break;
			}
			put(c, t.p, n, out);
		}
		t = text_make(t.p + n, t.n - n);
	}
	return !out->over;
}
