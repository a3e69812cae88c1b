/* The Received: field that goes ahead of every message (RFC 5321 section 4.4). */
#ifndef CAUSEWAY_QUEUE_TRACE_H
#define CAUSEWAY_QUEUE_TRACE_H

#include "queue/active.h"

/* "Received: by HOST (Causeway, from userid UID) id ID; DATE" in wire form, folded; arrived in ms since 1970. free() it. */
char *trace_received(const char *myhostname, const struct active *, int64_t arrived);

#endif
