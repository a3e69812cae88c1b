#include "spool/intake.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/line.h"
#include "spool/pace.h"
#include "spool/sources.h"
#include "spool/take.h"
#include "spool/tell.h"

enum {
	TURN_MAX = 1024,           /* messages told in one turn of the loop */
	RUNNING_MAX = 512,         /* files between claim and arrival; each holds a descriptor */
	/* files that are waited for; beyond, unfinished ones are refused at once and no more are claimed */
	WAITING_MAX = 10000,
	UNFINISHED_MS = 5000,      /* how long a file may take to become one */
	FAIR_SHARE = 100,          /* messages of an owner, while the queue is far behind */
	TELL_FULL_MS = 60000,      /* between lines about owners with too many messages */
	AGAIN_MS = 100,            /* between looks at what waits */
	GROUP = 32,                /* files that one thread claims in a row */
	SMALL = 64 * 1024          /* bytes that are copied without a thread of their own */
};

/* Files that are claimed and looked at by one thread, one after the other. */
struct group {
	struct disk_job job;
	struct intake *intake;
	struct take *takes[GROUP];
	size_t count;
	size_t memory;             /* bytes that may be in memory */
};

struct intake {
	struct intake_setup setup;
	struct sources *sources;
	struct space *space;
	struct loop_timer *timer;
	struct loop_task more, tell;
	struct list running, waiting, arriving;
	size_t running_count, waiting_count;
	int64_t next_due;          /* of the waiting; ms of loop_now */
	struct group *group;       /* being filled, or NULL */
	bool group_at_work;        /* one; a second thread would only wait for the same directories */
	bool begun, paused;
	bool fair;                 /* the queue is far behind: owners of few messages are served, others wait */
	int64_t told_full;         /* ms of loop_now: when an owner's limit was last told of */
	bool troubled;             /* the last file that met the disk met trouble */
	size_t taken, refused;
};

/* Takes more at the end of this turn, when all that became free can be filled at once. */
static void ask_more(struct intake *in);

/* ---- one file ---- */

static void put_aside(struct intake *in, struct take *t, int64_t after_ms)
{
	t->due = loop_now(in->setup.loop) + after_ms;
	if (in->waiting_count == 0 || t->due < in->next_due)
		in->next_due = t->due;
	list_append(&in->waiting, &t->link);
	in->waiting_count++;
	if (!loop_timer_is_set(in->timer))
		loop_timer_set(in->timer, AGAIN_MS);
}

/* The name would be lost in a crash; nobody waits for this line. */
static void note_claim(struct intake *in, struct take *t)
{
	if (t->noted || !t->claimed)
		return;
	t->noted = true;
	commit_line(*in->setup.commit, &(struct journal_line){ .kind = JOURNAL_CLAIM, .id = t->store.id,
		.dir = text_of(t->source->name), .name = text_of(t->name), .uid = t->uid });
}

static void wait_until_finished(struct intake *in, struct take *t)
{
	int64_t delay = (int64_t)AGAIN_MS << (t->attempts < 4 ? t->attempts : 4);
	int64_t now = loop_now(in->setup.loop), left;

	if (t->begun == 0)
		t->begun = now;
	left = t->begun + UNFINISHED_MS - now;
	t->last_look = delay >= left || in->waiting_count >= WAITING_MAX;
	note_claim(in, t);
	put_aside(in, t, delay < left ? delay : left);
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
		put_aside(in, t, pace_delay_ms(++t->attempts));
	} else {
		drop_stuck(t->source->drop, t->name);
		take_free(t);
	}
}

/* It was accepted before a crash, but its owner has changed the file since: its line must not wait for a message. */
static void forget(struct intake *in, uint64_t id)
{
	struct ledger_message *m = ledger_get(in->setup.ledger, id);

	if (!m || m->done || m->files != 1)
		return;
	commit_line(*in->setup.commit, &(struct journal_line){ .kind = JOURNAL_DONE, .id = id });
	m->files = 0;
	commit_gone(*in->setup.commit, m);
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

	commit_line(*in->setup.commit, &line);
	known = ledger_get(in->setup.ledger, m->id);
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
	commit_line(*in->setup.commit, &(struct journal_line){ .kind = JOURNAL_BATCH, .id = t->store.id,
		.count = t->store.count });
}

