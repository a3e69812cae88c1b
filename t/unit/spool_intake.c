#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>

#include "spool_world.h"

enum { NOBODY = 65534 };

#define GOOD_LF \
	"MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n" \
	"Subject: x\nMessage-ID: <1@x>\n\n..dot\nend\n.\n"
#define GOOD_WIRE \
	"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" \
	"Subject: x\r\nMessage-ID: <1@x>\r\n\r\n..dot\r\nend\r\n.\r\n"

static bool is_root(void)
{
	return getuid() == 0;
}

/* Becomes the owner of the world, who may not read everything. */
static void drop_privileges(struct world *w)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chown(w->dir, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setegid(NOBODY), 0);
	ck_assert_int_eq(seteuid(NOBODY), 0);
}

/* Sanitizers want to look at their process when it ends. */
static void regain_privileges(void)
{
	if (is_root())
		ck_assert_int_eq(seteuid(0), 0);
}

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
	if (is_root())
		ck_assert_int_eq(chown(world_path(w, "drop/tmp/m"), 1234, 1234), 0);
	ck_assert_int_eq(rename(world_path(w, "drop/tmp/m"), world_path(w, "drop/new/m")), 0);
	world_wait(w, w->arrived_count == 1);
	check_message(w, w->arrived[0]);
	ck_assert_uint_eq(w->arrived[0]->uid, is_root() ? 1234 : getuid());
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

/* ---- refused ---- */

static void put(struct world *w, const char *text)
{
	world_drop_old(w, "bad one", text);
}

static void make_empty(struct world *w) { put(w, ""); }
static void make_garbage(struct world *w) { put(w, "hello\n"); }
static void make_no_recipient(struct world *w) { put(w, "MAIL FROM:<a@example.org>\nDATA\nx\n.\n"); }
static void make_unfinished(struct world *w) { put(w, "MAIL FROM:<a@example.org>\nRCPT "
	"TO:<b@example.org>\nDATA\nx\n"); }
static void make_behind_quit(struct world *w) { put(w, GOOD_LF "QUIT\n" GOOD_LF); }
static void make_control(struct world *w) { put(w, "MAIL FROM:<a\x01@example.org>\nRCPT "
	"TO:<b@example.org>\nDATA\nx\n.\n"); }

static void make_too_large(struct world *w)
{
	char *text = mem_alloc(20000);

	strcpy(text, "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n");
	while (strlen(text) < 15000)
		strcat(text, "0123456789012345678901234567890123456789012345678901234567890\n");
	strcat(text, ".\n");
	put(w, text);
	free(text);
}

static void make_many_recipients(struct world *w)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_str(&text, "MAIL FROM:<a@example.org>\n");
	for (int i = 0; i < 1001; i++)
		buf_fmt(&text, "RCPT TO:<r%d@example.org>\n", i);
	buf_str(&text, "DATA\nx\n.\n");
	put(w, buf_text(&text));
	buf_free(&text);
}

static void make_fifo(struct world *w)
{
	ck_assert_int_eq(mkfifo(world_path(w, "drop/new/bad one"), 0666), 0);
}

static void make_symlink(struct world *w)
{
	ck_assert_int_eq(symlink("/etc/passwd", world_path(w, "drop/new/bad one")), 0);
}

static void make_socket(struct world *w)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%.90s", world_path(w, "drop/new/bad one"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void make_device(struct world *w)
{
	if (seteuid(0) != 0 || mknod(world_path(w, "drop/new/bad one"), S_IFCHR | 0666, makedev(1, 3)) != 0)
		make_fifo(w);   /* where we may not make one, this is the next of kin */
	if (is_root())
		ck_assert_int_eq(seteuid(NOBODY), 0);
}

static void make_unreadable(struct world *w)
{
	world_write(w, "drop/tmp/bad one", GOOD_LF, strlen(GOOD_LF));
	ck_assert_int_eq(chmod(world_path(w, "drop/tmp/bad one"), 0), 0);
	ck_assert_int_eq(rename(world_path(w, "drop/tmp/bad one"), world_path(w, "drop/new/bad one")), 0);
}

static void make_hard_link(struct world *w)
{
	world_write(w, "elsewhere", GOOD_LF, strlen(GOOD_LF));
	ck_assert_int_eq(link(world_path(w, "elsewhere"), world_path(w, "drop/new/bad one")), 0);
}

