/* A disk that fails: the N-th sync, write or reservation of a run. All mail arrives once, all results are
 * durable, nobody is told too early. */
#include "config.h"

#include <stdlib.h>

#include "spool_world.h"

#define LF "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\nx\n.\n"
#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n"
#define REPORT_HEAD "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
#define REPORT REPORT_HEAD "Subject: report\r\n\r\nx\r\n.\r\n"

enum { FILES = 4, MESSAGES = 5 };

static const struct spool_result sent = { .status = 's', .dsn = "2.0.0", .peer = "p", .text = "ok",
	.when = 1 };
static const struct spool_result bounced = { .status = 'b', .dsn = "5.0.0", .peer = "p", .text = "no",
	.when = 1 };

static struct world *open_world(const char *fault)
{
	struct world *w = world_new();

	world_open(w);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", fault, 1);   /* calls are counted from here */
	return w;
}

/* The lines that rely on the report about the first message. */
static void finish_first(void *arg)
{
	struct world *w = arg;

	spool_result(w->spool, w->arrived[0]->id, &bounced);
	spool_done(w->spool, w->arrived[0]->id);
}

static void report(struct world *w, uint64_t id)
{
	spool_report(w->spool, id, REPORT, strlen(REPORT), strlen(REPORT_HEAD), finish_first, w);
}

/* Four files, five messages; all but the last are finished, with a report about the first. */
static void use(struct world *w)
{
	world_drop(w, "1", LF);
	world_drop(w, "2", WIRE);
	world_drop(w, "3", LF LF);
	world_drop_old(w, "4", "nonsense\n");
	world_wait(w, w->arrived_count == MESSAGES - 1 && w->refused_count == 1);
	report(w, w->arrived[0]->id + 1);
	world_wait(w, w->arrived_count == MESSAGES);
	for (int i = 1; i < MESSAGES - 1; i++) {
		spool_result(w->spool, w->arrived[i]->id, &sent);
		spool_done(w->spool, w->arrived[i]->id);
	}
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count, MESSAGES);
	world_close(w);
}

static void check(struct world *w)
{
	unsetenv("CAUSEWAY_TEST_FAIL");
	ck_assert_uint_eq(world_messages(w), 1);
	ck_assert_uint_eq(world_count(w, "queue", ".drop") + world_count(w, "queue", ".part"), 0);
	ck_assert_uint_eq(world_count(w, "drop/new", ""), 0);
	ck_assert_uint_eq(world_count(w, "drop/bad", ""), 2);
	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_uint_eq(queue_id_report(w->known[0].known.id), 1);
	ck_assert_uint_eq(w->arrived_count, 0);
	world_free(w);
}

enum { CALLS = 16 };

static const char *const calls[] = { "fsync", "write", "append", "reserve" };

START_TEST(test_one_failure)
{
	char fault[40];
	struct world *w;

	for (size_t call = 0; call < UNIT_ROWS(calls); call++) {
		snprintf(fault, sizeof fault, "%s:%d", calls[call], _i + 1);
		w = open_world(fault);
		use(w);
		check(w);
	}
}
END_TEST

START_TEST(test_many_failures)
{
	struct world *w = open_world("fsync:4-6,write:7-9,append:2");

	use(w);
	check(w);
}
END_TEST

/* ---- nobody is told before it is true ---- */

START_TEST(test_V_12_waits_for_disk)
{
	struct world *w = open_world("");
	int64_t start;

	world_drop(w, "1", LF);
	world_wait(w, w->arrived_count == 1);
	world_commit(w);
	world_commit(w);
	/* the journal's next sync, and that of the one that is printed in its place */
	setenv("CAUSEWAY_TEST_FAIL", "fsync:1-2", 1);
	spool_result(w->spool, w->arrived[0]->id, &sent);
	spool_done(w->spool, w->arrived[0]->id);
	start = loop_micros();
	world_commit(w);
	ck_assert_int_ge(loop_micros() - start, 1900000);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_open(w);
	ck_assert_uint_eq(w->known_count, 0);
	world_free(w);
}
END_TEST

/* A report that cannot be written holds up what relies on it, and nothing else. */
START_TEST(test_W_8_report_waits_alone)
{
	struct world *w = open_world("");
	int64_t start;

	world_drop(w, "1", LF);
	world_drop(w, "2", LF);
	world_wait(w, w->arrived_count == 2);
	world_commit(w);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "write:1", 1);   /* the report's, which is the first */
	start = loop_micros();
	report(w, w->arrived[0]->id + 1);
	world_wait(w, world_count(w, "queue", ".part") == 0);
	spool_result(w->spool, w->arrived[1]->id, &sent);
	spool_done(w->spool, w->arrived[1]->id);
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count, 2);
	world_wait(w, w->arrived_count == 3);
	ck_assert_int_ge(loop_micros() - start, 900000);
	ck_assert_uint_eq(queue_id_report(w->arrived[2]->id), 1);
	ck_assert_str_eq(w->arrived[2]->envelope->sender, "");
	world_free(w);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

/* What is printed from memory says all that counts. */
START_TEST(test_memory_is_complete)
{
	struct world *w = open_world("");
	struct spool_result later = sent;
	uint64_t id;

	later.status = 'd';
	world_drop(w, "1", "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nRCPT "
		"TO:<c@example.org>\nDATA\nx\n.\n");
	world_wait(w, w->arrived_count == 1);
	id = w->arrived[0]->id;
	later.rcpt = 1;
	spool_result(w->spool, id, &sent);
	spool_result(w->spool, id, &later);
	spool_next(w->spool, id, 12345, 6);
	spool_hold(w->spool, id, true);
	spool_suspect(w->spool, id, 2);
	spool_warned(w->spool, id);
	spool_report(w->spool, id + 3, REPORT, strlen(REPORT), strlen(REPORT_HEAD), nothing, NULL);
	world_wait(w, w->arrived_count == 2);
	setenv("CAUSEWAY_TEST_FAIL", "append:1", 1);
	spool_suspect(w->spool, id, 2);   /* any line */
	world_commit(w);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_open(w);
	ck_assert_uint_eq(w->known_count, 2);
	for (int i = 0; i < 2; i++) {
		const struct spool_known *k = &w->known[i].known;

		if (k->id != id)
			continue;
		ck_assert_uint_eq(k->count, 2);
		ck_assert_uint_eq(k->size, 6);
		ck_assert_uint_eq(w->known[i].final[0], 1);
		ck_assert_int_le(llabs(k->next - 12345), 5000);   /* moved along with the clock */
		ck_assert_uint_eq(k->attempts, 6);
		ck_assert(k->held);
		ck_assert(k->warned);
		ck_assert_uint_eq(k->suspect, 2);
		ck_assert_uint_eq(k->reports, 3);
	}
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "one failure", test_one_failure, CALLS, 0 },
		{ "many failures", test_many_failures, 1, 0 },
		{ "waits for the disk", test_V_12_waits_for_disk, 1, 0 },
		{ "report waits alone", test_W_8_report_waits_alone, 1, 0 },
		{ "memory is complete", test_memory_is_complete, 1, 0 },
	};

#ifndef CAUSEWAY_TEST_HOOKS
	puts("needs configure --enable-test-hooks");
	return 77;
#endif
	return unit_main("spool/fault", cases, UNIT_ROWS(cases));
}
