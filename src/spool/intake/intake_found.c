#include "spool/intake/intake_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "spool/disk/pace.h"
#include "spool/intake/tell.h"
#include "spool/journal/line.h"

enum {
	TURN_MAX = 1024,           /* messages told in one turn of the loop */
	UNFINISHED_MS = 5000       /* how long a file may take to become one */
};

/* ---- one file ---- */

void intake_put_aside(struct intake *in, struct take *t, int64_t after_ms)
{
	t->due = loop_now(in->setup.parts->loop) + after_ms;
	if (in->waiting_count == 0 || t->due < in->next_due)
		in->next_due = t->due;
	list_append(&in->waiting, &t->link);
	in->waiting_count++;
	if (!loop_timer_is_set(in->timer))
		loop_timer_set(in->timer, INTAKE_AGAIN_MS);
}

/* The name would be lost in a crash; nobody waits for this line. */
static void note_claim(struct intake *in, struct take *t)
{
	if (t->noted || !t->claimed)
		return;
	t->noted = true;
	commit_line(in->setup.parts->commit, &(struct journal_line){ .kind = JOURNAL_CLAIM, .id = t->store.id,
		.dir = text_of(t->source->name), .name = text_of(t->name), .uid = t->uid });
}

static void wait_until_finished(struct intake *in, struct take *t)
{
	int64_t delay = (int64_t)INTAKE_AGAIN_MS << (t->attempts < 4 ? t->attempts : 4);
	int64_t now = loop_now(in->setup.parts->loop), left;

	if (t->begun == 0)
		t->begun = now;
	left = t->begun + UNFINISHED_MS - now;
	t->last_look = delay >= left || in->waiting_count >= INTAKE_WAITING_MAX;
	note_claim(in, t);
	intake_put_aside(in, t, delay < left ? delay : left);
	t->attempts++;
}

static void wait_for_disk(struct intake *in, struct take *t)
{
	if (!in->troubled)
		tell_trouble(t);
	in->troubled = true;
	if (t->error == ENOSPC || t->error == EDQUOT)
		space_met_end(in->space, t->error);
	if (t->claimed) {
		note_claim(in, t);
		intake_put_aside(in, t, pace_delay_ms(++t->attempts));
	} else {
		drop_stuck(t->source->drop, t->name);
		take_free(t);
	}
}

/* It was accepted before a crash, but its owner has changed the file since: its line must not wait for a
 * message. */
static void forget(struct intake *in, uint64_t id)
{
	struct ledger_message *m = ledger_get(in->setup.parts->ledger, id);

	if (!m || m->done || m->files != 1)
		return;
	commit_line(in->setup.parts->commit, &(struct journal_line){ .kind = JOURNAL_DONE, .id = id });
	m->files = 0;
	commit_gone(in->setup.parts->commit, m);
}

static void refused(struct intake *in, struct take *t)
{
	char *name, *reason;

	in->refused++;
	tell_refused(t);
	if (t->claimed)
		forget(in, t->store.id);
	if (!in->setup.events->refused)
		return;
	name = text_cleaned(t->name, NAME_MAX);
	reason = text_cleaned(t->store.reason, TELL_REASON_MAX);
	in->setup.events->refused(in->setup.arg, t->claimed ? t->store.id : 0, name, t->uid, reason);
	free(name);
	free(reason);
}

/* ---- arrival ---- */

static void accept(struct intake *in, const struct take *t, struct spool_message *m)
{
	struct journal_line line = line_in(m);
	struct ledger_message *known;

	commit_line(in->setup.parts->commit, &line);
	known = ledger_get(in->setup.parts->ledger, m->id);
	known->files = t->store.adopted || t->store.unwritten ? 1 : 2;
	known->unwritten = t->store.unwritten;
	m->reports = known->reports;
}

static void finish(struct intake *in, struct take *t)
{
	list_remove(&t->link);
	in->running_count--;
	take_free(t);
}

static void arrive(struct intake *in, struct take *t, struct spool_message *m)
{
	m->arrived = t->arrived;
	m->uid = t->uid;
	m->origin = mem_str(t->source->name);
	m->drop_name = t->name;
	accept(in, t, m);
	in->taken++;
	space_used(in->space, m->content_size);
	in->setup.events->arrived(in->setup.arg, m);
}

static void note_batch(struct intake *in, const struct take *t)
{
	commit_line(in->setup.parts->commit, &(struct journal_line){ .kind = JOURNAL_BATCH, .id = t->store.id,
		.count = t->store.count });
}

/* All its messages were told. */
static void close_claim(struct intake *in, struct take *t)
{
	if (t->store.count)
		note_batch(in, t);
	if (!t->store.adopted && !t->store.unwritten)
		commit_remove(in->setup.parts->commit, &(struct removal){ .id = t->store.id,
			.count = t->store.count, .drop = true });
	finish(in, t);
}

/* A file may hold many messages: they are told in several turns, so that nobody waits for the end of it. */
void intake_tell_some(void *arg)
{
	struct intake *in = arg;
	struct list *first;

	for (unsigned n = 0; n < TURN_MAX && in->begun && (first = list_first(&in->arriving)); n++) {
		struct take *t = LIST_OF(first, struct take, link);
		struct spool_message *m = t->told < t->store.stored ? t->store.messages[t->told] : NULL;

		if (m) {
			t->store.messages[t->told++] = NULL;   /* its receiver owns it */
			arrive(in, t, m);
		} else {
			close_claim(in, t);
		}
	}
	if (in->begun && !list_empty(&in->arriving))
		loop_later(in->setup.parts->loop, &in->tell);
	intake_ask_more(in);
}

static void names_synced(void *arg)
{
	struct take *t = arg;
	struct intake *in = t->owner;

	list_remove(&t->link);
	list_append(&in->arriving, &t->link);
	loop_later(in->setup.parts->loop, &in->tell);
}

/* ---- what was found out ---- */

static void look_again(struct intake *in, struct take *t)
{
	list_remove(&t->link);
	in->running_count--;
	if (t->outcome == TAKE_UNFINISHED)
		wait_until_finished(in, t);
	else
		wait_for_disk(in, t);
}

static void stored(struct intake *in, struct take *t)
{
	in->troubled = false;
	t->synced = (struct dirsync_waiter){ .synced = names_synced, .arg = t };
	if (t->durable)
		names_synced(t);
	else
		dirsync_wait(in->setup.parts->dirsync, &t->synced);
}

void intake_act(struct intake *in, struct take *t)
{
	switch (t->outcome) {
	case TAKE_STORED:
		stored(in, t);
		return;
	case TAKE_UNFINISHED:
	case TAKE_TROUBLE:
		look_again(in, t);
		return;
	case TAKE_UNCLAIMED:
		if (drop_stuck(t->source->drop, t->name))
			tell_unclaimed(t);
		break;
	case TAKE_DIRECTORY:
		if (drop_is_directory(t->source->drop, t->name))
			refused(in, t);
		break;
	case TAKE_REFUSED:
		refused(in, t);
		break;
	case TAKE_SETTLING:
		drop_settling(t->source->drop, t->name, &t->before);
		break;
	case TAKE_COPIED:
		intake_claim_copied(in, t);
		return;
	case TAKE_GONE:
		break;
	case TAKE_GO_ON:
	case TAKE_COPY:
		assert(!"a file that was not worked on to an end");
	}
	finish(in, t);
}