/* All its messages were told. */
static void close_claim(struct intake *in, struct take *t)
{
	if (t->store.count)
		note_batch(in, t);
	if (!t->store.adopted && !t->store.unwritten)
		commit_remove(*in->setup.commit, &(struct removal){ .id = t->store.id,
			.count = t->store.count, .drop = true });
	finish(in, t);
}

/* A file may hold many messages: they are told in several turns, so that nobody waits for the end of it. */
static void tell_some(void *arg)
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
		loop_later(in->setup.loop, &in->tell);
	ask_more(in);
}

static void names_synced(void *arg)
{
	struct take *t = arg;
	struct intake *in = t->owner;

	list_remove(&t->link);
	list_append(&in->arriving, &t->link);
	loop_later(in->setup.loop, &in->tell);
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
		dirsync_wait(in->setup.dirsync, &t->synced);
}

static void note_copy(struct intake *in, struct take *t);

static void act(struct intake *in, struct take *t)
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
		note_copy(in, t);
		return;
	case TAKE_GONE:
		break;
	case TAKE_GO_ON:
	case TAKE_COPY:
		assert(!"a file that was not worked on to an end");
	}
	finish(in, t);
}

/* ---- with the disk threads ---- */

static void copy_work(struct disk_job *job, char *room)
{
	take_copy(LIST_OF(job, struct take, job), room);
}

static void copy_done(struct disk_job *job)
{
	struct take *t = LIST_OF(job, struct take, job);
	struct intake *in = t->owner;

	act(in, t);
	ask_more(in);
}

/* Nobody is there to share the disk's waits with: each change of thread would only cost it time. */
static void lone_work(struct take *t, char *room)
{
	if (t->outcome == TAKE_COPY && t->before.st_size <= SMALL)
		take_copy(t, room);
	t->durable = t->outcome == TAKE_STORED && dirsync_here(t->store.tree) == 0;
}

/* What stays unwritten shares what the group may use. */
static size_t look(struct take *t, size_t memory, char *room)
{
	t->memory = memory < SMALL ? memory : SMALL;
	take_look(t, room);
	return t->outcome == TAKE_STORED && t->store.unwritten ? memory - (size_t)t->before.st_size : memory;
}

/* Files that must be copied wait for the disk side by side, and keep no group busy. */
static void group_work(struct disk_job *job, char *room)
{
	struct group *g = LIST_OF(job, struct group, job);

	for (size_t i = 0; i < g->count; i++)
		g->memory = look(g->takes[i], g->memory, room);
	if (g->count == 1)
		lone_work(g->takes[0], room);
}

static void looked_at(struct intake *in, struct take *t)
{
	if (t->claimed || t->outcome == TAKE_GONE)
		drop_forget(t->source->drop, t->name);
	if (t->outcome == TAKE_STORED && t->store.unwritten)
		budget_add(in->setup.budget, t->store.messages[0]->content_size);
	if (t->outcome != TAKE_COPY) {
		act(in, t);
		return;
	}
	t->job = (struct disk_job){ .work = copy_work, .done = copy_done };
	disk_run(in->setup.disk, DISK_INTAKE, &t->job);
}

/* ---- claims by a copy ---- */

static void claim_work(struct disk_job *job, char *room)
{
	take_claim_copied(LIST_OF(job, struct take, job), room);
}

static void claim_done(struct disk_job *job)
{
	struct take *t = LIST_OF(job, struct take, job);

	looked_at(t->owner, t);
	ask_more(t->owner);
}

static void claim_noted(void *arg)
{
	struct take *t = arg;
	struct intake *in = t->owner;

	t->job = (struct disk_job){ .work = claim_work, .done = claim_done };
	disk_run(in->setup.disk, DISK_INTAKE, &t->job);
}

/* The original may only go when a start would know it again. */
static void note_copy(struct intake *in, struct take *t)
{
	t->noted = true;
	commit_line(*in->setup.commit, &(struct journal_line){ .kind = JOURNAL_CLAIM, .id = t->store.id,
		.dir = text_of(t->source->name), .name = text_of(t->name), .uid = t->uid,
		.key = text_of(t->key) });
	commit_wait(*in->setup.commit, claim_noted, t);
}

