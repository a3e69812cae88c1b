/* Unwritten messages where the disk refuses, and what they may take of memory and descriptors. */
#include "config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "spool_world.h"

#define HEAD "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n"
#define LF HEAD "Subject: x\n\nx\n.\n"

/* ---- a disk that refuses ---- */

/* The message's file, its sync, and that of the directory or the journal. Nobody else waits for the first. */
static const struct { const char *calls; bool alone; } faults[] = {
	{ "write:1-2", true }, { "fsync:1", false }, { "fsync:2", false }, { "write:1-2,fsync:1", false },
};

START_TEST(test_tried_again)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF), *other = world_arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", faults[_i].calls, 1);
	world_begin_writing(w, m);
	world_finish(w, other->id);
	world_commit(w);
	world_wait(w, !world_has(w, other->id, true));
	ck_assert(!faults[_i].alone || m->unwritten);
	world_wait(w, !m->unwritten);
	world_wait(w, !world_has(w, id, true));
	ck_written(w, id);
	ck_assert_uint_eq(world_count(w, "queue", ".part"), 0);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_uint_eq(w->arrived_count, 0);
	world_free(w);
}
END_TEST

/* A stop does not wait for a disk that refuses; the next start has the message. */
START_TEST(test_stop_while_refused)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "write:1-1000", 1);
	world_begin_writing(w, m);
	world_wait(w, world_count(w, "queue", ".part") == 0);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	ck_unwritten(w, id);
	world_open(w);
	world_wait(w, w->arrived_count == 1);
	ck_assert_uint_eq(w->arrived[0]->id, id);
	world_free(w);
}
END_TEST

/* The journal is printed from memory while there is a message without a file. */
START_TEST(test_journal_from_memory)
{
	struct world *w = world_keeping();
	uint64_t id = world_arrive(w, LF)->id, written, gone = world_arrive(w, LF)->id;
	struct spool_message *m = world_arrive(w, LF);

	written = m->id;
	world_commit(w);
	spool_hold(w->spool, id, true);
	world_write_out(w, m);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "append:1", 1);
	world_finish(w, gone);
	world_commit(w);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_open(w);
	world_wait(w, w->arrived_count == 1 && w->known_count == 1);
	ck_assert_uint_eq(w->arrived[0]->id, id);
	ck_assert_uint_eq(w->known[0].known.id, written);
	ck_assert(!w->known[0].known.held);
	world_finish(w, id);
	world_finish(w, written);
	world_commit(w);
	world_reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count, 0);
	world_free(w);
}
END_TEST

/* A stop while the file is being written: whatever of it is done, the next start has the message once. */
START_TEST(test_stop_while_writing)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	world_begin_writing(w, m);
	world_close(w);
	w->keeps = false;
	world_open(w);
	world_wait(w, w->known_count + w->arrived_count == 1);
	world_wait(w, !world_has(w, id, true));
	ck_written(w, id);
	world_free(w);
}
END_TEST

/* ---- bounds ---- */

static size_t unwritten_bytes(const struct world *w, size_t *count)
{
	size_t bytes = 0;

	*count = 0;
	for (size_t i = 0; i < w->arrived_count; i++) {
		if (!w->arrived[i]->unwritten)
			continue;
		bytes += w->arrived[i]->content_at + w->arrived[i]->content_size;
		++*count;
	}
	return bytes;
}

static void drop_files(const struct world *w, int count, size_t content)
{
	char *text = world_text(content, 1), name[20];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%d", i);
		world_drop(w, name, text);
	}
	free(text);
}

/* Nobody finishes any: some stay in memory, the others have their files, and all arrive. */
START_TEST(test_memory_is_bounded)
{
	enum { FILES = 3000 };
	struct world *w = world_keeping();
	size_t count;

	drop_files(w, FILES, 10 * 1024);
	world_wait(w, w->arrived_count == FILES);
	ck_assert_uint_le(unwritten_bytes(w, &count), 9 << 20);
	ck_assert_uint_gt(count, 100);
	world_commit(w);
	ck_assert_uint_eq(world_messages(w), FILES - count);
	for (size_t i = 0; i < FILES; i++)
		world_finish(w, w->arrived[i]->id);
	world_commit(w);
	ck_assert(world_arrive(w, LF)->unwritten);   /* there is room again */
	world_free(w);
}
END_TEST

/* Where there are few descriptors, few messages have one for being unwritten. */
START_TEST(test_descriptors_are_bounded)
{
	enum { FILES = 600, LIMIT = 1024 };
	const struct rlimit few = { LIMIT, LIMIT };
	struct world *w;
	size_t count;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	w = world_keeping();
	drop_files(w, FILES, 10);
	world_wait(w, w->arrived_count == FILES);
	unwritten_bytes(w, &count);
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, LIMIT / 4);
	world_free(w);
}
END_TEST

/* Without any descriptor left a write has to wait, but comes to its end; and leaves none behind. */
START_TEST(test_descriptors_run_out)
{
	struct rlimit before, none;
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	int next = dup(0);

	world_commit(w);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_begin_writing(w, m);
	world_commit(w);
	ck_assert(m->unwritten);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	world_wait(w, !m->unwritten);
	world_free(w);
}
END_TEST

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(test_no_descriptor_is_left)
{
	struct world *w = world_keeping();
	size_t before = open_files();

	for (int i = 0; i < 20; i++) {
		struct spool_message *m = world_arrive(w, LF);

		if (i % 2)
			world_write_out(w, m);
		world_finish(w, m->id);
		world_commit(w);
		w->arrived_count = 0;
		spool_message_free(m);
	}
	world_wait(w, open_files() == before);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "tried again", test_tried_again, UNIT_ROWS(faults), 0 },
		{ "stop while refused", test_stop_while_refused, 1, 0 },
		{ "journal from memory", test_journal_from_memory, 1, 0 },
		{ "stop while writing", test_stop_while_writing, 1, 0 },
		{ "memory is bounded", test_memory_is_bounded, 1, 0 },
		{ "descriptors are bounded", test_descriptors_are_bounded, 1, 0 },
		{ "descriptors run out", test_descriptors_run_out, 1, 0 },
		{ "no descriptor is left", test_no_descriptor_is_left, 1, 0 },
	};

#ifndef CAUSEWAY_TEST_HOOKS
	puts("needs configure --enable-test-hooks");
	return 77;
#endif
	return unit_main("spool/unwritten_limits", cases, UNIT_ROWS(cases));
}
