#include "format/rewriting/quoted_printable.h"

#include <ctype.h>
#include <string.h>

enum { ESCAPE = 3 };   /* bytes of =XX */

static const char hex[] = "0123456789ABCDEF";

bool qp_must_encode(unsigned char c)
{
	return (c < ' ' && c != '\t') || c > '~' || c == '=';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool at_line_end(struct text t)
{
	return t.n >= 2 && t.p[0] == '\r' && t.p[1] == '\n';
}

static void drop(struct text *t, size_t n)
{
	*t = text_make(t->p + n, t->n - n);
}

/* --- encoding --- */

static void put_escape(struct qp_encoder *q, char byte)
{
	unsigned char c = (unsigned char)byte;

	q->line[q->n++] = '=';
	q->line[q->n++] = hex[c >> 4];
	q->line[q->n++] = hex[c & 15];
}

static void put_line(struct qp_encoder *q, const char *end, struct buf *out)
{
	buf_add(out, q->line, q->n);
	buf_str(out, end);
	q->n = 0;
}

/* A blank at the end of a line might be lost on the way. */
static void end_line(struct qp_encoder *q, struct buf *out)
{
	if (q->n && is_blank(q->line[q->n - 1]))
		put_escape(q, q->line[--q->n]);
	put_line(q, "\r\n", out);
}

bool qp_encode(struct qp_encoder *q, struct text t, struct buf *out)
{
	while (t.n) {
		if (at_line_end(t)) {
			end_line(q, out);
			drop(&t, 2);
			continue;
		}
		if (q->n + ESCAPE >= q->most)
			put_line(q, "=\r\n", out);
		if (qp_must_encode((unsigned char)*t.p))
			put_escape(q, *t.p);
		else
			q->line[q->n++] = *t.p;
		drop(&t, 1);
	}
	return !out->over;
}

/* --- mending --- */

/* Bytes that must stay together. */
static void put(struct qp_mender *q, const char *bytes, size_t n, struct buf *out)
{
	if (q->column + n >= q->most) {
		buf_str(out, *bytes == '-' ? "=\r\n=2D" : "=\r\n");   /* lest a boundary stands there */
		q->column = *bytes == '-' ? ESCAPE : 0;
		bytes += *bytes == '-';
		n -= q->column > 0;
	}
	buf_add(out, bytes, n);
	q->column += n;
}

static void put_held(struct qp_mender *q, struct buf *out)
{
	size_t n = q->held_n;

	q->held_n = 0;
	if (n)
		put(q, q->held, n, out);
}

static void put_byte(struct qp_mender *q, char byte, struct buf *out)
{
	unsigned char c = (unsigned char)byte;
	char escape[ESCAPE] = { '=', hex[c >> 4], hex[c & 15] };

	if (c > 127 && q->seven_bit)
		put(q, escape, ESCAPE, out);
	else
		put(q, &byte, 1, out);
}

/* Whether the byte goes on with the escape that has begun; if it does not, that was none. */
static bool escapes(struct qp_mender *q, char byte, struct buf *out)
{
	char escape[ESCAPE] = { '=', q->held[1], byte };

	if (q->held_n == 0 && byte != '=')
		return false;
	if (q->held_n < sizeof q->held && (q->held_n == 0 || isxdigit((unsigned char)byte))) {
		q->held[q->held_n++] = byte;
		return true;
	}
	if (q->held_n == sizeof q->held && isxdigit((unsigned char)byte)) {
		q->held_n = 0;
		put(q, escape, ESCAPE, out);
		return true;
	}
	if (q->held_n == 1 && (unsigned char)byte > 127 && q->seven_bit) {
		q->held_n = 0;
		put(q, "=3D", ESCAPE, out);   /* lest it read as "==" */
	} else {
		put_held(q, out);
	}
	return escapes(q, byte, out);
}

bool qp_mend(struct qp_mender *q, struct text t, struct buf *out)
{
	while (t.n) {
		if (at_line_end(t)) {
			put_held(q, out);
			buf_str(out, "\r\n");
			q->column = 0;
			drop(&t, 2);
			continue;
		}
		if (!escapes(q, *t.p, out))
			put_byte(q, *t.p, out);
		drop(&t, 1);
	}
	return !out->over;
}
