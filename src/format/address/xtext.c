#include "format/address/xtext.h"

#include <stdint.h>
#include <string.h>

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

void xtext_encode_utf8(struct text t, struct buf *out)
{
	uint32_t c;

	while (text_utf8(&t, &c))
		if (c < 0x7f && c != '\\' && is_plain((char)c))
			buf_char(out, (char)c);
		else
			buf_fmt(out, "\\x{%02X}", (unsigned)c);
}

/* Takes "\x{HEX}", two to six digits, off the front; 0: there is none, or it is not a character. */
static uint32_t take_hex_point(struct text *t)
{
	struct text at = *t;
	uint32_t code = 0;
	size_t digits = 0;

	if (at.n < 4 || memcmp(at.p, "\\x{", 3) != 0)
		return 0;
	for (at = text_make(at.p + 3, at.n - 3); at.n && digits < 7 && hex_value(*at.p) >= 0; digits++) {
		code = code << 4 | (uint32_t)hex_value(*at.p);
		at = text_make(at.p + 1, at.n - 1);
	}
	if (digits < 2 || digits > 6 || at.n == 0 || *at.p != '}')
		return 0;
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*t = text_make(at.p + 1, at.n - 1);
	return code;
}

static void add_utf8(uint32_t c, struct buf *out)
{
	const int follow = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	buf_char(out, (char)(lead[follow] | c >> 6 * follow));
	for (int i = follow; i-- > 0;)
		buf_char(out, (char)(0x80 | (c >> 6 * i & 0x3f)));
}

bool xtext_decode_utf8(struct text t, struct buf *out)
{
	while (t.n) {
		uint32_t c = take_hex_point(&t);

		if (c) {
			add_utf8(c, out);
			continue;
		}
		buf_char(out, *t.p);
		t = text_make(t.p + 1, t.n - 1);
	}
	return !out->over;
}
