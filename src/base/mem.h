/* Memory that cannot fail: these functions return or the process dies (the supervisor starts it again). */
#ifndef CAUSEWAY_BASE_MEM_H
#define CAUSEWAY_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory of size bytes (size 0 gives a valid pointer); free() it. */
void *mem_alloc(size_t size);

/* Returns p, or dies if it is NULL: for what libraries allocate. */
void *mem_check(void *p);

/* Makes old (or NULL) hold count elements of size bytes; new bytes are not zeroed; dies on overflow. */
void *mem_grow(void *old, size_t count, size_t size);

/* A copy of s; NULL gives NULL; free() it. */
char *mem_str(const char *s);

/* A copy of the n bytes at s with a NUL behind them; free() it. */
char *mem_strn(const char *s, size_t n);

/* A formatted string; free() it. */
char *mem_fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
