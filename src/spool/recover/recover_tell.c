#include "spool/recover/recover_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "format/journal/queue_id.h"
#include "spool/journal/suspensions.h"

enum { SLICE = 500 };           /* messages told in a turn of the loop */

int64_t recover_time_of(const struct recover *r, uint64_t id)
{
	int64_t by_id = (int64_t)(queue_id_microseconds(id) / 1000), now = loop_wall(r->setup.parts->loop);

	return by_id < now ? by_id : now;
}

void recover_tell(const struct recover *r, const struct ledger_message *m)
{
	struct spool_known known = {
		.id = m->id,
		.arrived = m->arrived,
		.uid = m->uid,
		.size = m->size,
		.next = m->next,
		.attempts = m->attempts,
		.suspect = m->suspect,
		.held = m->held,
		.warned = m->warned,
		.count = m->count,
		.final = ledger_final_bits(m),
		.final_bits = m->final_bytes * (size_t)8,
		.reason = replay_reason(&r->replay, m->id),
		.reports = m->reports,
	};

	r->setup.events->known(r->setup.events_arg, &known);
}

static int newest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

void recover_tell_sort(struct recover *r)
{
	if (r->known.count)
		qsort(r->known.ids, r->known.count, sizeof r->known.ids[0], newest_first);
}

void recover_tell_some(void *arg)
{
	struct recover *r = arg;
	size_t end = r->known.count - r->told > SLICE ? r->told + SLICE : r->known.count;

	for (; r->told < end; r->told++)
		recover_tell(r, ledger_get(r->setup.parts->ledger, r->known.ids[r->told]));
	if (r->told < r->known.count)
		loop_later(r->setup.parts->loop, &r->tell_task);
	else
		r->setup.recovered(r->setup.arg);
}

void recover_tell_suspensions(const struct recover *r)
{
	const struct suspensions *suspended = ledger_suspensions(r->setup.parts->ledger);
	size_t cursor = 0;
	const char *name;

	while (r->setup.events->suspended && (name = suspensions_next(suspended, &cursor)))
		r->setup.events->suspended(r->setup.events_arg, name);
}

void recover_tell_damage(const struct recover *r)
{
	if (r->replay.damage.lines)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"%s/queue/journal: %lu damaged lines skipped, the first at byte %llu; no mail is "
			"lost, but recipients named there may get a second copy", r->setup.parts->tree->path,
			r->replay.damage.lines,
			(unsigned long long)r->replay.damage.first);
	if (r->replay.error)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue/journal: cannot be read to its end: %s; no mail is lost, but recipients "
			"named there may get a second copy", r->setup.parts->tree->path, strerror(r->replay.error));
}

void recover_tell_strangers(const struct recover *r)
{
	if (r->listing.strangers)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
			"%s/queue holds %zu files that are none of the queue's, like \"%s\"; they are left "
			"alone",
			r->setup.parts->tree->path, r->listing.strangers, r->listing.stranger);
	if (r->listing.error)
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
			"%s/queue: cannot be read to its end: %s; messages not seen wait for the next start",
			r->setup.parts->tree->path, strerror(r->listing.error));
}
