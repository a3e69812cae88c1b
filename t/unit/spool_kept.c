/* Messages whose queue file is in memory: what the disk has of them at each time, and what they may take of memory
 * and descriptors. */
#include "config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "spool/names.h"
#include "spool_world.h"

#define HEAD "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n"
#define LF HEAD "Subject: x\n\nx\n.\n"
#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n"

static const struct spool_result sent = { .status = 's', .dsn = "2.0.0", .peer = "p", .text = "ok",
	.when = 1 };

static struct world *open_world(void)
{
	struct world *w = world_new();

	w->keeps = true;
	world_open(w);
	world_commit(w);
	return w;
}

static bool has_file(const struct world *w, uint64_t id, bool drop)
{
	char file[NAMES_SIZE], path[NAMES_SIZE + 10];

	snprintf(path, sizeof path, "queue/%s", drop ? names_drop(id, 0, file) : names_message(id, file));
	return world_exists(w, path);
}

/* Only its drop file is there, or only its queue file. */
#define ck_unwritten(w, id) ck_assert(!has_file(w, id, false) && has_file(w, id, true))
#define ck_written(w, id) ck_assert(has_file(w, id, false) && !has_file(w, id, true))

static struct spool_message *arrive(struct world *w, const char *text)
{
	size_t before = w->arrived_count;

	world_drop(w, "1", text);
	world_wait(w, w->arrived_count > before);
	return w->arrived[before];
}

/* The one that is being written: a test writes one at a time. */
static struct { struct world *world; struct spool_message *message; } writing;

static void written(void *arg, int file)
{
	struct spool_message *m = writing.message;

	(void)arg;
	ck_assert_int_ge(file, 0);
	close(m->fd);
	m->fd = file;
	m->unwritten = false;
	loop_stop(writing.world->loop);
}

static void begin_writing(struct world *w, struct spool_message *m)
{
	writing.world = w;
	writing.message = m;
	spool_write(w->spool, m->id, m->fd, written, NULL);
}

static void write_out(struct world *w, struct spool_message *m)
{
	begin_writing(w, m);
	world_wait(w, !m->unwritten && !has_file(w, m->id, true));
}

static void finish(struct world *w, uint64_t id)
{
	spool_result(w->spool, id, &sent);
	spool_done(w->spool, id);
}

static void reopen(struct world *w)
{
	world_close(w);
	world_open(w);
}

static char *read_fd(int fd)
{
	char *bytes = mem_alloc(1 << 20);

	ck_assert_int_ge(pread(fd, bytes, (1 << 20) - 1, 0), 0);
	return bytes;
}

/* ---- life ---- */

START_TEST(test_never_has_a_file)
{
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	char *bytes = read_fd(m->fd);

	ck_assert(m->unwritten);
	ck_assert_str_eq(bytes, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n");
	free(bytes);
	world_commit(w);
	ck_unwritten(w, m->id);
	finish(w, m->id);
	world_commit(w);
	world_wait(w, !has_file(w, m->id, true));
	ck_assert(!has_file(w, m->id, false));
	reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count, 0);
	world_free(w);
}
END_TEST

START_TEST(test_nobody_can_change_it)
{
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);

	ck_assert_int_eq(pwrite(m->fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(m->fd, 0), -1);
	ck_assert_int_eq(ftruncate(m->fd, 1 << 20), -1);
	world_free(w);
}
END_TEST

