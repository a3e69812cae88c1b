#include "format/xtext.h"

#include <stdint.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the "+XX" at the front stands for, or -1. */
static int hex_byte(struct text t)
{
	int high, low;

	if (t.n < 3 || *t.p != '+')
		return -1;
	high = hex_value(t.p[1]);
	low = hex_value(t.p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

/* Takes one character, plain or encoded. */
static bool check_one(struct text *t, bool utf8)
{
	uint32_t code;
	int byte;

	if (utf8 && (unsigned char)*t->p >= 0x80)
		return text_utf8(t, &code) && code >= 0xa0;
	byte = is_plain(*t->p) ? 0 : hex_byte(*t);
	if (byte && (byte < ' ' || byte == 0x7f))
		return false;
	if (byte == 0 && !is_plain(*t->p))
		return false;
	*t = text_make(t->p + (byte ? 3 : 1), t->n - (byte ? 3 : 1));
	return true;
}

bool xtext_check(struct text t, bool utf8)
{
	while (t.n)
		if (!check_one(&t, utf8))
			return false;
	return true;
}

bool xtext_decode(struct text t, struct buf *out)
{
	while (t.n) {
		int byte = hex_byte(t);
		size_t used = byte < 0 ? 1 : 3;

		buf_char(out, byte < 0 ? *t.p : (char)byte);
		t = text_make(t.p + used, t.n - used);
	}
	return !out->over;
}

bool xtext_encode(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		if (is_plain(t.p[i]))
			buf_char(out, t.p[i]);
		else
			buf_fmt(out, "+%02X", (unsigned char)t.p[i]);
	}
	return !out->over;
}
