/*
 * Kills a process that uses the spool at each step of doc/queue.md and lets the next one go on. A "peer"
 * outside of the spool notes who was sent what and which results were told as committed; at the end nobody
 * may be without mail, and nobody may have got mail after his result was told as committed.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "spool_world.h"

enum { NAMES = 10, LEFT = 2, WORDY_LINES = 9000 };

/* What is dropped: the recipient's name says what the peer answers. */
static const char *const names[NAMES] = { "wire", "copy", "first", "second", "third", "bounce", "defer",
	"report", "late", "delay" };

#define HEAD(to) "MAIL FROM:<a@example.org>\nRCPT TO:<" to "@example.org>\nDATA\n"

static void drop_all(struct world *w)
{
	world_drop(w, "1", "MAIL FROM:<a@example.org>\r\nRCPT TO:<wire@example.org>\r\nDATA\r\nx\r\n.\r\n");
	world_drop(w, "2", HEAD("copy") "x\n.\n");
	world_drop(w, "3", HEAD("first") "x\n.\n" HEAD("second") "x\n.\n" HEAD("third") "x\n.\n");
	world_drop(w, "4", HEAD("bounce") "x\n.\n");
	world_drop(w, "5", HEAD("defer") "x\n.\n");
	world_drop(w, "7", HEAD("late") "x\n.\n");
	world_drop_old(w, "bad", "no message\n");
}

/* ---- the peer's notes ---- */

static void note(const struct world *w, const char *what, const char *name)
{
	char line[100];
	int fd = open(world_path(w, "peer"), O_WRONLY | O_APPEND | O_CREAT, 0600),
		n = snprintf(line, sizeof line, "%s %s\n", what, name);

	ck_assert_int_eq(write(fd, line, (size_t)n), n);
	close(fd);
}

/* How many notes there are; those after the first "final" note of that name only, if so asked. */
static int notes(const struct world *w, const char *what, const char *name, bool after_final)
{
	char wanted[100], final[100];
	size_t n;
	char *all = world_read(w, "peer", &n), *line, *rest = all;
	int count = 0;

	snprintf(wanted, sizeof wanted, "%s %s", what, name);
	snprintf(final, sizeof final, "final %s", name);
	while (rest && (line = strsep(&rest, "\n"))) {
		count += !after_final && strcmp(line, wanted) == 0;
		if (strcmp(line, final) == 0)
			after_final = false;
	}
	free(all);
	return count;
}

/* Everybody was sent something and nothing is in motion; only the deferred messages are left. */
static bool complete(const struct world *w)
{
	for (int i = 0; i < NAMES; i++)
		if (notes(w, "sent", names[i], false) == 0)
			return false;
	return w->ready && w->pending == 0 && world_count(w, "drop/bad", "") > 1
		&& world_count(w, "drop/new", "") == 0
		&& world_count(w, "queue", ".drop") == 0 && world_messages(w) == LEFT;
}

/* ---- the process under test ---- */

/* What the start has told of the message that is late. */
static bool late_warned;

struct delivery {
	struct world *w;
	struct spool_message *message;   /* until it was recorded */
	uint64_t id;
	char name[20];
	const char *outcome;
};

static void told(void *arg)
{
	struct delivery *d = arg;

	note(d->w, d->outcome, d->name);
	d->w->pending--;
	free(d);
}

/* The parent's lines that rely on the report. */
static void finish_bounced(void *arg)
{
	struct delivery *d = arg;
	const struct spool_result result = { .status = 'b', .dsn = "5.0.0", .peer = "peer", .text = "550 no",
		.when = 1 };

	spool_result(d->w->spool, d->id, &result);
	spool_done(d->w->spool, d->id);
	spool_commit(d->w->spool, told, d);
}

/* One that is late: no second report is made, whatever happens from here on. */
static void finish_late(void *arg)
{
	struct delivery *d = arg;
	const struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "peer", .text = "450 later", .when = 1 };

	spool_result(d->w->spool, d->id, &result);
	spool_warned(d->w->spool, d->id);
	spool_next(d->w->spool, d->id, 2, 1);
	spool_commit(d->w->spool, told, d);
}

static void send_report(struct world *w, struct delivery *d, const char *to, void (*finish)(void *arg))
{
	static const char content[] = "Subject: x\r\n\r\nx\r\n.\r\n";
	char file[300];
	int envelope = snprintf(file, sizeof file, "MAIL FROM:<>\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n", to);

	snprintf(file + envelope, sizeof file - (size_t)envelope, "%s", content);
	spool_report(w->spool, d->id + 1 + (uint64_t)w->committed++, file, strlen(file), (size_t)envelope, finish, d);
}

