/* Drop files that are taken in: which, when, and as what. */
#include <time.h>

#include "spool_world.h"

#define GOOD_LF \
	"MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n" \
	"Subject: x\nMessage-ID: <1@x>\n\n..dot\nend\n.\n"
#define GOOD_WIRE \
	"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" \
	"Subject: x\r\nMessage-ID: <1@x>\r\n\r\n..dot\r\nend\r\n.\r\n"

static const char *id_text(uint64_t id)
{
	static char text[QUEUE_ID_SIZE];

	return queue_id_print(id, text);
}

static char *queue_file(const struct world *w, uint64_t id)
{
	char name[300];
	size_t n;

	snprintf(name, sizeof name, "queue/%s", id_text(id));
	return world_read(w, name, &n);
}

/* ---- taken ---- */

static void check_message(const struct world *w, const struct spool_message *m)
{
	char *file = queue_file(w, m->id), content[200];

	ck_assert_str_eq(file, GOOD_WIRE);
	ck_assert_str_eq(m->envelope->sender, "a@example.org");
	ck_assert_uint_eq(m->envelope->count, 1);
	ck_assert_str_eq(m->message_id, "<1@x>");
	ck_assert_str_eq(m->origin, "drop");
	ck_assert_int_gt(m->arrived, 1700000000000);
	ck_assert_uint_eq(m->content_at + m->content_size, strlen(GOOD_WIRE));
	ck_assert_int_eq(pread(m->fd, content, sizeof content, (off_t)m->content_at),
		(ssize_t)m->content_size);
	ck_assert_mem_eq(content, "Subject: x\r\n", 12);
	ck_assert((fcntl(m->fd, F_GETFL) & O_ACCMODE) == O_RDONLY || fcntl(m->fd, F_GET_SEALS) & F_SEAL_WRITE);
	free(file);
}

START_TEST(test_adopts)
{
	struct world *w = world_new();
	struct stat before, after;

	world_open(w);
	world_write(w, "drop/tmp/m", GOOD_WIRE, strlen(GOOD_WIRE));
	ck_assert_int_eq(stat(world_path(w, "drop/tmp/m"), &before), 0);
	ck_assert_int_eq(rename(world_path(w, "drop/tmp/m"), world_path(w, "drop/new/m")), 0);
	world_wait(w, w->arrived_count == 1);
	check_message(w, w->arrived[0]);
	ck_assert_uint_eq(w->arrived[0]->uid, getuid());
	ck_assert_int_eq(fstat(w->arrived[0]->fd, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	world_close(w);
	ck_assert_uint_eq(world_count(w, "drop/new", "") + world_count(w, "queue", ".drop"), 0);
	world_free(w);
}
END_TEST

START_TEST(test_copies)
{
	struct world *w = world_new();

	world_open(w);
	world_write(w, "drop/tmp/m", GOOD_LF, strlen(GOOD_LF));
	if (getuid() == 0)
		ck_assert_int_eq(chown(world_path(w, "drop/tmp/m"), 1234, 1234), 0);
	ck_assert_int_eq(rename(world_path(w, "drop/tmp/m"), world_path(w, "drop/new/m")), 0);
	world_wait(w, w->arrived_count == 1);
	check_message(w, w->arrived[0]);
	ck_assert_uint_eq(w->arrived[0]->uid, getuid() == 0 ? 1234 : getuid());
	world_close(w);
	ck_assert_uint_eq(world_count(w, "queue", ".drop") + world_count(w, "queue", ".part"), 0);
	ck_assert_uint_eq(world_messages(w), 1);
	world_free(w);
}
END_TEST

START_TEST(test_takes_several_transactions)
{
	struct world *w = world_new();

	world_open(w);
	world_drop(w, "m", GOOD_WIRE GOOD_WIRE GOOD_WIRE);
	world_wait(w, w->arrived_count == 3);
	for (int i = 1; i < 3; i++)
		ck_assert_uint_eq(queue_id_microseconds(w->arrived[i]->id),
			queue_id_microseconds(w->arrived[0]->id) + (unsigned)i);
	world_close(w);
	ck_assert_uint_eq(world_messages(w), 3);
	ck_assert_uint_eq(world_count(w, "queue", ".drop") + world_count(w, "queue", ".part"), 0);
	world_free(w);
}
END_TEST

START_TEST(test_refuses_all_of_several)
{
	struct world *w = world_new();

	world_open(w);
	world_drop(w, "m", GOOD_WIRE "MAIL FROM:<a@example.org>\r\nDATA\r\n.\r\n");
	world_wait(w, w->refused_count == 1);
	world_close(w);
	ck_assert_uint_eq(w->arrived_count, 0);
	ck_assert_uint_eq(world_messages(w), 0);
	ck_assert_uint_eq(world_count(w, "queue", ".part"), 0);
	ck_assert(world_exists(w, "drop/bad/m"));
	world_free(w);
}
END_TEST

START_TEST(test_takes_what_was_there_at_start)
{
	struct world *w = world_new();

	world_open(w);
	world_close(w);
	world_drop(w, "early", GOOD_LF);
	world_drop(w, ".hidden", GOOD_LF);
	world_drop(w, "odd.tmp", GOOD_LF);
	world_open(w);
	world_wait(w, w->arrived_count == 3);
	world_free(w);
}
END_TEST

enum { MANY = 10000 };

START_TEST(test_takes_ten_thousand)
{
	struct world *w = world_new();
	char name[20];

	world_open(w);
	world_close(w);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "drop/new/%d", i);
		world_write(w, name, i % 2 ? GOOD_LF : GOOD_WIRE, strlen(i % 2 ? GOOD_LF : GOOD_WIRE));
	}
	world_open(w);
	for (size_t closed = 0; closed < MANY;) {
		world_wait(w, w->arrived_count > closed);
		for (; closed < w->arrived_count; closed++) {
			close(w->arrived[closed]->fd);
			w->arrived[closed]->fd = -1;
		}
	}
	world_close(w);
	ck_assert_uint_eq(world_messages(w), MANY);
	ck_assert_uint_eq(world_count(w, "drop/new", "") + world_count(w, "queue", ".drop"), 0);
	ck_assert_uint_eq(w->refused_count, 0);
	world_free(w);
}
END_TEST

