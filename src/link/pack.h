/*
 * Fields in and out of packets: integers in the machine's byte order (both ends run on one machine),
 * strings with their length ahead and a NUL behind, so that they can be used in place. Taking a field out
 * checks it; the first fault sticks in `wrong` and everything taken after it is zero, so one check at the
 * end is enough.
 */
#ifndef CAUSEWAY_LINK_PACK_H
#define CAUSEWAY_LINK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* Each appends a field: a number of 1, 4 or 8 bytes, or bytes with their count; what does not fit marks the
 * buffer (base/buf.h). */
void pack_u8(struct buf *, unsigned);
void pack_u32(struct buf *, uint32_t);
void pack_u64(struct buf *, uint64_t);
void pack_bytes(struct buf *, const void *, size_t);
void pack_text(struct buf *, const char *s);                 /* NULL stays NULL */
void pack_cut(struct buf *, const char *s, size_t max);      /* as pack_text, at most max bytes of it */

struct unpack {
	const char *p;
	size_t n;
	const char *wrong;      /* NULL, or a constant that says what the first fault was */
};

/* A view of n bytes, from which the fields are taken. */
struct unpack unpack_of(const char *p, size_t n);
void unpack_fail(struct unpack *, const char *wrong);        /* notes a fault, the first one wins */
/* true if all was taken and nothing was wrong */
bool unpack_end(struct unpack *);

uint32_t unpack_u8(struct unpack *, uint32_t max);           /* 0..max, else wrong */
bool unpack_flag(struct unpack *);                           /* a byte that is 0 or 1 */
uint32_t unpack_u32(struct unpack *, uint32_t max);          /* 0..max, else wrong */
uint64_t unpack_u64(struct unpack *, uint64_t max);          /* the same */
struct text unpack_bytes(struct unpack *, size_t max);       /* at most max bytes: a view of the packet */
/* a string inside the packet, or NULL; no NUL inside */
const char *unpack_text(struct unpack *, size_t max);
const char *unpack_line(struct unpack *, size_t max);        /* the same, and without control characters */
/* unpack_text as a new string or NULL; free() it */
char *unpack_copy(struct unpack *, size_t max);

#endif
