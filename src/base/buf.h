/*
 * A growing byte buffer whose ceiling is fixed at birth. An append that would pass the ceiling adds
 * nothing, marks the buffer and returns false; later appends fail too, so one check at the end is enough.
 */
#ifndef CAUSEWAY_BASE_BUF_H
#define CAUSEWAY_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;   /* always NUL behind len once anything was added; NULL before */
	size_t len;   /* bytes held */
	size_t room;  /* bytes allocated */
	size_t max;   /* ceiling for len */
	bool over;    /* an append did not fit */
};

/* An empty buffer for at most max bytes, in a struct of the caller's. */
void buf_init(struct buf *, size_t max);
void buf_free(struct buf *);                 /* releases the memory; the buffer can be filled again */
void buf_clear(struct buf *);                /* forgets content and mark, keeps memory */
/* Each appends; false if it does not fit. */
bool buf_add(struct buf *, const void *, size_t);
bool buf_str(struct buf *, const char *);    /* without its NUL */
bool buf_char(struct buf *, char);
bool buf_unsigned(struct buf *, uint64_t);   /* in decimal */
bool buf_signed(struct buf *, int64_t);
/* as printf */
bool buf_fmt(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vfmt(struct buf *, const char *format, va_list);
void buf_drop(struct buf *, size_t n);       /* removes n bytes from the front (n <= len) */
const char *buf_text(const struct buf *);    /* the content as a string; valid until the next append */
char *buf_take(struct buf *);                /* the content as a string to free(); leaves the buffer empty */

#endif
