/* What went wrong in a session with a server, for the postmaster (notify_classes protocol and data). */
#ifndef CAUSEWAY_QUEUE_NOTICE_SESSION_H
#define CAUSEWAY_QUEUE_NOTICE_SESSION_H

#include "queue/couriers/flight.h"

/* Raises what the answer tells, once for a request. Not for mail without a sender, lest notices breed. */
void notice_session(struct queue *, struct flight *, const struct answer *);

#endif
