#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_ROOM = 64 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->data)
		b->data[0] = '\0';
}

/* Room for n more bytes and a NUL, or the mark. */
static bool reserve(struct buf *b, size_t n)
{
	size_t room = b->room ? b->room : FIRST_ROOM;

	if (b->over || n > b->max - b->len) {
		b->over = true;
		return false;
	}
	if (b->room > b->len + n)
		return true;
	while (room <= b->len + n)
		room *= 2;
	b->data = mem_grow(b->data, room, 1);
	b->room = room;
	return true;
}

bool buf_add(struct buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return false;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

bool buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool buf_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

bool buf_unsigned(struct buf *b, uint64_t n)
{
	char digits[20], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	return buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

bool buf_signed(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_char(b, '-');
	return buf_unsigned(b, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

bool buf_fmt(struct buf *b, const char *format, ...)
{
	va_list args;
	bool fits;

	va_start(args, format);
	fits = buf_vfmt(b, format, args);
	va_end(args);
	return fits;
}

bool buf_vfmt(struct buf *b, const char *format, va_list args)
{
	size_t room = b->room - b->len;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
	assert(n >= 0);
	if (!reserve(b, (size_t)n)) {
		if (room)
			b->data[b->len] = '\0';
	} else {
		if ((size_t)n >= room)
			vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return !b->over;
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *s = b->data ? b->data : mem_str("");

	buf_init(b, b->max);
	return s;
}
