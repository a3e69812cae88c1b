/*
 * Kills a process that uses the spool at each step of doc/queue.md and lets the next one go on. A "peer"
 * outside of the spool notes who was sent what and which results were told as committed; at the end nobody
 * may be without mail, and nobody may have got mail after his result was told as committed.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "spool_peer.h"

enum { NAMES = 10, LEFT = 2 };

static const char *const names[NAMES] = { "wire", "copy", "first", "second", "third", PEER_BOUNCE, PEER_DEFER,
	PEER_REPORT, PEER_LATE, PEER_DELAY };

static void drop_all(struct world *w)
{
	peer_notes_new();
	world_drop(w, "1", "MAIL FROM:<a@example.org>\r\nRCPT TO:<wire@example.org>\r\nDATA\r\nx\r\n.\r\n");
	world_drop(w, "2", PEER_MAIL("copy"));
	world_drop(w, "3", PEER_MAIL("first") PEER_MAIL("second") PEER_MAIL("third"));
	world_drop(w, "4", PEER_MAIL(PEER_BOUNCE));
	world_drop(w, "5", PEER_MAIL(PEER_DEFER));
	world_drop(w, "7", PEER_MAIL(PEER_LATE));
	world_drop_old(w, "bad", "no message\n");
}

static bool complete(const struct world *w)
{
	return peer_is_complete(w, names, NAMES, LEFT) && world_count(w, "drop/bad", "") > 1;
}

/* ---- the process under test ---- */

static void run_to_end(struct world *w)
{
	peer_begin(w);
	world_wait(w, complete(w));
	world_close(w);
}

static size_t journal_size(const struct world *w)
{
	struct stat st;

	ck_assert_int_eq(stat(world_path(w, "queue/journal"), &st), 0);
	return (size_t)st.st_size;
}

/* A message that is soon gone leaves so many lines that the journal is rewritten. */
static void run_to_end_with_rewriting(struct world *w)
{
	peer_begin(w);
	world_wait(w, complete(w) && peer_count('f', PEER_WORDY) && journal_size(w) < PEER_WORDY_LINES * 100);
	world_close(w);
}

/* Runs a process that is to die at a step; whether it did. */
static bool dies(struct world *w, void (*run)(struct world *), const char *step)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setenv("CAUSEWAY_TEST_CRASH", step, 1);
		run(w);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		|| (WIFEXITED(status) && WEXITSTATUS(status) == 0),
		"%s: the process failed by itself (%d)", step, status);
	return WIFSIGNALED(status);
}

/* ---- every step once ---- */

static const char *const steps[] = {
	"claim-renamed", "claim-withdrawn", "part-written", "part-synced", "part-renamed", "batch-renamed",
		"batch-directory-synced",
	"directory-synced", "drop-unlinked", "reason-written", "bad-renamed", "report-written",
	"report-synced", "report-renamed",
	"report-directory-synced", "journal-written", "journal-synced", "unlinked",
	"part-removed",   /* only at a start that follows a death */
};

enum { PASSAGES = 6 };

START_TEST(test_step)
{
	struct world *w;
	char step[60];
	int deaths = 0;

	for (int passage = 1; passage <= PASSAGES; passage++) {
		w = world_new();
		snprintf(step, sizeof step, "%s:%d", steps[_i], passage);
		world_open(w);
		world_close(w);
		drop_all(w);
		deaths += dies(w, run_to_end, step);
		run_to_end(w);
		peer_check(w, names, NAMES, LEFT, step);
		world_free(w);
	}
	ck_assert_msg(deaths >= 1, "%s is never passed", steps[_i]);
}
END_TEST

/* ---- and a second time while the first death is being repaired ---- */

START_TEST(test_two_steps)
{
	struct world *w;
	char both[100];

	for (size_t second = 0; second < UNIT_ROWS(steps); second++) {
		w = world_new();
		snprintf(both, sizeof both, "%s, then %s", steps[_i], steps[second]);
		world_open(w);
		world_close(w);
		drop_all(w);
		dies(w, run_to_end, steps[_i]);
		dies(w, run_to_end, steps[second]);
		run_to_end(w);
		peer_check(w, names, NAMES, LEFT, both);
		world_free(w);
	}
}
END_TEST

/* ---- while the journal is rewritten ---- */

static const char *const rewrite_steps[] = {
	"rewrite-written", "rewrite-synced", "rewrite-renamed", "rewrite-directory-synced",
};

START_TEST(test_rewriting)
{
	struct world *w = world_new();

	world_open(w);
	world_close(w);
	drop_all(w);
	world_drop(w, "6", PEER_MAIL(PEER_WORDY));
	ck_assert(dies(w, run_to_end_with_rewriting, rewrite_steps[_i]));
	run_to_end(w);
	peer_check(w, names, NAMES, LEFT, rewrite_steps[_i]);
	ck_assert_uint_eq(world_count(w, "queue", ".new"), 0);
	world_open(w);
	ck_assert_uint_eq(w->known_count, LEFT);
	for (int i = 0; i < LEFT; i++)
		ck_assert_uint_eq(w->known[i].known.attempts, 1);
	world_free(w);
}
END_TEST

/* The same where the rewriting follows a journal that cannot be written. */
START_TEST(test_rewriting_from_memory)
{
	struct world *w;
	int deaths = 0;

	for (int append = 2; append < 6; append++) {
		char fail[20];

		w = world_new();
		world_open(w);
		world_close(w);
		drop_all(w);
		snprintf(fail, sizeof fail, "append:%d", append);
		setenv("CAUSEWAY_TEST_FAIL", fail, 1);
		deaths += dies(w, run_to_end, rewrite_steps[_i]);
		unsetenv("CAUSEWAY_TEST_FAIL");
		run_to_end(w);
		peer_check(w, names, NAMES, LEFT, fail);
		world_free(w);
	}
	ck_assert_int_ge(deaths, 1);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "step", test_step, UNIT_ROWS(steps) - 1, 0 },
		{ "two steps", test_two_steps, UNIT_ROWS(steps) - 1, 0 },
		{ "rewriting", test_rewriting, UNIT_ROWS(rewrite_steps), 0 },
		{ "rewriting from memory", test_rewriting_from_memory, UNIT_ROWS(rewrite_steps), 0 },
	};

#ifndef CAUSEWAY_TEST_HOOKS
	puts("needs configure --enable-test-hooks");
	return 77;
#endif
	return unit_main("spool/crash", cases, UNIT_ROWS(cases));
}
