#include "format/line_cut.h"

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

/* Bytes that belong to the line at hand, as many as still fit, but one at least; in wire form CR stands ahead
 * of LF only. */
static size_t run(const struct line_cut *c, struct text t)
{
	const char *cr = memchr(t.p, '\r', t.n);
	uint64_t room = c->column < c->limit ? c->limit - c->column : 1;
	size_t n = cr ? (size_t)(cr - t.p) : t.n;

	return n < room ? n : (size_t)room;
}

bool line_cut_add(struct line_cut *c, struct text t, struct buf *out)
{
	while (t.n) {
		size_t n = 1;

		if (is_end(*t.p)) {
			c->column = 0;
			c->inside = *t.p == '\r';
		} else if (!c->inside && *t.p == '.') {
			c->inside = true;
		} else {
			if (c->column >= c->limit) {
				buf_str(out, "\r\n ");
				c->column = 1;
				c->cut = true;
			}
			n = run(c, t);
			c->column += n;
			c->inside = true;
		}
		buf_add(out, t.p, n);
		t = text_make(t.p + n, t.n - n);
	}
	return !out->over;
}