static void add_wordy_lines(struct world *w, uint64_t id)
{
	static char text[500];
	const struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "p", .text = text };

	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < WORDY_LINES; i++)
		spool_result(w->spool, id, &result);
}

static bool lives_on(const struct delivery *d)
{
	return strcmp(d->name, "defer") == 0 || strcmp(d->name, "late") == 0;
}

static void record(struct delivery *d)
{
	struct world *w = d->w;
	struct spool_result result = { .rcpt = 0, .dsn = "2.0.0", .peer = "peer", .text = "250 2.0.0 saved",
		.when = 1, .status = lives_on(d) ? 'd' : 's' };

	spool_message_free(d->message);
	if (strcmp(d->name, "wordy") == 0)
		add_wordy_lines(w, d->id);
	spool_result(w->spool, d->id, &result);
	if (lives_on(d))
		spool_next(w->spool, d->id, 2, 1);
	else
		spool_done(w->spool, d->id);
	spool_commit(w->spool, told, d);
}

/* Its sender is told, unless he was. */
static void report_late(struct delivery *d)
{
	spool_message_free(d->message);
	d->message = NULL;
	send_report(d->w, d, "delay", finish_late);
}

static bool is_late(const struct delivery *d)
{
	return strcmp(d->name, "late") == 0 && !late_warned;
}

static void record_written(void *arg, int file)
{
	struct delivery *d = arg;

	close(file);
	if (is_late(d))
		report_late(d);
	else
		record(d);
}

static void deliver(struct world *w, struct spool_message *m)
{
	struct delivery *d = mem_alloc(sizeof *d);
	const char *address = m->envelope->rcpts[0].address;

	d->w = w;
	d->id = m->id;
	snprintf(d->name, sizeof d->name, "%.*s", (int)strcspn(address, "@"), address);
	d->outcome = lives_on(d) ? "deferred" : "final";
	note(w, "sent", d->name);
	if (strcmp(d->name, "bounce") == 0) {
		spool_message_free(m);
		send_report(w, d, "report", finish_bounced);
		return;
	}
	d->message = m;
	if (m->unwritten && lives_on(d))
		spool_write(w->spool, m->id, m->fd, record_written, d);
	else if (is_late(d))
		report_late(d);
	else
		record(d);
}

static void on_arrived(void *arg, struct spool_message *m)
{
	struct world *w = arg;

	w->pending++;
	deliver(w, m);
}

static void on_loaded(void *arg, uint64_t id, struct spool_message *m)
{
	struct world *w = arg;

	(void)id;
	ck_assert_ptr_nonnull(m);
	w->pending--;
	on_arrived(w, m);
}

static void on_known(void *arg, const struct spool_known *known)
{
	struct world *w = arg;

	/* report numbers start behind those that were used */
	if (known->reports >= w->committed)
		w->committed = known->reports;
	late_warned |= known->warned;
	if (known->final[0] & 1)
		spool_done(w->spool, known->id);
	else
		w->pending++, spool_load(w->spool, known->id, on_loaded, w);
}

static const struct spool_events events = { .arrived = on_arrived, .refused = world_refused,
	.known = on_known, .ready = world_ready,
	.corrupt = world_corrupt };

static void run_to_end(struct world *w)
{
	late_warned = false;
	world_begin(w, &events);
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
	late_warned = false;
	world_begin(w, &events);
	world_wait(w, complete(w) && notes(w, "final", "wordy", false)
		&& journal_size(w) < WORDY_LINES * 100);
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

static void check_end(struct world *w, const char *what)
{
	for (int i = 0; i < NAMES; i++) {
		ck_assert_msg(notes(w, "sent", names[i], false) >= 1, "%s: %s got nothing", what, names[i]);
		ck_assert_msg(notes(w, "sent", names[i], true) == 0,
			"%s: %s got a copy after his result was committed", what, names[i]);
	}
	ck_assert_msg(world_count(w, "drop/new", "") == 0, "%s: something is left in drop/new", what);
	ck_assert_msg(world_count(w, "queue", ".drop") + world_count(w, "queue", ".part") == 0,
		"%s: a claim or a part is left", what);
	ck_assert_msg(world_messages(w) == LEFT, "%s: %zu messages are left", what, world_messages(w));
	ck_assert_msg(late_warned || notes(w, "sent", "delay", false) == 1, "%s: two reports of one delay", what);
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
		check_end(w, step);
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
		check_end(w, both);
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
	world_drop(w, "6", HEAD("wordy") "x\n.\n");
	ck_assert(dies(w, run_to_end_with_rewriting, rewrite_steps[_i]));
	run_to_end(w);
	check_end(w, rewrite_steps[_i]);
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
		check_end(w, fail);
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