START_TEST(test_pauses)
{
	struct world *w = world_new();

	world_open(w);
	spool_intake_pause(w->spool, true);
	world_drop(w, "m", GOOD_LF);
	world_commit(w);
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count, 0);
	ck_assert(world_exists(w, "drop/new/m"));
	spool_intake_pause(w->spool, false);
	world_wait(w, w->arrived_count == 1);
	world_free(w);
}
END_TEST

static void drop_some(struct world *w, const char *prefix, unsigned count)
{
	char name[40];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%s%u", prefix, i);
		world_drop(w, name, GOOD_LF);
	}
}

/* An owner gets as many messages into the queue as he may have; the others follow as those go. */
START_TEST(test_owner_limit)
{
	struct world *w = world_new();

	w->setup.owner_limit = 3;
	world_open(w);
	drop_some(w, "m", 8);
	world_wait(w, w->arrived_count == 3);
	world_commit(w);
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count, 3);
	ck_assert_uint_eq(world_count(w, "drop/new", ""), 5);
	for (size_t i = 0; i < 2; i++)
		spool_done(w->spool, w->arrived[i]->id);
	world_commit(w);
	world_wait(w, w->arrived_count == 5);
	w->setup.owner_limit = 0;
	spool_reconfigure(w->spool, &w->setup);
	world_wait(w, w->arrived_count == 8);
	world_free(w);
}
END_TEST

/* What is in the queue at the start counts too. */
START_TEST(test_owner_limit_after_a_start)
{
	struct world *w = world_new();

	world_open(w);
	drop_some(w, "m", 4);
	world_wait(w, w->arrived_count == 4);
	world_close(w);
	w->setup.owner_limit = 5;
	world_open(w);
	drop_some(w, "n", 3);
	world_wait(w, world_count(w, "drop/new", "") == 2);
	world_commit(w);
	ck_assert_uint_eq(world_count(w, "drop/new", ""), 2);
	world_free(w);
}
END_TEST

