/* Inside the spool's face to the queue: spool.c has its life, spool_lines.c what is written of a message. */
#ifndef CAUSEWAY_SPOOL_SPOOL_PRIVATE_H
#define CAUSEWAY_SPOOL_SPOOL_PRIVATE_H

#include "spool/intake/intake.h"
#include "spool/journal/commit.h"
#include "spool/queuefile/budget.h"
#include "spool/queuefile/load.h"
#include "spool/queuefile/report.h"
#include "spool/queuefile/writing.h"
#include "spool/recover/recover.h"
#include "spool/spool.h"

struct spool {
	struct parts parts;
	struct tree tree;
	struct ids ids;
	struct spool_events events;
	void *arg;
	struct writings *writings;
	struct intake *intake;
	struct recover *recover;         /* while the start goes on */
	struct load_setup load;
	struct reports *reports;         /* NULL until the journal was read */
	struct loop_task begin_task, ready_task, closed_task;
	void (*closed)(void *arg);
	void *closed_arg;
};

#endif