static const struct { void (*make)(struct world *); const char *reason; } refusals[] = {
	{ make_empty, "empty" },
	{ make_garbage, "line 1: " },
	{ make_no_recipient, "recipient" },
	{ make_unfinished, "inside a transaction" },
	{ make_behind_quit, "behind QUIT" },
	{ make_control, "line 1: " },
	{ make_too_large, "larger than 10000 bytes" },
	{ make_many_recipients, "line 1002: " },
	{ make_fifo, "a FIFO" },
	{ make_symlink, "a symbolic link" },
	{ make_socket, "a socket" },
	{ make_device, "a plain file" },
	{ make_unreadable, "cannot be read by the daemon" },
	{ make_hard_link, "has 2 links" },
};

START_TEST(test_refuses)
{
	struct world *w = world_new();
	char *reason;
	size_t n;

	drop_privileges(w);
	w->setup.size_limit = 10000;
	world_open(w);
	refusals[_i].make(w);
	world_drop(w, "good", GOOD_LF);
	world_wait(w, w->refused_count == 1 && w->arrived_count == 1);   /* nobody is held up */
	world_commit(w);
	ck_assert_str_eq(w->refused[0].name, "bad one");
	ck_assert_msg(strstr(w->refused[0].reason, refusals[_i].reason) != NULL, "%s", w->refused[0].reason);
	ck_assert(world_exists(w, "drop/bad/bad one"));
	reason = world_read(w, "drop/bad/bad one.reason", &n);
	ck_assert_ptr_nonnull(strstr(reason, refusals[_i].reason));
	ck_assert_ptr_eq(strchr(reason, '\n'), reason + n - 1);
	free(reason);
	world_close(w);
	ck_assert_uint_eq(w->refused_count, 1);
	ck_assert_uint_eq(world_count(w, "drop/new", "") + world_count(w, "queue", ".drop"), 0);
	regain_privileges();
	world_free(w);
}
END_TEST

/* 300 bytes before the @ are the domain's owner's business. */
START_TEST(test_passes_on_long_local_part)
{
	struct world *w = world_new();
	char text[1000];

	world_open(w);
	snprintf(text, sizeof text, "MAIL FROM:<>\nRCPT TO:<%0300d@example.org>\nDATA\nx\n.\n", 7);
	world_drop(w, "m", text);
	world_wait(w, w->arrived_count == 1);
	ck_assert_uint_eq(strlen(w->arrived[0]->envelope->rcpts[0].address), 300 + strlen("@example.org"));
	world_free(w);
}
END_TEST

START_TEST(test_takes_hundred_thousand_recipients)
{
	struct world *w = world_new();
	struct buf text;

	buf_init(&text, 1 << 24);
	buf_str(&text, "MAIL FROM:<a@example.org>\n");
	for (int i = 0; i < 100000; i++)
		buf_fmt(&text, "RCPT TO:<r%d@example.org>\n", i);
	buf_str(&text, "DATA\nx\n.\n");
	w->setup.rcpt_limit = 100000;
	world_open(w);
	world_drop(w, "m", buf_text(&text));
	world_wait(w, w->arrived_count == 1);
	ck_assert_uint_eq(w->arrived[0]->envelope->count, 100000);
	buf_free(&text);
	world_free(w);
}
END_TEST

/* As long as a line may be, in a file that gets a CR at the end of each. */
START_TEST(test_reads_back_longest_line)
{
	struct world *w = world_new();
	struct buf text;

	buf_init(&text, 20000);
	buf_str(&text, "MAIL FROM:<a@example.org>\nRCPT TO:<u@example.org> ORCPT=rfc822;");
	while (text.len < strlen("MAIL FROM:<a@example.org>\n") + 8192)
		buf_char(&text, 'x');
	buf_str(&text, "\nDATA\nx\n.\n");
	world_open(w);
	world_drop(w, "m", buf_text(&text));
	world_wait(w, w->arrived_count == 1);
	spool_load(w->spool, w->arrived[0]->id, world_loaded, w);
	world_wait(w, w->load_done);
	ck_assert_ptr_nonnull(w->loaded);
	buf_free(&text);
	world_free(w);
}
END_TEST