START_TEST(test_written)
{
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	uint64_t id = m->id;
	char *before = read_fd(m->fd), *after;

	write_out(w, m);
	ck_written(w, id);
	after = read_fd(m->fd);
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(fcntl(m->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(fcntl(m->fd, F_GET_SEALS), -1);   /* no memory any more */
	free(before);
	free(after);
	reopen(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_uint_eq(w->known[0].known.id, id);
	ck_assert_uint_eq(w->known[0].known.size, strlen("Subject: x\r\n\r\nx\r\n.\r\n"));
	finish(w, id);
	world_commit(w);
	world_wait(w, !has_file(w, id, false));
	world_free(w);
}
END_TEST

/* A start makes it anew, as often as it takes. */
START_TEST(test_told_again)
{
	struct world *w = open_world();
	uint64_t id = arrive(w, LF)->id;

	for (int i = 0; i < 3; i++) {
		world_commit(w);
		reopen(w);
		world_wait(w, w->arrived_count == 1);
		ck_assert_uint_eq(w->arrived[0]->id, id);
		ck_assert(w->arrived[0]->unwritten);
		ck_assert_uint_eq(w->known_count, 0);
	}
	finish(w, id);
	world_commit(w);
	reopen(w);
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
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	uint64_t id = m->id;

	if (states[_i].held)
		spool_hold(w->spool, id, true);
	if (states[_i].suspect)
		spool_suspect(w->spool, id, states[_i].suspect);
	world_commit(w);
	if (states[_i].written)
		write_out(w, m);
	world_commit(w);
	reopen(w);
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
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	uint64_t id = m->id;

	begin_writing(w, m);
	spool_hold(w->spool, id, true);
	world_wait(w, !m->unwritten);
	world_commit(w);
	reopen(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert(w->known[0].known.held);
	world_free(w);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

/* A power cut has left the lines of its report, but not its own: that report is mail, and its name is used. */
START_TEST(test_name_of_a_lost_report)
{
	static const char head[] = "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n",
		report[] = "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";
	struct world *w = open_world();
	uint64_t id = arrive(w, LF)->id;

	ck_assert_uint_eq(w->arrived[0]->reports, 0);
	spool_report(w->spool, id + 1, report, strlen(report), strlen(head), nothing, NULL);
	world_wait(w, w->arrived_count == 2);
	for (int i = 0; i < 2; i++) {
		reopen(w);
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

static char *message_of(size_t content, size_t rcpts)
{
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_str(&b, "MAIL FROM:<a@example.org>\n");
	for (size_t i = 0; i < rcpts; i++)
		buf_fmt(&b, "RCPT TO:<recipient%zu@example.org>\n", i);
	buf_str(&b, "DATA\n");
	for (size_t i = 0; i < content; i++)
		buf_str(&b, i % 64 == 63 ? "\n" : "x");
	buf_str(&b, "\n.\n");
	return b.data;
}

static const struct { size_t content, rcpts; bool unwritten; } sizes[] = {
	{ 0, 1, true }, { 1, 1, true }, { 60 * 1024, 1, true }, { 65440, 1, true }, { 64 * 1024, 1, false },
	{ 300 * 1024, 1, false }, { 10, 80, true }, { 10, 1000, false },
};

START_TEST(test_size)
{
	struct world *w = open_world();
	char *text = message_of(sizes[_i].content, sizes[_i].rcpts);
	struct spool_message *m = arrive(w, text);

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
	struct world *w = open_world();
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
	struct world *w = open_world();

	spool_intake_unwritten(w->spool, false);
	ck_assert(!arrive(w, LF)->unwritten);
	spool_intake_unwritten(w->spool, true);
	ck_assert(arrive(w, LF)->unwritten);
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
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
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
	reopen(w);
	world_wait(w, w->arrived_count == changes[_i].arrived && w->refused_count == changes[_i].refused);
	for (size_t i = 0; i < w->arrived_count; i++)
		finish(w, w->arrived[i]->id);
	world_commit(w);
	/* one that was refused is not looked for any more */
	ck_assert(is_done(w, id) || changes[_i].arrived > 1);
	reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count + w->refused_count, 0);
	ck_assert_uint_eq(world_count(w, "queue", ".drop"), 0);
	world_free(w);
}
END_TEST

/* ---- a disk that refuses ---- */

/* The message's file, its sync, and that of the directory or the journal. Nobody else waits for the first. */
static const struct { const char *calls; bool alone; } faults[] = {
	{ "write:1-2", true }, { "fsync:1", false }, { "fsync:2", false }, { "write:1-2,fsync:1", false },
};

START_TEST(test_tried_again)
{
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF), *other = arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", faults[_i].calls, 1);
	begin_writing(w, m);
	finish(w, other->id);
	world_commit(w);
	world_wait(w, !has_file(w, other->id, true));
	ck_assert(!faults[_i].alone || m->unwritten);
	world_wait(w, !m->unwritten);
	world_wait(w, !has_file(w, id, true));
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
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "write:1-1000", 1);
	begin_writing(w, m);
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
	struct world *w = open_world();
	uint64_t id = arrive(w, LF)->id, written, gone = arrive(w, LF)->id;
	struct spool_message *m = arrive(w, LF);

	written = m->id;
	world_commit(w);
	spool_hold(w->spool, id, true);
	write_out(w, m);
	world_commit(w);
	setenv("CAUSEWAY_TEST_FAIL", "append:1", 1);
	finish(w, gone);
	world_commit(w);
	world_close(w);
	unsetenv("CAUSEWAY_TEST_FAIL");
	world_open(w);
	world_wait(w, w->arrived_count == 1 && w->known_count == 1);
	ck_assert_uint_eq(w->arrived[0]->id, id);
	ck_assert_uint_eq(w->known[0].known.id, written);
	ck_assert(!w->known[0].known.held);
	finish(w, id);
	finish(w, written);
	world_commit(w);
	reopen(w);
	ck_assert_uint_eq(w->known_count + w->arrived_count, 0);
	world_free(w);
}
END_TEST

/* A stop while the file is being written: whatever of it is done, the next start has the message once. */
START_TEST(test_stop_while_writing)
{
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	uint64_t id = m->id;

	world_commit(w);
	begin_writing(w, m);
	world_close(w);
	w->keeps = false;
	world_open(w);
	world_wait(w, w->known_count + w->arrived_count == 1);
	world_wait(w, !has_file(w, id, true));
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
	char *text = message_of(content, 1), name[20];

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
	struct world *w = open_world();
	size_t count;

	drop_files(w, FILES, 10 * 1024);
	world_wait(w, w->arrived_count == FILES);
	ck_assert_uint_le(unwritten_bytes(w, &count), 9 << 20);
	ck_assert_uint_gt(count, 100);
	world_commit(w);
	ck_assert_uint_eq(world_messages(w), FILES - count);
	for (size_t i = 0; i < FILES; i++)
		finish(w, w->arrived[i]->id);
	world_commit(w);
	ck_assert(arrive(w, LF)->unwritten);   /* there is room again */
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
	w = open_world();
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
	struct world *w = open_world();
	struct spool_message *m = arrive(w, LF);
	int next = dup(0);

	world_commit(w);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	begin_writing(w, m);
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
	struct world *w = open_world();
	size_t before = open_files();

	for (int i = 0; i < 20; i++) {
		struct spool_message *m = arrive(w, LF);

		if (i % 2)
			write_out(w, m);
		finish(w, m->id);
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
	return unit_main("spool/kept", cases, UNIT_ROWS(cases));
}
