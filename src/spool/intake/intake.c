#include "spool/intake/intake_private.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	RUNNING_MAX = 512,         /* files between claim and arrival; each holds a descriptor */
	FAIR_SHARE = 100,          /* messages of an owner, while the queue is far behind */
	TELL_FULL_MS = 60000       /* between lines about owners with too many messages */
};

static bool may_take(const struct intake *in)
{
	return in->begun && !in->paused && !space_is_short(in->space) && in->running_count < RUNNING_MAX
		&& !in->group_at_work && !budget_is_crowded(in->setup.parts->budget);
}

static void run_due(struct intake *in)
{
	int64_t now = loop_now(in->setup.parts->loop), next = INT64_MAX;

	LIST_EACH(at, &in->waiting) {
		struct take *t = LIST_OF(at, struct take, link);

		if (t->due > now || !may_take(in)) {
			next = t->due < next ? t->due : next;
			continue;
		}
		list_remove(at);
		in->waiting_count--;
		intake_run(in, t);
	}
	in->next_due = next;
}

static struct take *new_take(struct intake *in, const struct source *source, const char *name)
{
	struct take *t = take_new(in->setup.parts->tree, source, in->setup.parts->ids, &in->setup.limits, name);

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
	int64_t now = loop_now(in->setup.parts->loop);

	if (in->fair || (in->told_full && now - in->told_full < TELL_FULL_MS))
		return;
	in->told_full = now;
	log_line(LOG_LEVEL_WARNING, "pickup", NULL,
		"uid %lu has %zu messages in the queue, as many as owner_limit allows; his further files wait where "
		"they are", (unsigned long)uid, limit);
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
	if (ledger_owned(in->setup.parts->ledger, st.st_uid) + count_of(&in->running, st.st_uid) +
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

	while (may_take(in) && in->waiting_count < INTAKE_WAITING_MAX &&
			sources_next(in->sources, &source, name, &hint)) {
		struct take *t;

		if (is_full(in, source, name, &uid)) {
			drop_full(source->drop, name);
			continue;
		}
		t = new_take(in, source, name);
		t->hint = hint;
		t->uid = uid;
		intake_run(in, t);
	}
	intake_start_group(in);
}

/* Files that were put aside come first. */
static void go_on(void *arg)
{
	struct intake *in = arg;

	if (in->waiting_count && in->next_due <= loop_now(in->setup.parts->loop) && may_take(in) && !in->fair)
		run_due(in);
	fill(in);
	if (in->begun && (in->waiting_count || budget_is_crowded(in->setup.parts->budget))
			&& !loop_timer_is_set(in->timer))
		loop_timer_set(in->timer, INTAKE_AGAIN_MS);
}

void intake_ask_more(struct intake *in)
{
	loop_later(in->setup.parts->loop, &in->more);
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
	in->tell = (struct loop_task){ .fn = intake_tell_some, .arg = in };
	in->timer = loop_timer_new(setup->parts->loop, go_on, in);
	in->space = space_new(setup->parts->loop, setup->parts->tree, setup->minimum_free, go_on, in);
	in->sources = sources_new(setup->parts->loop, setup->parts->disk, setup->parts->tree, directories, go_on,
		in, why);
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
	loop_cancel(in->setup.parts->loop, &in->tell);
	loop_cancel(in->setup.parts->loop, &in->more);
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
		intake_ask_more(in);
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
	const struct ledger_message *m = ledger_get(in->setup.parts->ledger, id);

	return m && m->accepted;
}

/* A claim by a copy, whose file is ours. */
static void know_original(struct take *t, const struct replay_claim *claim)
{
	claim_remove_original(t->source, claim->name, claim->key);
	t->is_copy = true;
	t->uid = (uid_t)claim->uid;
}

void intake_retake(struct intake *in, uint64_t id, unsigned count, bool *have,
	const struct replay_claim *claim)
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
	intake_put_aside(in, t, 0);
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
