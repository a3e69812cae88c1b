/* Puts a report into the queue, so that it is there for good before any line that relies on it (spool_report). */
#ifndef CAUSEWAY_SPOOL_REPORT_H
#define CAUSEWAY_SPOOL_REPORT_H

#include "spool/commit.h"
#include "spool/spool.h"

struct report_setup {
	struct loop *loop;
	struct disk *disk;
	const struct tree *tree;
	struct commit *commit;
	struct ledger *ledger;
	void (*arrived)(void *arg, struct spool_message *);
	void *arg;
};

/* Writes the report's file, holds the open batch until that is done, adds the lines that name it, and calls arrived after the batch. bytes
 * are copied. While the disk refuses it is tried again, and the batch waits. The setup is borrowed. */
void report_start(const struct report_setup *, uint64_t id, const char *bytes, size_t n);

#endif
