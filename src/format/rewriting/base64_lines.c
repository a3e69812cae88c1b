#include "format/rewriting/base64_lines.h"

#include <string.h>

enum { LINE = 76, GROUP = 3 };

/* What is held as four characters, padded if it is no whole group. */
static void put_group(struct base64_lines *b, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *h = b->held;
	char group[4];

	memset(b->held + b->n, 0, GROUP - b->n);
	group[0] = digits[h[0] >> 2];
	group[1] = digits[(h[0] & 3) << 4 | h[1] >> 4];
	group[2] = b->n > 1 ? digits[(h[1] & 15) << 2 | h[2] >> 6] : '=';
	group[3] = b->n > 2 ? digits[h[2] & 63] : '=';
	buf_add(out, group, sizeof group);
	b->n = 0;
	b->column += sizeof group;
	if (b->column < LINE)
		return;
	buf_str(out, "\r\n");
	b->column = 0;
}

static void put(struct base64_lines *b, struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		b->held[b->n++] = (unsigned char)t.p[i];
		if (b->n == GROUP)
			put_group(b, out);
	}
}

bool base64_lines_add(struct base64_lines *b, struct text t, struct buf *out)
{
	if (t.n && b->crlf)
		put(b, text_of("\r\n"), out);
	if (t.n)
		b->crlf = t.n >= 2 && memcmp(t.p + t.n - 2, "\r\n", 2) == 0;
	if (b->crlf)
		t.n -= 2 * (t.n > 0);
	put(b, t, out);
	return !out->over;
}

bool base64_lines_end(struct base64_lines *b, bool with_crlf, struct buf *out)
{
	if (b->crlf && with_crlf)
		put(b, text_of("\r\n"), out);
	if (b->n)
		put_group(b, out);
	if (b->column)
		buf_str(out, "\r\n");
	*b = (struct base64_lines){ .n = 0 };
	return !out->over;
}
