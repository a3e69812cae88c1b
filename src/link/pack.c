#include "link/pack.h"

#include <string.h>

#include "base/mem.h"

/* The length of a string that is not there. */
#define ABSENT UINT32_MAX

void pack_u8(struct buf *b, unsigned v)
{
	buf_char(b, (char)v);
}

void pack_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof v);
}

void pack_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof v);
}

void pack_bytes(struct buf *b, const void *p, size_t n)
{
	pack_u32(b, (uint32_t)n);
	if (n > 0)
		buf_add(b, p, n);
}

static void pack_string(struct buf *b, const char *s, size_t n)
{
	pack_bytes(b, s, n);
	pack_u8(b, 0);
}

void pack_text(struct buf *b, const char *s)
{
	if (s)
		pack_string(b, s, strlen(s));
	else
		pack_u32(b, ABSENT);
}

void pack_cut(struct buf *b, const char *s, size_t max)
{
	if (s)
		pack_string(b, s, strnlen(s, max));
	else
		pack_u32(b, ABSENT);
}

struct unpack unpack_of(const char *p, size_t n)
{
	return (struct unpack){ p, n, NULL };
}

void unpack_fail(struct unpack *u, const char *wrong)
{
	if (!u->wrong)
		u->wrong = wrong;
	u->n = 0;
}

bool unpack_end(struct unpack *u)
{
	if (u->n > 0)
		unpack_fail(u, "a message is longer than its fields");
	return !u->wrong;
}

/* The next n bytes, or NULL and a fault. */
static const char *take(struct unpack *u, size_t n)
{
	const char *p = u->p;

	if (u->n < n) {
		unpack_fail(u, "a message is shorter than its fields");
		return NULL;
	}
	u->p += n;
	u->n -= n;
	return p;
}

static uint64_t bounded(struct unpack *u, uint64_t v, uint64_t max)
{
	if (v <= max)
		return v;
	unpack_fail(u, "a number is out of range");
	return 0;
}

uint32_t unpack_u8(struct unpack *u, uint32_t max)
{
	const char *p = take(u, 1);

	return p ? (uint32_t)bounded(u, (unsigned char)*p, max) : 0;
}

bool unpack_flag(struct unpack *u)
{
	return unpack_u8(u, 1) == 1;
}

uint32_t unpack_u32(struct unpack *u, uint32_t max)
{
	const char *p = take(u, sizeof(uint32_t));
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return (uint32_t)bounded(u, v, max);
}

uint64_t unpack_u64(struct unpack *u, uint64_t max)
{
	const char *p = take(u, sizeof(uint64_t));
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return bounded(u, v, max);
}

static struct text take_long(struct unpack *u, size_t n, size_t max)
{
	const char *p;

	if (n > max) {
		unpack_fail(u, "a field is too long");
		return text_make(NULL, 0);
	}
	p = take(u, n);
	return text_make(p, p ? n : 0);
}

struct text unpack_bytes(struct unpack *u, size_t max)
{
	return take_long(u, unpack_u32(u, UINT32_MAX), max);
}

const char *unpack_text(struct unpack *u, size_t max)
{
	uint32_t n = unpack_u32(u, UINT32_MAX);
	struct text t;

	if (n == ABSENT || u->wrong)
		return NULL;
	t = take_long(u, (size_t)n + 1, max + 1);
	if (u->wrong)
		return NULL;
	if (t.p[n] != '\0' || memchr(t.p, '\0', n)) {
		unpack_fail(u, "a string has a NUL in the wrong place");
		return NULL;
	}
	return t.p;
}

const char *unpack_line(struct unpack *u, size_t max)
{
	const char *s = unpack_text(u, max);

	for (const char *p = s; p && *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			unpack_fail(u, "a line holds a control character");
			return NULL;
		}
	}
	return s;
}

char *unpack_copy(struct unpack *u, size_t max)
{
	return mem_str(unpack_text(u, max));
}