START_TEST(test_bounds_messages_of_a_file)
{
	struct world *w = world_new();

	w->setup.rcpt_limit = 3;
	world_open(w);
	world_drop_old(w, "four", GOOD_LF GOOD_LF GOOD_LF GOOD_LF);
	world_drop_old(w, "three", GOOD_LF GOOD_LF GOOD_LF);
	world_wait(w, w->refused_count == 1 && w->arrived_count == 3);
	ck_assert_str_eq(w->refused[0].reason, "the file holds more than 3 messages");
	world_close(w);
	ck_assert_uint_eq(world_count(w, "queue", ".part"), 0);
	world_free(w);
}
END_TEST

START_TEST(test_notes_directory_beside_bad_file)
{
	struct world *w = world_new();

	world_open(w);
	world_drop_old(w, "x", "nonsense\n");
	world_wait(w, w->refused_count == 1);
	ck_assert_int_eq(mkdir(world_path(w, "drop/new/x"), 0755), 0);
	world_wait(w, w->refused_count == 2);
	ck_assert(world_exists(w, "drop/bad/x.reason"));
	ck_assert(world_exists(w, "drop/bad/x.2.reason"));
	ck_assert(!world_exists(w, "drop/bad/x.2"));
	world_free(w);
}
END_TEST

START_TEST(test_numbers_bad_files)
{
	struct world *w = world_new();
	static const char *const names[] = { "x", "x.2", "x.3", "x.4", "x.5", "x.reason.2" };

	world_open(w);
	for (size_t i = 0; i < 5; i++) {
		world_drop_old(w, "x", "nonsense\n");
		world_wait(w, w->refused_count == i + 1);
	}
	/* the name of a reason is no name for a file any more */
	world_drop_old(w, "x.reason", "nonsense\n");
	world_wait(w, w->refused_count == 6);
	for (size_t i = 0; i < UNIT_ROWS(names); i++) {
		char path[100];

		snprintf(path, sizeof path, "drop/bad/%s", names[i]);
		ck_assert_msg(world_exists(w, path), "%s", path);
		strcat(path, ".reason");
		ck_assert_msg(world_exists(w, path), "%s", path);
	}
	ck_assert_uint_eq(world_count(w, "drop/bad", ""), 12);
	world_free(w);
}
END_TEST

START_TEST(test_keeps_odd_names)
{
	struct world *w = world_new();
	char name[256], path[300];

	memset(name, 'n', 255);
	name[255] = '\0';
	memcpy(name, "a\nb\x1b\xff", 5);
	world_open(w);
	snprintf(path, sizeof path, "drop/new/%s", name);
	world_write(w, path, "nonsense\n", 9);
	world_wait(w, w->refused_count == 1);
	ck_assert_mem_eq(w->refused[0].name, "a?b??n", 6);
	ck_assert_uint_eq(world_count(w, "drop/bad", ""), 2);
	ck_assert_uint_eq(world_count(w, "drop/bad", ".reason"), 1);
	world_free(w);
}
END_TEST

START_TEST(test_removes_empty_directory)
{
	struct world *w = world_new();

	world_open(w);
	ck_assert_int_eq(mkdir(world_path(w, "drop/new/d"), 0755), 0);
	world_wait(w, w->refused_count == 1);
	ck_assert(!world_exists(w, "drop/new/d"));
	ck_assert(world_exists(w, "drop/bad/d.reason"));
	world_free(w);
}
END_TEST

START_TEST(test_leaves_full_directory)
{
	struct world *w = world_new();

	world_open(w);
	world_close(w);
	ck_assert_int_eq(mkdir(world_path(w, "drop/new/d"), 0755), 0);
	world_write(w, "drop/new/d/file", "x", 1);
	world_open(w);
	world_wait(w, w->refused_count == 1);
	ck_assert(world_exists(w, "drop/new/d/file"));
	ck_assert_uint_eq(world_count(w, "drop/bad", ""), 1);
	/* it is not looked at again, but what takes its name is */
	ck_assert_int_eq(unlink(world_path(w, "drop/new/d/file")), 0);
	ck_assert_int_eq(rmdir(world_path(w, "drop/new/d")), 0);
	world_drop(w, "d", GOOD_LF);
	world_wait(w, w->arrived_count == 1);
	ck_assert_uint_eq(w->refused_count, 1);
	world_close(w);
	/* nor does a second start write a second reason */
	ck_assert_int_eq(mkdir(world_path(w, "drop/new/d"), 0755), 0);
	world_write(w, "drop/new/d/file", "x", 1);
	world_open(w);
	world_wait(w, w->refused_count == 1);
	ck_assert_uint_eq(world_count(w, "drop/bad", ""), 1);
	world_free(w);
}
END_TEST

