/* Drop files that are refused, and those that only just are not. */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "spool_world.h"

enum { NOBODY = 65534 };

#define GOOD_LF \
	"MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n" \
	"Subject: x\nMessage-ID: <1@x>\n\n..dot\nend\n.\n"

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

int main(void)
{
	const struct unit_case cases[] = {
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
	};

	return unit_main("spool/refused", cases, UNIT_ROWS(cases));
}
