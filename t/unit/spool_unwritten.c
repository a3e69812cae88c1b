/* Unwritten messages, whose queue file is in memory: what the disk has of them at each time. */
#include "config.h"

#include <stdlib.h>

#include "spool/disk/names.h"

#include "spool_world.h"

#define HEAD "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n"
#define LF HEAD "Subject: x\n\nx\n.\n"
#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n"

static char *read_fd(int fd)
{
	char *bytes = mem_alloc(1 << 20);

	ck_assert_int_ge(pread(fd, bytes, (1 << 20) - 1, 0), 0);
	return bytes;
}

/* ---- life ---- */

START_TEST(test_never_has_a_file)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	char *bytes = read_fd(m->fd);

	ck_assert(m->unwritten);
	ck_assert_str_eq(bytes,
		"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n");
	free(bytes);
	world_commit(w);
	ck_unwritten(w, m->id);
	world_finish(w, m->id);
	world_commit(w);
	world_wait(w, !world_has(w, m->id, true));
	ck_assert(!world_has(w, m->id, false));
	world_reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count, 0);
	world_free(w);
}
END_TEST

START_TEST(test_nobody_can_change_it)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);

	ck_assert_int_eq(pwrite(m->fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(m->fd, 0), -1);
	ck_assert_int_eq(ftruncate(m->fd, 1 << 20), -1);
	world_free(w);
}
END_TEST

START_TEST(test_written)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;
	char *before = read_fd(m->fd), *after;

	world_write_out(w, m);
	ck_written(w, id);
	after = read_fd(m->fd);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(fcntl(m->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(fcntl(m->fd, F_GET_SEALS), -1);   /* no memory any more */
	free(before);
	free(after);
	world_reopen(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_uint_eq(w->known[0].known.id, id);
	ck_assert_uint_eq(w->known[0].known.size, strlen("Subject: x\r\n\r\nx\r\n.\r\n"));
	world_finish(w, id);
	world_commit(w);
	world_wait(w, !world_has(w, id, false));
	world_free(w);
}
END_TEST

/* A start makes it anew, as often as it takes. */
START_TEST(test_told_again)
{
	struct world *w = world_keeping();
	uint64_t id = world_arrive(w, LF)->id;

	for (int i = 0; i < 3; i++) {
		world_commit(w);
		world_reopen(w);
		world_wait(w, w->arrived_count == 1);
		ck_assert_uint_eq(w->arrived[0]->id, id);
		ck_assert(w->arrived[0]->unwritten);
		ck_assert_uint_eq(w->known_count, 0);
	}
	world_finish(w, id);
	world_commit(w);
	world_reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count, 0);
	ck_assert_uint_eq(world_count(w, "queue", ".drop"), 0);
	world_free(w);
}
END_TEST

/* What is said of it before it is written is recorded with its file, and only then. */
static const struct { bool held; unsigned suspect; bool written; } states[] = {
	{ true, 0, true }, { false, 2, true }, { true, 3, true }, { true, 3, false },
};

START_TEST(test_state)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;

	if (states[_i].held)
		spool_hold(w->spool, id, true);
	if (states[_i].suspect)
		spool_suspect(w->spool, id, states[_i].suspect);
	world_commit(w);
	if (states[_i].written)
		world_write_out(w, m);
	world_commit(w);
	world_reopen(w);
	if (!states[_i].written) {
		world_wait(w, w->arrived_count == 1);
		ck_assert_uint_eq(w->known_count, 0);
	} else {
		ck_assert_uint_eq(w->known_count, 1);
		ck_assert(w->known[0].known.held == states[_i].held);
		ck_assert_uint_eq(w->known[0].known.suspect, states[_i].suspect);
	}
	world_free(w);
}
END_TEST

