#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void die(void)
{
	static const char words[] = "causeway: out of memory\n";

	if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
		abort();
	abort();
}

void *mem_check(void *p)
{
	if (!p)
		die();
	return p;
}

void *mem_alloc(size_t size)
{
	return mem_check(calloc(1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		die();
	return mem_check(realloc(old, count && size ? count * size : 1));
}

char *mem_str(const char *s)
{
	return s ? mem_strn(s, strlen(s)) : NULL;
}

char *mem_strn(const char *s, size_t n)
{
	char *copy = mem_check(malloc(n + 1));

	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *mem_fmt(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	if (vasprintf(&s, format, args) < 0)
		die();
	va_end(args);
	return s;
}
