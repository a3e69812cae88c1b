/*
 * Every state that a crash can leave behind. A message goes its way through the spool; then, for each change
 * that it made on the disk and each mixture of what was not synced, the disk is made to look so and a start
 * goes on with it. At the end nobody may be without mail, nobody may have got a copy after his result was
 * told as committed, and nothing is left over. Each of these starts may crash itself: behind the death of the
 * process alone, when what it found is not synced yet, and behind a power cut.
 *
 * CAUSEWAY_TEST_CRASHES=N: so many one after the other (default 2); CAUSEWAY_TEST_TRACE=1 tells each state.
 */
#include "config.h"

#include <stdlib.h>

#include "crash_disk.h"
#include "spool_peer.h"

enum { RCPTS_MAX = 4, SEEN = 1 << 20, LABEL = 300, LARGE = 70 * 1024 };

struct scenario {
	const char *what;
	const char *text;                     /* the drop file */
	const char *names[RCPTS_MAX];         /* who must be served */
	size_t left;                          /* messages that stay */
	enum { FROM_DROP, FROM_PICKUP } from; /* a pickup directory, and its bad directory, on other disks */
	bool bad, large;                      /* the file is refused; is too large for memory */
	bool once;                            /* too much for a second crash */
	unsigned failing;                     /* this sync of a file fails */
};

#define WIRE(to) "MAIL FROM:<a@example.org>\r\nRCPT TO:<" to "@example.org>\r\nDATA\r\nx\r\n.\r\n"

static const struct scenario scenarios[] = {
	{ .what = "adopted", .text = WIRE("wire"), .names = { "wire" } },
	{ .what = "adopted, refused", .text = WIRE(PEER_BOUNCE), .names = { PEER_BOUNCE, PEER_REPORT } },
	{ .what = "adopted, deferred", .text = WIRE(PEER_DEFER), .names = { PEER_DEFER }, .left = 1 },
	{ .what = "in memory", .text = PEER_MAIL("copy"), .names = { "copy" } },
	{ .what = "in memory, refused", .text = PEER_MAIL(PEER_BOUNCE), .names = { PEER_BOUNCE, PEER_REPORT } },
	{ .what = "in memory, deferred", .text = PEER_MAIL(PEER_DEFER), .names = { PEER_DEFER }, .left = 1 },
	{ .what = "in memory, late", .text = PEER_MAIL(PEER_LATE), .names = { PEER_LATE, PEER_DELAY },
		.left = 1 },
	{ .what = "in memory, held", .text = PEER_MAIL(PEER_HOLD), .names = { PEER_HOLD }, .left = 1 },
	{ .what = "in memory, deleted", .text = PEER_MAIL(PEER_DELETE), .names = { PEER_DELETE } },
	{ .what = "copied", .text = PEER_MAIL("large"), .names = { "large" }, .large = true },
	{ .what = "two of a file", .text = PEER_MAIL("one") PEER_MAIL("two"), .names = { "one", "two" } },
	{ .what = "bad", .text = "no message\n", .bad = true },
	{ .what = "picked up", .text = PEER_MAIL("picked"), .names = { "picked" }, .from = FROM_PICKUP },
	{ .what = "picked up, bad", .text = "no message\n", .from = FROM_PICKUP, .bad = true },
	{ .what = "rewriting", .text = PEER_MAIL(PEER_WORDY) PEER_MAIL(PEER_DEFER),
		.names = { PEER_WORDY, PEER_DEFER }, .left = 1,
		.once = true },
	{ .what = "the first sync fails", .text = PEER_MAIL("copy"), .names = { "copy" }, .failing = 1 },
	{ .what = "a sync fails", .text = WIRE(PEER_BOUNCE), .names = { PEER_BOUNCE, PEER_REPORT },
		.failing = 2 },
	{ .what = "another sync fails", .text = WIRE(PEER_BOUNCE), .names = { PEER_BOUNCE, PEER_REPORT },
		.failing = 3 },
	{ .what = "a third sync fails", .text = WIRE(PEER_BOUNCE), .names = { PEER_BOUNCE, PEER_REPORT },
		.failing = 4 },
};

