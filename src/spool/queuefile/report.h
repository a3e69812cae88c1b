/* Puts reports into the queue, each of them on the disk for good before any line that relies on it
 * (spool_report). */
#ifndef CAUSEWAY_SPOOL_REPORT_H
#define CAUSEWAY_SPOOL_REPORT_H

#include "base/list.h"
#include "spool/journal/commit.h"
#include "spool/parts.h"
#include "spool/spool.h"

struct reports;

struct report_setup {
	const struct parts *parts;       /* with a commit */
	void (*arrived)(void *arg, struct spool_message *);
	void *arg;
};

/* None is written before reports_begin: until then a start may be removing files that have the same names. */
struct reports *reports_new(const struct report_setup *);
void reports_free(struct reports *);   /* when the disk is idle; those not yet written are forgotten */
void reports_begin(struct reports *);

/* No more lines are added and nobody is called any more: what is not named by then is removed by the next
 * start. */
void reports_end(struct reports *);

/* Writes the file (bytes are copied), adds the lines that name it, calls written(arg), and arrived after the
 * batch. While the disk refuses it is tried again. */
void reports_add(struct reports *, uint64_t id, const char *bytes, size_t n, void (*written)(void *arg),
	void *arg);

#endif
