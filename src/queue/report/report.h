/*
 * Reports to senders (RFC 3461, 3464) and, where there is no sender, to the postmaster: what all of them
 * share, from the choice of what is returned to the way to the disk. Each is a message of its own, from
 * nobody, about which nobody gets a report. Who is reported on is decided in report_bounce.c, report_delay.c
 * and report_success.c.
 */
#ifndef CAUSEWAY_QUEUE_REPORT_H
#define CAUSEWAY_QUEUE_REPORT_H

#include "format/report/dsn.h"
#include "queue/message/active.h"
#include "queue/report/notices.h"

struct queue;
struct sent_reports;

/* Reports on their way to the disk: none yet. */
struct sent_reports *sent_reports_new(struct queue *);
void sent_reports_free(struct sent_reports *);
/* None is on its way to the disk. */
bool sent_reports_idle(const struct sent_reports *);

/* One that is being made up; rcpts it names are added, then it is sent. */
struct report;
/* About this message: to its sender, or with notice to the postmaster at that address (copied). */
struct report *report_new(struct active *, enum dsn_action, const char *to, bool notice);
/* About it, to the postmaster at that address: a copy of what the sender is told. */
struct report *report_new_copy(struct active *, enum dsn_action, const char *to);
/* Names one more recipient of the envelope; all is copied. remote: the host that said diagnostic, in the
 * form of relay=; NULL: the reason is ours. */
void report_add(struct report *, uint32_t rcpt, const struct dsn_rcpt *);
size_t report_count(const struct report *);
/* ms until the message will be given up, for a report of delay */
void report_lifetime(struct report *, int64_t ms);

/*
 * Hands it to the spool and returns true. written(active) is called later, when it is on the disk and before
 * the batch that names it is committed: what relies on it is journalled inside that call, and so is
 * report_tell_all. With written NULL nothing relies on it. False, with a line in the log, if all report
 * numbers of the message are used up. Frees it.
 */
bool report_send(struct report *, void (*written)(struct active *));
/* Whether nothing was mailed to the postmaster in the last hour about the status and host that it names
 * first; else it is counted (queue/report/notices.h), and is not to be sent. It names somebody. */
bool report_is_news(const struct report *, enum notice_class);
/* Sends a copy if it is news. Nothing relies on it. Frees it. */
void report_send_copy(struct report *, enum notice_class);
void report_free(struct report *);   /* one that is not sent */
/* The message's reports that were written are logged after the commit, behind all results journalled until
 * now. */
void report_tell_all(struct active *);
/* The same reports are not told of any more. */
void report_forget_all(struct active *);

/* The message is a report itself, or a notice to the postmaster. */
bool report_is_one(const struct message *);
bool report_is_notice(const struct message *);

#endif