/* While the queue is far behind, an owner of many messages waits, and nobody else. */
START_TEST(test_fair_intake)
{
	struct world *w = world_new();

	world_open(w);
	spool_intake_fair(w->spool, true);
	drop_some(w, "m", 150);
	world_wait(w, w->arrived_count == 100);
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count, 100);
	if (geteuid() == 0) {
		world_write(w, "drop/tmp/other", GOOD_LF, strlen(GOOD_LF));
		ck_assert_int_eq(chown(world_path(w, "drop/tmp/other"), 12345, (gid_t)-1), 0);
		ck_assert_int_eq(rename(world_path(w, "drop/tmp/other"), world_path(w, "drop/new/other")), 0);
		world_wait(w, w->arrived_count == 101);
		ck_assert_uint_eq(w->arrived[100]->uid, 12345);
	}
	spool_intake_fair(w->spool, false);
	world_wait(w, w->arrived_count >= 150);
	world_free(w);
}
END_TEST

/* Exim links its file into place and unlinks the first name a moment later. */
START_TEST(test_waits_for_second_link_to_go)
{
	struct world *w = world_new();
	struct spool_state state;

	world_open(w);
	world_write(w, "drop/tmp/m", GOOD_LF, strlen(GOOD_LF));
	ck_assert_int_eq(link(world_path(w, "drop/tmp/m"), world_path(w, "drop/new/m")), 0);
	world_drop(w, "other", GOOD_LF);
	world_wait(w, w->arrived_count == 1);   /* the other is not held up */
	ck_assert_int_eq(unlink(world_path(w, "drop/tmp/m")), 0);
	world_wait(w, w->arrived_count == 2);
	spool_state(w->spool, &state);
	ck_assert_uint_eq(state.files_taken, 2);
	ck_assert_uint_eq(state.files_refused, 0);
	world_free(w);
}
END_TEST

/* Not how it should be done, but people copy files into drop/new by hand. */
START_TEST(test_waits_for_writer)
{
	struct world *w = world_new();
	size_t half = strlen(GOOD_LF) / 2;
	const struct timespec soon[2] = { { .tv_sec = time(NULL) + 3 }, { .tv_sec = time(NULL) + 3 } };
	int fd;

	world_open(w);
	fd = open(world_path(w, "drop/new/m"), O_WRONLY | O_CREAT, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(futimens(fd, soon), 0);   /* however slow this machine is, it was written to just now */
	world_wait(w, world_count(w, "queue", ".drop") == 1);
	ck_assert_int_eq(write(fd, GOOD_LF, half), (ssize_t)half);
	ck_assert_int_eq(futimens(fd, soon), 0);
	world_commit(w);
	world_commit(w);
	ck_assert_int_eq(write(fd, &GOOD_LF[half], strlen(GOOD_LF) - half),
		(ssize_t)(strlen(GOOD_LF) - half));
	close(fd);
	world_wait(w, w->arrived_count == 1);
	check_message(w, w->arrived[0]);
	ck_assert_uint_eq(w->refused_count, 0);
	world_free(w);
}
END_TEST

START_TEST(test_stops_below_minimum_free)
{
	struct world *w = world_new();
	struct spool_state state;

	w->setup.minimum_free = UINT64_MAX / 4;
	world_open(w);
	world_drop(w, "m", GOOD_LF);
	world_commit(w);
	spool_state(w->spool, &state);
	ck_assert(state.intake_stopped);
	ck_assert_uint_eq(w->arrived_count, 0);
	w->setup.minimum_free = 1;
	spool_reconfigure(w->spool, &w->setup);
	world_wait(w, w->arrived_count == 1);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "adopts", test_adopts, 1, 0 },
		{ "copies", test_copies, 1, 0 },
		{ "takes several transactions", test_takes_several_transactions, 1, 0 },
		{ "refuses all of several", test_refuses_all_of_several, 1, 0 },
		{ "takes what was there at start", test_takes_what_was_there_at_start, 1, 0 },
		{ "takes ten thousand", test_takes_ten_thousand, 1, 0 },
		{ "pauses", test_pauses, 1, 0 },
		{ "owner limit", test_owner_limit, 1, 0 },
		{ "owner limit after a start", test_owner_limit_after_a_start, 1, 0 },
		{ "fair intake", test_fair_intake, 1, 0 },
		{ "waits for the second link to go", test_waits_for_second_link_to_go, 1, 0 },
		{ "waits for a writer", test_waits_for_writer, 1, 0 },
		{ "stops below minimum_free", test_stops_below_minimum_free, 1, 0 },
	};

	return unit_main("spool/intake", cases, UNIT_ROWS(cases));
}
