/* Which destinations are suspended, over everything that happens to a journal. */
#include "config.h"

#include <stdlib.h>

#include "spool_world.h"

#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n"
#define FIRST "lmtp:unix:/run/a b%/s\xc3\xbc"   /* as it stands in the journal it is encoded */
#define SECOND "lmtp:inet:second"

/* ---- a receiver that notes the names, and that they come ahead of all messages ---- */

static char told[2000];

static void note_suspended(void *arg, const char *destination)
{
	const struct world *w = arg;
	size_t n = strlen(told);

	ck_assert_uint_eq(w->known_count, 0);
	snprintf(told + n, sizeof told - n, "%s\n", destination);
}

static void note_known(void *arg, const struct spool_known *known)
{
	struct world *w = arg;

	w->known[w->known_count++].known = *known;
}

static void note_arrived(void *arg, struct spool_message *m)
{
	struct world *w = arg;

	w->arrived[w->arrived_count++] = m;
}

static void open_world(struct world *w)
{
	static const struct spool_events events = { .arrived = note_arrived, .suspended = note_suspended,
		.known = note_known, .ready = world_ready };

	told[0] = '\0';
	world_begin(w, &events);
	world_wait(w, w->ready);
}

static void check_told(const char *expected)
{
	ck_assert_str_eq(told, expected);
}

/* A message that waits, one destination that is suspended, and one that no longer is. */
static struct world *suspended(void)
{
	struct world *w = world_new();

	open_world(w);
	world_drop(w, "1", WIRE);
	world_wait(w, w->arrived_count == 1);
	spool_next(w->spool, w->arrived[0]->id, 1000, 1);
	spool_suspend(w->spool, SECOND, true);
	spool_suspend(w->spool, FIRST, true);
	spool_suspend(w->spool, FIRST, true);
	spool_suspend(w->spool, SECOND, false);
	return w;
}

START_TEST(test_over_a_start)
{
	struct world *w = suspended();

	world_commit(w);
	world_close(w);
	open_world(w);
	ck_assert_uint_eq(w->known_count, 1);
	check_told(FIRST "\n");
	spool_suspend(w->spool, FIRST, false);
	world_commit(w);
	world_close(w);
	open_world(w);
	check_told("");
	world_free(w);
}
END_TEST

/* A name as long as names of destinations may be. */
START_TEST(test_long_name)
{
	struct world *w = world_new();
	char name[1431], line[1433];

	memset(name, '%', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(line, sizeof line, "%s\n", name);
	open_world(w);
	spool_suspend(w->spool, name, true);
	world_commit(w);
	world_close(w);
	open_world(w);
	check_told(line);
	spool_suspend(w->spool, name, false);
	world_commit(w);
	world_close(w);
	open_world(w);
	check_told("");
	world_free(w);
}
END_TEST

/* The journal fails, and a new one is printed from memory. */
START_TEST(test_in_a_journal_from_memory)
{
	struct world *w = suspended();

	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "append:1", 1);
	spool_next(w->spool, w->arrived[0]->id, 2000, 2);
	world_commit(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_close(w);
	open_world(w);
	ck_assert_uint_eq(w->known[0].known.attempts, 2);
	check_told(FIRST "\n");
	world_free(w);
}
END_TEST

enum { ATTEMPTS = 20, RCPTS = 1000 };

/* One attempt's lines; all attempts together are more than a journal may grow to. */
static void defer(struct world *w, unsigned attempt)
{
	static char text[400];
	struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "p", .text = text,
		.when = attempt };

	memset(text, 'x', sizeof text - 1);
	for (result.rcpt = 0; result.rcpt < RCPTS; result.rcpt++)
		spool_result(w->spool, w->arrived[0]->id, &result);
	spool_next(w->spool, w->arrived[0]->id, 1000 + attempt, attempt);
}

/* Of what was said before a rewriting only what holds is left, and it holds whatever comes after. */
START_TEST(test_over_a_rewriting)
{
	struct world *w = suspended();
	struct spool_state state;
	char *journal;
	size_t n;

	for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
		defer(w, attempt);
		world_commit(w);
	}
	world_wait(w, (spool_state(w->spool, &state), state.journal_bytes < 4000000));
	world_close(w);
	journal = world_read(w, "queue/journal", &n);
	ck_assert_ptr_null(strstr(journal, SECOND));
	ck_assert_ptr_nonnull(strstr(journal, "suspend suspended=1 name=lmtp:unix:/run/a%20b%25/s%c3%bc\n"));
	free(journal);
	open_world(w);
	ck_assert_uint_eq(w->known_count, 1);
	check_told(FIRST "\n");
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "over a start", test_over_a_start, 1, 0 },
		{ "long name", test_long_name, 1, 0 },
		{ "in a journal from memory", test_in_a_journal_from_memory, 1, 0 },
		{ "over a rewriting", test_over_a_rewriting, 1, 0 },
	};

	return unit_main("spool/suspended", cases, UNIT_ROWS(cases));
}
