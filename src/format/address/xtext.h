/* xtext (RFC 3461 section 4): printable ASCII but '+' and '=' stands for itself, every other byte is
 * "+XX" in hexadecimal. */
#ifndef CAUSEWAY_FORMAT_XTEXT_H
#define CAUSEWAY_FORMAT_XTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* Whether all of it is xtext that encodes no control character; utf8: characters above ASCII may stand in
 * it too (RFC 6533 section 3). */
bool xtext_check(struct text, bool utf8);

/* Appends the bytes that are encoded, bad sequences as they are; false if out's ceiling was met. */
bool xtext_decode(struct text, struct buf *out);

/* Appends the encoded form; false if out's ceiling was met. */
bool xtext_encode(struct text, struct buf *out);

/* Appends an address in UTF-8 as utf-8-addr-xtext (RFC 6533 section 3): what xtext would encode, the
 * backslash, and all above ASCII is written \x{HEX}. What is not UTF-8 ends it. */
void xtext_encode_utf8(struct text, struct buf *out);
/* Appends the address in UTF-8 that stands behind "utf-8;" in one of its forms of RFC 6533 section 3:
 * itself, or with \x{HEX} in it. What is no character so written stays as it is; false if out's ceiling was
 * met. */
bool xtext_decode_utf8(struct text, struct buf *out);

#endif
