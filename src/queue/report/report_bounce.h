/* Non-delivery reports: one a message and attempt, about all whom this attempt refused or gave up. */
#ifndef CAUSEWAY_QUEUE_REPORT_BOUNCE_H
#define CAUSEWAY_QUEUE_REPORT_BOUNCE_H

#include "queue/message/active.h"

/* Makes a report about the bounced (and, if it expired, the deferred) recipients of this attempt.
 * written(active) is called later, when the report is safe: only then may the journal be told what it is
 * about. About our own reports it is a notice to 2bounce_notice_recipient, and about other mail from the
 * null sender if notify_classes says 2bounce. False: none is due (nobody refused, NOTIFY forbids it), or,
 * with a line in the log, none can be: the postmaster could not be reached either. */
bool report_bounce(struct active *, void (*written)(struct active *));

/* Whether a report of failure would name a recipient with this NOTIFY (RFC 3461 section 4.1). */
bool report_bounce_wanted(unsigned notify);

#endif