static const struct scenario *now;
static uint64_t seen[SEEN];
static size_t seen_count, states;

/* ---- the world ---- */

static char *text_of_file(void)
{
	size_t content = strlen(now->text) - strlen("x\n.\n");
	char *large;

	if (!now->large)
		return mem_str(now->text);
	large = mem_fmt("%s%*s", now->text, LARGE, "\n.\n");
	memset(large + content, 'x', strlen(large) - content - strlen("\n.\n"));
	return large;
}

static size_t count_names(void)
{
	size_t n = 0;

	while (n < RCPTS_MAX && now->names[n])
		n++;
	return n;
}

/* Whether a file there is the one that was dropped. */
static bool is_kept(const struct world *w, const char *directory)
{
	DIR *d = opendir(world_path(w, directory));
	const struct dirent *e;
	bool kept = false;

	while ((e = readdir(d))) {
		char *name = mem_fmt("%s/%s", directory, e->d_name), *text;
		size_t n;

		text = *e->d_name == '.' ? NULL : world_read(w, name, &n);
		kept |= text && strcmp(text, now->text) == 0;
		free(text);
		free(name);
	}
	closedir(d);
	return kept;
}

static bool complete(const struct world *w)
{
	return peer_is_complete(w, now->names, count_names(), now->left) && world_count(w, "pickup", "") == 0
		&& (is_kept(w, "drop/bad") || is_kept(w, "bad")) == now->bad;
}

static void run_to_end(struct world *w)
{
	peer_begin(w);
	world_wait(w, complete(w));
	world_close(w);
}

static struct world *begin(void)
{
	static const struct { const char *name; int device; } places[] =
		{ { "queue", 1 }, { "drop/new", 1 }, { "drop/bad", 1 },
		{ "corrupt", 1 }, { "pickup", 2 }, { "bad", 3 } };
	static struct spool_pickup pickup = { .form = DROP_FILE_AUTO };
	struct world *w = world_new();

	pickup.path = mem_str(world_path(w, "pickup"));
	pickup.bad = mem_str(world_path(w, "bad"));
	mkdir(pickup.path, 0755);
	mkdir(pickup.bad, 0755);
	w->setup.pickups = &pickup;
	w->setup.pickup_count = 1;
	world_open(w);
	world_close(w);
	for (size_t i = 0; i < UNIT_ROWS(places); i++)
		crash_disk_watch(world_path(w, places[i].name), places[i].device);
	return w;
}

static void drop(const struct world *w)
{
	char *text = text_of_file();

	if (now->from == FROM_DROP)
		world_drop_old(w, "file", text);
	else
		world_write(w, "pickup/file", text, strlen(text));
	free(text);
}

/* ---- all states ---- */

/* Whether a state is new; what the peer remembers is a part of it. */
static bool is_new(uint64_t digest, size_t notes)
{
	size_t at = (digest += notes) % SEEN;

	for (; seen[at]; at = (at + 1) % SEEN)
		if (seen[at] == digest)
			return false;
	ck_assert_uint_lt(++seen_count, SEEN / 2);
	seen[at] = digest;
	return true;
}

static void trace(const struct crash_disk *d, size_t n, const char *what)
{
	if (!getenv("CAUSEWAY_TEST_TRACE"))
		return;
	printf("%s\n", what);
	for (size_t i = 0; i < n; i++)
		printf("\t%s\n", crash_disk_describe(d, i));
	fflush(stdout);
}

/* What a sync that failed has lost can be read until the power fails, but no start can know that. */
static bool may_crash_again(bool power_off)
{
	return !now->once && (power_off || !now->failing);
}

static void explore(struct world *w, const struct crash_disk *d, size_t from, unsigned crashes,
	const char *what);

