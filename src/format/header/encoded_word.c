#include "format/header/encoded_word.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 75, CHARACTER_MAX = 4 * 3 };   /* bytes of a word; of a character when encoded */

static void encode_q(struct text bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (c < 128 && isalnum(c))
			buf_char(out, (char)c);
		else
			buf_fmt(out, "=%02X", c);
	}
}

/* Takes a character off the front, or a byte that is none. */
static struct text take_character(struct text *t)
{
	const char *start = t->p;
	uint32_t code;

	if (!text_utf8(t, &code))
		*t = text_make(t->p + 1, t->n - 1);
	return text_make(start, (size_t)(t->p - start));
}

const char *encoded_charset(struct text t)
{
	return text_is_utf8(t) ? "utf-8" : "unknown-8bit";
}

void encoded_words(struct text t, struct buf *out)
{
	static const char closing[] = "?=";
	const char *charset = encoded_charset(t);

	while (t.n) {
		size_t end = out->len + WORD_MAX - strlen(closing) - CHARACTER_MAX;

		buf_fmt(out, "=?%s?q?", charset);
		while (t.n && out->len <= end && !out->over)
			encode_q(take_character(&t), out);
		buf_fmt(out, t.n ? "%s\r\n " : "%s", closing);
		if (out->over)
			return;
	}
}