/* Said while it is being written. */
START_TEST(test_state_while_writing)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;

	world_begin_writing(w, m);
	spool_hold(w->spool, id, true);
	world_wait(w, !m->unwritten);
	world_commit(w);
	world_reopen(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert(w->known[0].known.held);
	world_free(w);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

/* A power cut has left the lines of its report, but not its own: that report is mail, and its name is
 * used. */
START_TEST(test_name_of_a_lost_report)
{
	static const char head[] = "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n",
		report[] = "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";
	struct world *w = world_keeping();
	uint64_t id = world_arrive(w, LF)->id;

	ck_assert_uint_eq(w->arrived[0]->reports, 0);
	spool_report(w->spool, id + 1, report, strlen(report), strlen(head), nothing, NULL);
	world_wait(w, w->arrived_count == 2);
	for (int i = 0; i < 2; i++) {
		world_reopen(w);
		world_wait(w, w->arrived_count == 1);
		ck_assert_uint_eq(w->arrived[0]->id, id);
		ck_assert_uint_eq(w->arrived[0]->reports, 1);
		ck_assert_uint_eq(w->known_count, 1);
		ck_assert_uint_eq(w->known[0].known.id, id + 1);
		world_commit(w);
	}
	world_free(w);
}
END_TEST

/* ---- which ---- */

static const struct { size_t content, rcpts; bool unwritten; } sizes[] = {
	{ 0, 1, true }, { 1, 1, true }, { 60 * 1024, 1, true }, { 65440, 1, true }, { 64 * 1024, 1, false },
	{ 300 * 1024, 1, false }, { 10, 80, true }, { 10, 1000, false },
};

START_TEST(test_size)
{
	struct world *w = world_keeping();
	char *text = world_text(sizes[_i].content, sizes[_i].rcpts);
	struct spool_message *m = world_arrive(w, text);

	ck_assert(m->unwritten == sizes[_i].unwritten);
	ck_assert_uint_eq(m->envelope->count, sizes[_i].rcpts);
	free(text);
	world_free(w);
}
END_TEST

static const struct { const char *text; size_t messages, written; } kinds[] = {
	{ LF, 1, 0 }, { LF LF, 2, 2 }, { LF LF LF, 3, 3 }, { WIRE, 1, 1 }, { LF "QUIT\n", 1, 0 },
};

START_TEST(test_kind)
{
	struct world *w = world_keeping();
	size_t written = 0;

	world_drop(w, "1", kinds[_i].text);
	world_wait(w, w->arrived_count == kinds[_i].messages);
	for (size_t i = 0; i < w->arrived_count; i++)
		written += !w->arrived[i]->unwritten;
	ck_assert_uint_eq(written, kinds[_i].written);
	world_free(w);
}
END_TEST

START_TEST(test_not_when_the_caller_is_full)
{
	struct world *w = world_keeping();

	spool_intake_unwritten(w->spool, false);
	ck_assert(!world_arrive(w, LF)->unwritten);
	spool_intake_unwritten(w->spool, true);
	ck_assert(world_arrive(w, LF)->unwritten);
	world_free(w);
}
END_TEST

/* ---- the file's owner changes it meanwhile ---- */

static const struct { const char *text; size_t arrived, refused; } changes[] = {
	{ "MAIL FROM:<a@example.org>\nRCPT TO:<c@example.org>\nDATA\nother\n.\n", 1, 0 },
	{ LF LF, 2, 0 },
	{ "nonsense\n", 0, 1 },
	{ "", 0, 1 },
};

static bool is_done(const struct world *w, uint64_t id)
{
	char line[NAMES_SIZE + 10], name[NAMES_SIZE], *journal;
	size_t n;
	bool found;

	snprintf(line, sizeof line, "done %s", names_message(id, name));
	journal = world_read(w, "queue/journal", &n);
	found = strstr(journal, line);
	free(journal);
	return found;
}

START_TEST(test_changed_by_its_owner)
{
	struct world *w = world_keeping();
	struct spool_message *m = world_arrive(w, LF);
	uint64_t id = m->id;
	char file[NAMES_SIZE], path[NAMES_SIZE + 10], *bytes;
	const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

	snprintf(path, sizeof path, "queue/%s", names_drop(m->id, 0, file));
	world_write(w, path, changes[_i].text, strlen(changes[_i].text));
	ck_assert_int_eq(utimensat(AT_FDCWD, world_path(w, path), long_ago, 0), 0);
	bytes = read_fd(m->fd);
	ck_assert_ptr_nonnull(strstr(bytes, "RCPT TO:<b@example.org>"));
	free(bytes);
	world_commit(w);
	world_reopen(w);
	world_wait(w, w->arrived_count == changes[_i].arrived && w->refused_count == changes[_i].refused);
	for (size_t i = 0; i < w->arrived_count; i++)
		world_finish(w, w->arrived[i]->id);
	world_commit(w);
	/* one that was refused is not looked for any more */
	ck_assert(is_done(w, id) || changes[_i].arrived > 1);
	world_reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count + w->refused_count, 0);
	ck_assert_uint_eq(world_count(w, "queue", ".drop"), 0);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "never has a file", test_never_has_a_file, 1, 0 },
		{ "nobody can change it", test_nobody_can_change_it, 1, 0 },
		{ "written", test_written, 1, 0 },
		{ "told again", test_told_again, 1, 0 },
		{ "state", test_state, UNIT_ROWS(states), 0 },
		{ "state while writing", test_state_while_writing, 1, 0 },
		{ "name of a lost report", test_name_of_a_lost_report, 1, 0 },
		{ "size", test_size, UNIT_ROWS(sizes), 0 },
		{ "kind", test_kind, UNIT_ROWS(kinds), 0 },
		{ "not when the caller is full", test_not_when_the_caller_is_full, 1, 0 },
		{ "changed by its owner", test_changed_by_its_owner, UNIT_ROWS(changes), 0 },
	};

#ifndef CAUSEWAY_TEST_HOOKS
	puts("needs configure --enable-test-hooks");
	return 77;
#endif
	return unit_main("spool/unwritten", cases, UNIT_ROWS(cases));
}
