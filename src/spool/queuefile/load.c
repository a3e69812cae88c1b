#include "spool/queuefile/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/disk/again.h"
#include "spool/disk/names.h"
#include "spool/queuefile/queuefile.h"

struct load {
	struct again again;
	struct load_setup *setup;
	uint64_t id, size;
	bool facts;
	void (*done)(void *arg, uint64_t id, struct spool_message *);
	void *arg;
	enum queuefile_result result;
	struct spool_message *message;
	char *reason;
	int error, move_error;
};

static void work(struct disk_job *job, char *room)
{
	struct load *l = LIST_OF(job, struct load, again.job);

	l->result = queuefile_open(l->setup->parts->tree, l->id, l->size, l->facts, room, &l->message, &l->reason,
		&l->error);
	if (l->result == QUEUEFILE_BAD)
		l->move_error = queuefile_set_aside(l->setup->parts->tree, l->id);
}

static void try_again(struct load *l)
{
	char id[NAMES_SIZE];

	if (again_later(&l->again))
		log_line(LOG_LEVEL_ERROR, "qmgr", names_message(l->id, id),
			"%s/queue/%s: cannot be read: %s; trying again", l->setup->parts->tree->path, id,
			strerror(l->error));
}

/* What the journal knows and the file does not tell. */
static void add_known(const struct load *l)
{
	const struct ledger_message *m = ledger_get(l->setup->parts->ledger, l->id);

	if (!l->message || !m)
		return;
	l->message->arrived = m->arrived;
	l->message->uid = m->uid;
	if (l->facts)
		return;
	l->message->hops = m->hops;
	l->message->eight_bit = m->flags & JOURNAL_EIGHT_BIT;
	l->message->utf8_header = m->flags & JOURNAL_UTF8_HEADER;
	l->message->long_lines = m->flags & JOURNAL_LONG_LINES;
	l->message->tls_optional = m->flags & JOURNAL_TLS_OPTIONAL;
	l->message->requiretls = m->flags & JOURNAL_REQUIRETLS;
}

static void tell_corrupt(const struct load *l)
{
	char id[NAMES_SIZE];

	if (l->move_error)
		log_line(LOG_LEVEL_ERROR, "qmgr", names_message(l->id, id),
			"%s/queue/%s: is damaged: %s; it cannot be moved to corrupt: %s",
			l->setup->parts->tree->path, id, l->reason, strerror(l->move_error));
	else
		log_line(LOG_LEVEL_ERROR, "qmgr", names_message(l->id, id),
			"its file is damaged: %s; it is now %s/corrupt/%s and will not be sent",
			l->reason, l->setup->parts->tree->path, id);
	l->setup->corrupt(l->setup->arg, l->id, l->reason, !l->move_error);
}

static void done(struct disk_job *job)
{
	struct load *l = LIST_OF(job, struct load, again.job);

	if (l->result == QUEUEFILE_FAILED && l->error != ENOENT) {
		try_again(l);
		return;
	}
	again_clear(&l->again);
	if (l->result == QUEUEFILE_BAD)
		tell_corrupt(l);
	add_known(l);
	l->setup->outstanding--;
	l->done(l->arg, l->id, l->message);
	free(l->reason);
	free(l);
}

void load_start(struct load_setup *setup, uint64_t id, void (*done_fn)(void *arg, uint64_t id,
	struct spool_message *), void *arg)
{
	struct load *l = mem_alloc(sizeof *l);
	const struct ledger_message *m = ledger_get(setup->parts->ledger, id);

	l->again = (struct again){ .loop = setup->parts->loop, .disk = setup->parts->disk, .lane = DISK_RESULTS,
		.job = { .work = work, .done = done } };
	l->setup = setup;
	l->id = id;
	l->size = m ? m->size : 0;
	l->facts = l->size == 0;
	l->done = done_fn;
	l->arg = arg;
	setup->outstanding++;
	again_run(&l->again);
}
