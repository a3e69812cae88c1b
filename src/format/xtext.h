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

#endif
