/* Quoted-printable (RFC 2045 section 6.7), a piece at a time. A CR and its LF come in one piece. */
#ifndef CAUSEWAY_FORMAT_QUOTED_PRINTABLE_H
#define CAUSEWAY_FORMAT_QUOTED_PRINTABLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

#define QP_LINE 76        /* longest line of the encoding */
#define QP_LEAST 8        /* shortest that may be asked for */

/* Whether a byte has to be encoded wherever it stands. */
bool qp_must_encode(unsigned char);

/* Encoding. All zero at the beginning, but for most. */
struct qp_encoder {
	size_t most;          /* bytes of a line without CRLF: QP_LEAST to QP_LINE */
	char line[QP_LINE + 1];
	size_t n;
};

/* Appends the lines that have come to an end, soft ones included; false if out's ceiling was met. */
bool qp_encode(struct qp_encoder *, struct text bytes, struct buf *out);

/* Mending what is in this encoding already. All zero at the beginning, but for most and seven_bit. */
struct qp_mender {
	size_t most;          /* longest line that goes out, from QP_LEAST on */
	bool seven_bit;       /* bytes above 127 are encoded */
	size_t column;
	char held[2];         /* beginning of =XX */
	size_t held_n;
};

/* Appends the same text with soft line breaks where lines are too long: it decodes to the same; false if
 * out's ceiling was met. */
bool qp_mend(struct qp_mender *, struct text bytes, struct buf *out);

#endif
