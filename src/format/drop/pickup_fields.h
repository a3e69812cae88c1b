/* The fields at the top of pickup mail that are its envelope, or what its writers put beside it
 * (format/drop/pickup.h). */
#ifndef CAUSEWAY_FORMAT_PICKUP_FIELDS_H
#define CAUSEWAY_FORMAT_PICKUP_FIELDS_H

#include "base/map.h"
#include "format/smtp/envelope.h"

/* Bytes of a field: Exchange writes opaque properties of tens of kilobytes into one, folded. */
enum { PICKUP_FIELD_MAX = 256 * 1024 };

struct pickup_fields {
	size_t rcpt_limit;
	struct envelope *envelope;
	struct map *known;           /* the recipients' addresses */
	bool sender, overridden;     /* X-Sender, X-Sender-Override were there */
	bool over;                   /* a field said that it is the last one */
	struct buf complaint;        /* why a field is bad: one cleaned line that names it */
};

/* Nothing was read yet; rcpt_limit: recipients of the message. */
void pickup_fields_init(struct pickup_fields *, size_t rcpt_limit);
void pickup_fields_free(struct pickup_fields *);

/* Whether the line begins one of these fields. */
bool pickup_fields_know(struct text line);

enum pickup_field { PICKUP_FIELD_TAKEN, PICKUP_FIELD_OTHER, PICKUP_FIELD_BAD };

/* A whole field, with its folded lines and line ends (LF or CRLF). Other: it belongs to the message. */
enum pickup_field pickup_fields_take(struct pickup_fields *, struct text field);

#endif