static void group_done(struct disk_job *job)
{
	struct group *g = LIST_OF(job, struct group, job);
	struct intake *in = g->intake;

	in->group_at_work = false;
	for (size_t i = 0; i < g->count; i++)
		looked_at(in, g->takes[i]);
	free(g);
	ask_more(in);
}

static void start_group(struct intake *in)
{
	struct group *g = in->group;

	if (!g)
		return;
	in->group = NULL;
	in->group_at_work = true;
	g->memory = budget_room(in->setup.budget);
	disk_run(in->setup.disk, DISK_INTAKE, &g->job);
}

static void run(struct intake *in, struct take *t)
{
	t->floor = t->claimed ? t->store.id : ids_last(in->setup.ids);
	list_append(&in->running, &t->link);
	in->running_count++;
	if (!in->group) {
		in->group = mem_alloc(sizeof *in->group);
		in->group->job = (struct disk_job){ .work = group_work, .done = group_done };
		in->group->intake = in;
	}
	in->group->takes[in->group->count++] = t;
	if (in->group->count == GROUP)
		start_group(in);
}

/* ---- what to take next ---- */

static bool may_take(const struct intake *in)
{
	return in->begun && !in->paused && !space_is_short(in->space) && in->running_count < RUNNING_MAX
		&& !in->group_at_work && !budget_is_crowded(in->setup.budget);
}

static void run_due(struct intake *in)
{
	int64_t now = loop_now(in->setup.loop), next = INT64_MAX;

	LIST_EACH(at, &in->waiting) {
		struct take *t = LIST_OF(at, struct take, link);

		if (t->due > now || !may_take(in)) {
			next = t->due < next ? t->due : next;
			continue;
		}
		list_remove(at);
		in->waiting_count--;
		run(in, t);
	}
	in->next_due = next;
}

static struct take *new_take(struct intake *in, const struct source *source, const char *name)
{
	struct take *t = take_new(in->setup.tree, source, in->setup.ids, &in->setup.limits, name);

	t->owner = in;
	return t;
}

/* Messages that an owner may have in the queue now; 0: any number. */
static size_t owner_limit(const struct intake *in)
{
	size_t limit = in->setup.owner_limit;

	return in->fair && (limit == 0 || limit > FAIR_SHARE) ? FAIR_SHARE : limit;
}

static size_t count_of(const struct list *takes, uid_t uid)
{
	size_t n = 0;

	LIST_EACH(at, takes)
		n += LIST_OF(at, struct take, link)->uid == uid;
	return n;
}

static void tell_full(struct intake *in, uid_t uid, size_t limit)
{
	int64_t now = loop_now(in->setup.loop);

	if (in->fair || (in->told_full && now - in->told_full < TELL_FULL_MS))
		return;
	in->told_full = now;
	log_line(LOG_LEVEL_WARNING, "pickup", NULL,
		"uid %lu has %zu messages in the queue, as many as owner_limit allows; his further files wait where they "
		"are", (unsigned long)uid, limit);
}

