/* Mail that comes back: a store that forwards leaves Delivered-To: fields, which show it. */
#ifndef CAUSEWAY_COURIER_FORWARDING_H
#define CAUSEWAY_COURIER_FORWARDING_H

#include <stdbool.h>

#include "link/link.h"

/* Whether the message's header says that it was delivered to this recipient before (flag D of its
 * transport, behaviour R-7). Without the flag, or if the file cannot be read: no. */
bool forwarding_loops(const struct request *, const char *rcpt, int fd);

#endif
