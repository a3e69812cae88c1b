/* Takes a JSON array of objects apart while it comes in, so that a long listing is never held as a whole
 * (RFC 8259). */
#ifndef CAUSEWAY_TOOL_CTL_OBJECTS_H
#define CAUSEWAY_TOOL_CTL_OBJECTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

struct ctl_objects {
	struct buf object;          /* the one at hand, as far as it came */
	unsigned depth;             /* brackets and braces that are open */
	bool in_string, escaped;
	bool closed;                /* the array has ended */
	bool bad;                   /* it is no array of objects, or one is larger than 64 MiB */
};

/* Before the first byte. */
void ctl_objects_init(struct ctl_objects *);
void ctl_objects_free(struct ctl_objects *);

/* Takes bytes off the front; true when an object is complete, whose text is valid until the next call. */
bool ctl_objects_next(struct ctl_objects *, struct text *from, struct text *object);

#endif
