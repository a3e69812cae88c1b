#include "spool/recover/recover_private.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/journal/clocks.h"

static void remove_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, reading);
	char name[NAMES_SIZE];

	(void)room;
	for (size_t i = 0; i < r->unnamed.count; i++)
		unlinkat(r->setup.parts->tree->queue, names_message(r->unnamed.ids[i], name), 0);
}

static void remove_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, reading);

	if (r->stopped)
		return;
	r->setup.settled(r->setup.arg);
	recover_tell_sort(r);
	loop_later(r->setup.parts->loop, &r->tell_task);
}

static void settle_when_known(struct recover *r)
{
	if (!r->was_read || !r->was_listed || !r->was_synced || r->stopped)
		return;
	recover_settle(r);
	recover_tell_strangers(r);
	listing_clear(&r->listing);
	r->reading = (struct disk_job){ .work = remove_work, .done = remove_done };
	disk_run(r->setup.parts->disk, DISK_RESULTS, &r->reading);
}

static void list_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, listing_names);

	(void)room;
	listing_read(&r->listing);
}

static void list_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, listing_names);

	r->was_listed = true;
	settle_when_known(r);
}

static void names_synced(void *arg)
{
	struct recover *r = arg;

	r->was_synced = true;
	settle_when_known(r);
}

static void read_work(struct disk_job *job, char *room)
{
	struct recover *r = LIST_OF(job, struct recover, reading);

	replay_read(&r->replay, &r->journal, room);
	journal_make_ballast(r->setup.parts->tree->queue);
}

static void journal_synced(void *arg)
{
	struct recover *r = arg;

	r->was_read = true;
	settle_when_known(r);
}

static void read_done(struct disk_job *job)
{
	struct recover *r = LIST_OF(job, struct recover, reading);
	struct journal_line now;
	char boot_id[CLOCKS_BOOT_ID];

	if (r->stopped)
		return;
	recover_tell_damage(r);
	r->journal_given = true;
	r->commit = r->setup.journal_read(r->setup.arg, &r->journal);
	clocks_line(r->setup.parts->loop, &now, boot_id);
	commit_line(r->commit, &now);
	commit_wait(r->commit, journal_synced, r);
	recover_tell_suspensions(r);
}

struct recover *recover_new(const struct recover_setup *setup, const struct journal *journal)
{
	struct recover *r = mem_alloc(sizeof *r);

	r->setup = *setup;
	r->journal = *journal;
	replay_init(&r->replay, setup->parts->ledger, setup->parts->ids);
	r->listing.tree = setup->parts->tree;
	r->listing.ids = setup->parts->ids;
	r->tell_task = (struct loop_task){ .fn = recover_tell_some, .arg = r };
	r->reading = (struct disk_job){ .work = read_work, .done = read_done };
	r->listing_names = (struct disk_job){ .work = list_work, .done = list_done };
	r->synced = (struct dirsync_waiter){ .synced = names_synced, .arg = r };
	disk_run(setup->parts->disk, DISK_RESULTS, &r->reading);
	disk_run(setup->parts->disk, DISK_RESULTS, &r->listing_names);
	dirsync_wait(setup->parts->dirsync, &r->synced);
	return r;
}

void recover_free(struct recover *r)
{
	if (!r)
		return;
	if (!r->journal_given)
		journal_close(&r->journal);
	replay_clear(&r->replay);
	listing_clear(&r->listing);
	loop_cancel(r->setup.parts->loop, &r->tell_task);
	free(r->known.ids);
	free(r->unnamed.ids);
	free(r->early.ids);
	free(r);
}

void recover_stop(struct recover *r)
{
	r->stopped = true;
	loop_cancel(r->setup.parts->loop, &r->tell_task);
}