/* Where drop/new cannot be written to, nothing can be claimed and nothing is copied. */
START_TEST(test_leaves_what_it_cannot_claim)
{
	struct world *w = world_new();

	drop_privileges(w);
	world_open(w);
	world_write(w, "drop/tmp/m", GOOD_LF, strlen(GOOD_LF));
	ck_assert_int_eq(rename(world_path(w, "drop/tmp/m"), world_path(w, "drop/new/m")), 0);
	ck_assert_int_eq(chmod(world_path(w, "drop/new"), 0500), 0);
	world_commit(w);
	world_commit(w);
	ck_assert_uint_eq(w->arrived_count + w->refused_count, 0);
	ck_assert(world_exists(w, "drop/new/m"));
	ck_assert_int_eq(chmod(world_path(w, "drop/new"), 03733), 0);
	world_wait(w, w->arrived_count == 1);   /* tried again by itself */
	world_close(w);
	regain_privileges();
	world_free(w);
}
END_TEST

/* ---- opening ---- */

static const struct spool_events no_events;

static char *open_error(struct world *w, int *code)
{
	char *why = NULL;

	w->loop = loop_new();
	ck_assert_ptr_null(spool_open(w->loop, &w->setup, &no_events, w, &why, code));
	loop_free(w->loop);
	ck_assert_ptr_nonnull(why);
	return why;
}

START_TEST(test_lock_names_holder)
{
	struct world *w = world_new();
	struct loop *loop;
	char *why, pid[32];
	int code;

	world_open(w);
	loop = w->loop;
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	why = open_error(w, &code);
	ck_assert_int_eq(code, 75);
	ck_assert_ptr_nonnull(strstr(why, pid));
	free(why);
	w->loop = loop;
	world_free(w);
}
END_TEST

START_TEST(test_unknown_format)
{
	struct world *w = world_new();
	char *why;
	int code;

	world_open(w);
	world_close(w);
	world_write(w, "queue/format", "causeway queue 2\n", 17);
	why = open_error(w, &code);
	ck_assert_int_eq(code, 78);
	ck_assert_ptr_nonnull(strstr(why, "queue/format"));
	free(why);
	world_free(w);
}
END_TEST

START_TEST(test_no_spool_directory)
{
	struct world *w = world_new();
	char *why;
	int code;

	w->setup.directory = "/nonexistent/spool";
	why = open_error(w, &code);
	ck_assert_int_eq(code, 78);
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/spool"));
	free(why);
	w->setup.directory = w->dir;
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
		{ "refuses", test_refuses, UNIT_ROWS(refusals), 0 },
		{ "passes on a long local part", test_passes_on_long_local_part, 1, 0 },
		{ "takes a hundred thousand recipients", test_takes_hundred_thousand_recipients, 1, 0 },
		{ "reads back the longest line", test_reads_back_longest_line, 1, 0 },
		{ "bounds the messages of a file", test_bounds_messages_of_a_file, 1, 0 },
		{ "notes a directory beside a bad file", test_notes_directory_beside_bad_file, 1, 0 },
		{ "numbers bad files", test_numbers_bad_files, 1, 0 },
		{ "keeps odd names", test_keeps_odd_names, 1, 0 },
		{ "removes an empty directory", test_removes_empty_directory, 1, 0 },
		{ "leaves a full directory", test_leaves_full_directory, 1, 0 },
		{ "leaves what it cannot claim", test_leaves_what_it_cannot_claim, 1, 0 },
		{ "lock names its holder", test_lock_names_holder, 1, 0 },
		{ "unknown format", test_unknown_format, 1, 0 },
		{ "no spool directory", test_no_spool_directory, 1, 0 },
	};

	return unit_main("spool/intake", cases, UNIT_ROWS(cases));
}
