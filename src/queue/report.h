/* Non-delivery reports: one a message and attempt, about all whom this attempt refused or gave up. */
#ifndef CAUSEWAY_QUEUE_REPORT_H
#define CAUSEWAY_QUEUE_REPORT_H

#include "queue/active.h"

struct queue;

/* Makes a report about the bounced (and, if it expired, the deferred) recipients of this attempt and hands it
 * to the spool; returns its id. written(active) is called later, when the report is safe: only then may the
 * journal be told what it is about. About our own reports it is a notice to 2bounce_notice_recipient, and
 * about other mail from the null sender if notify_classes says 2bounce. 0: none is due (nobody refused, NOTIFY forbids it), or, with a line in the log,
 * none can be: the postmaster could not be reached either. */
uint64_t report_make(struct queue *, struct active *, void (*written)(void *active));

/* Whether a report would name a recipient with this NOTIFY (RFC 3461 section 4.1). */
bool report_wanted(unsigned notify);

/* Reads what a report returns of the original from the file: its header, at most 64 KiB, and unless
 * headers_only at most 50 KiB of body, whole lines, without the final dot line. False if the file cannot be
 * read. */
bool report_original(int fd, uint64_t content_at, uint64_t content_size, bool headers_only, struct buf *out);

#endif