/* Whether the owner of a file has so many messages that it has to wait. Without a limit nothing is asked. */
static bool is_full(struct intake *in, const struct source *source, const char *name, uid_t *uid)
{
	size_t limit = owner_limit(in);
	struct stat st;

	*uid = (uid_t)-1;
	if (limit == 0 || fstatat(source->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	*uid = st.st_uid;
	if (ledger_owned(in->setup.ledger, st.st_uid) + count_of(&in->running, st.st_uid) +
			count_of(&in->arriving, st.st_uid) < limit)
		return false;
	tell_full(in, st.st_uid, limit);
	return true;
}

static void fill(struct intake *in)
{
	char name[NAME_MAX + 1];
	const struct source *source;
	struct drop_hint hint;
	uid_t uid;

	while (may_take(in) && in->waiting_count < WAITING_MAX &&
			sources_next(in->sources, &source, name, &hint)) {
		struct take *t;

		if (is_full(in, source, name, &uid)) {
			drop_full(source->drop, name);
			continue;
		}
		t = new_take(in, source, name);
		t->hint = hint;
		t->uid = uid;
		run(in, t);
	}
	start_group(in);
}

/* Files that were put aside come first. */
static void go_on(void *arg)
{
	struct intake *in = arg;

	if (in->waiting_count && in->next_due <= loop_now(in->setup.loop) && may_take(in) && !in->fair)
		run_due(in);
	fill(in);
	if (in->begun && (in->waiting_count || budget_is_crowded(in->setup.budget))
			&& !loop_timer_is_set(in->timer))
		loop_timer_set(in->timer, AGAIN_MS);
}

static void ask_more(struct intake *in)
{
	loop_later(in->setup.loop, &in->more);
}

/* ---- life ---- */

struct intake *intake_new(const struct intake_setup *setup, const struct spool_setup *directories, char **why)
{
	struct intake *in = mem_alloc(sizeof *in);

	in->setup = *setup;
	list_init(&in->running);
	list_init(&in->waiting);
	list_init(&in->arriving);
	in->more = (struct loop_task){ .fn = go_on, .arg = in };
	in->tell = (struct loop_task){ .fn = tell_some, .arg = in };
	in->timer = loop_timer_new(setup->loop, go_on, in);
	in->space = space_new(setup->loop, setup->tree, setup->minimum_free, go_on, in);
	in->sources = sources_new(setup->loop, setup->disk, setup->tree, directories, go_on, in, why);
	if (in->sources)
		return in;
	intake_free(in);
	return NULL;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	LIST_EACH(at, &in->running)
		take_free(LIST_OF(at, struct take, link));
	LIST_EACH(at, &in->waiting)
		take_free(LIST_OF(at, struct take, link));
	LIST_EACH(at, &in->arriving)
		take_free(LIST_OF(at, struct take, link));
	loop_cancel(in->setup.loop, &in->tell);
	loop_cancel(in->setup.loop, &in->more);
	sources_free(in->sources);
	space_free(in->space);
	loop_timer_free(in->timer);
	free(in);
}

void intake_begin(struct intake *in)
{
	in->begun = true;
	sources_begin(in->sources);
	go_on(in);
}

void intake_end(struct intake *in)
{
	in->begun = false;
	sources_end(in->sources);
	loop_timer_stop(in->timer);
}

void intake_pause(struct intake *in, bool paused)
{
	in->paused = paused;
	go_on(in);
}

void intake_fair(struct intake *in, bool fair)
{
	in->fair = fair;
	go_on(in);
}

void intake_go_on(struct intake *in)
{
	if (in->begun)
		ask_more(in);
}

void intake_reconfigure(struct intake *in, const struct store_limits *limits, const struct spool_setup *setup)
{
	in->setup.limits = *limits;
	in->setup.owner_limit = setup->owner_limit;
	space_set_minimum(in->space, setup->minimum_free);
	sources_reconfigure(in->sources, setup);
}

static bool was_accepted(const struct intake *in, uint64_t id)
{
	const struct ledger_message *m = ledger_get(in->setup.ledger, id);

	return m && m->accepted;
}

/* A claim by a copy, whose file is ours. */
static void know_original(struct take *t, const struct replay_claim *claim)
{
	claim_remove_original(t->source, claim->name, claim->key);
	t->is_copy = true;
	t->uid = (uid_t)claim->uid;
}

void intake_retake(struct intake *in, uint64_t id, unsigned count, bool *have, const struct replay_claim *claim)
{
	const struct source *source = sources_find(in->sources, claim->dir);
	struct take *t = new_take(in, source, claim->name);

	if (*claim->key)
		know_original(t, claim);
	t->claimed = t->noted = true;
	t->store.id = t->floor = id;
	t->store.count = count;
	t->have = have;
	/* how many are in a file that is not counted yet is not known */
	t->store.have = count ? have : NULL;
	/* it, or a part of it, was accepted already: it was found good by the limits of its time */
	if (count || was_accepted(in, id))
		t->store.limits = (struct store_limits){ .rcpts = SIZE_MAX };
	put_aside(in, t, 0);
}

static uint64_t lowest(const struct list *takes, uint64_t lower)
{
	LIST_EACH(at, takes) {
		const struct take *t = LIST_OF(at, struct take, link);

		lower = t->floor < lower ? t->floor : lower;
	}
	return lower;
}

uint64_t intake_oldest_claim(const struct intake *in)
{
	return lowest(&in->running, lowest(&in->waiting, lowest(&in->arriving, UINT64_MAX)));
}

void intake_state(const struct intake *in, struct spool_state *state)
{
	state->intake_stopped = space_is_short(in->space);
	state->free_bytes = space_free_bytes(in->space);
	state->files_taken = in->taken;
	state->files_refused = in->refused;
}