/* A start from one state, and what becomes of it when it crashes. */
static void start_from(struct world *w, const struct crash_disk *d, size_t n, size_t mixture,
	unsigned crashes, const char *what)
{
	const struct peer_notes before = *peer_notes;
	struct crash_disk *after;
	char here[LABEL];

	peer_notes->count = crash_disk_clock(d, n);
	snprintf(here, sizeof here, "%s, %s %zu.%zu", what, mixture ? "power off" : "killed", n, mixture);
	trace(d, n, here);
	after = crash_disk_after(d, n, mixture);
	crash_disk_note(after, &peer_notes->count);
	run_to_end(w);
	peer_check(w, now->names, count_names(), now->left, here);
	states++;
	if (crashes > 1 && may_crash_again(mixture))
		explore(w, after, mixture ? 0 : n + 1, crashes - 1, here);
	crash_disk_free(after);
	*peer_notes = before;
}

static void explore(struct world *w, const struct crash_disk *d, size_t from, unsigned crashes,
	const char *what)
{
	for (size_t n = from; n <= crash_disk_count(d); n++)
		for (size_t m = 0; m < crash_disk_mixtures(d, n); m++)
			if (is_new(crash_disk_digest(d, n, m), crash_disk_clock(d, n)))
				start_from(w, d, n, m, crashes, what);
}

static unsigned crashes(void)
{
	const char *asked = getenv("CAUSEWAY_TEST_CRASHES");

	return asked ? (unsigned)atoi(asked) : 2;
}

START_TEST(test_all_states)
{
	struct world *w = begin();
	struct crash_disk *d;

	now = &scenarios[_i];
	peer_notes_new();
	drop(w);
	d = crash_disk_new();
	crash_disk_note(d, &peer_notes->count);
	crash_disk_fail_sync(now->failing);
	run_to_end(w);
	peer_check(w, now->names, count_names(), now->left, now->what);
	explore(w, d, 0, crashes(), now->what);
	ck_assert_uint_gt(states, crash_disk_count(d));
	printf("%s: %zu changes, %zu states\n", now->what, crash_disk_count(d), states);
	crash_disk_note(NULL, NULL);
	crash_disk_free(d);
	world_free(w);
}
END_TEST

/* ---- a call fails ---- */

/* One of them for each call, and another one in the next scenario. */
static const int errors[] = { ENOSPC, EIO, EMFILE };

/* One call of the disk fails once; whether so many were made. */
static bool fails(struct world *w, const struct crash_disk *d, unsigned call, int error)
{
	struct crash_disk *again = crash_disk_after(d, 0, 0);
	char what[LABEL];
	bool has_come;

	snprintf(what, sizeof what, "%s, call %u fails: %s", now->what, call, strerror(error));
	trace(again, 0, what);
	peer_notes->count = 0;
	crash_disk_note(again, &peer_notes->count);
	peer_begin(w);
	crash_disk_refuse(call, error);
	world_wait(w, complete(w));
	world_close(w);
	peer_check(w, now->names, count_names(), now->left, what);
	has_come = crash_disk_refuse(0, 0);
	if (crashes() > 2)
		explore(w, again, 0, 1, what);
	crash_disk_free(again);
	return has_come;
}

/* Nothing is lost, doubled, or left behind until the next start; a file that could not be removed would
 * be. */
START_TEST(test_any_call_fails)
{
	struct world *w = begin();
	struct crash_disk *d;
	unsigned calls = 1;

	now = &scenarios[_i];
	peer_notes_new();
	drop(w);
	d = crash_disk_new();
	if (!now->once && !now->failing)
		for (; fails(w, d, calls, errors[(calls + (unsigned)_i) % UNIT_ROWS(errors)]); calls++)
			continue;
	printf("%s: %u calls\n", now->what, calls - 1);
	crash_disk_note(NULL, NULL);
	crash_disk_free(d);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "any call fails", test_any_call_fails, UNIT_ROWS(scenarios), 0 },
		{ "all states", test_all_states, UNIT_ROWS(scenarios), 0 },
	};

	return unit_main("spool/power", cases, UNIT_ROWS(cases));
}
