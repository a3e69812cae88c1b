#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/drop/bsmtp.h"
#include "tool/inject_message.h"

#define HEAD "From: f\nDate: d\nMessage-ID: <m>\n"
#define HEAD_OUT "From: f\r\nDate: d\r\nMessage-ID: <m>\r\n"
#define MAIL "MAIL FROM:<s@x>"
#define RCPT "\r\nRCPT TO:<a@x>\r\nDATA\r\n"
#define ARGUMENTS "-f", "s@x", "a@x"

enum { ARGUMENTS_MAX = 8 };

/* --- a spool of its own ----------------------------------------------------------------------- */

static char spool[32];

static void make(const char *name)
{
	char *path = mem_fmt("%s/%s", spool, name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(path);
}

static void make_spool(void)
{
	strcpy(spool, "/tmp/causeway-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(spool));
	make("drop");
	make("drop/tmp");
	make("drop/new");
}

/* Removes all files in a directory of the spool, counts them, and adds their content to out. */
static int take_files(const char *name, struct buf *out, mode_t *mode)
{
	char *path = mem_fmt("%s/%s", spool, name), bytes[65536];
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	int count = 0;
	ssize_t n;

	while (dir && (entry = readdir(dir))) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);

		if (*entry->d_name != '.') {
			ck_assert(fstat(fd, &st) == 0);
			*mode = st.st_mode & 07777;
			count++;
			while ((n = read(fd, bytes, sizeof(bytes))) > 0)
				buf_add(out, bytes, (size_t)n);
			unlinkat(dirfd(dir), entry->d_name, 0);
		}
		close(fd);
	}
	if (dir)
		closedir(dir);
	free(path);
	return count;
}

static void remove_spool(void)
{
	static const char *const names[] = { "drop/new", "drop/tmp", "drop", "" };

	for (size_t i = 0; i < UNIT_ROWS(names); i++) {
		char *path = mem_fmt("%s/%s", spool, names[i]);

		rmdir(path);
		free(path);
	}
}

static int inject(const char *const *words, const char *input, size_t n, char **why)
{
	struct inject_place place = { .spool = spool, .origin = "origin.test", .finds_utf8 = true };
	char name[] = "causeway-inject", *argv[ARGUMENTS_MAX + 2] = { name };
	struct inject_arguments a;
	int fd = memfd_create("input", 0), argc = 1, code;

	while (argc <= ARGUMENTS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	*why = NULL;
	ck_assert_int_eq(write(fd, input, n), (ssize_t)n);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert(inject_arguments_read(&a, argc, argv, why));
	code = inject_message(&a, &place, fd, why);
	inject_arguments_release(&a);
	close(fd);
	return code;
}

/* Whether the daemon can take the file as it is. */
static bool is_wire_form(const struct buf *file)
{
	struct bsmtp *b = bsmtp_new(1000, 0);
	struct text slice = text_make(file->data, file->len), piece;
	enum bsmtp_event event;
	bool good;

	while ((event = bsmtp_next(b, &slice, &piece)) != BSMTP_MORE && event != BSMTP_ERROR)
		if (event == BSMTP_BEGIN)
			envelope_free(bsmtp_take_envelope(b));
	good = bsmtp_finish(b) == BSMTP_MORE && bsmtp_is_wire_form(b);
	bsmtp_free(b);
	return good;
}

/* --- files that come out ---------------------------------------------------------------------- */

static const struct {
	const char *words[ARGUMENTS_MAX], *input, *file;
} good[] = {
	{ { ARGUMENTS }, HEAD "\nbody\n", MAIL RCPT HEAD_OUT "\r\nbody\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD_OUT "\r\nbody\r\n", MAIL RCPT HEAD_OUT "\r\nbody\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\n", MAIL RCPT HEAD_OUT "\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD, MAIL RCPT HEAD_OUT "\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "A: b", MAIL RCPT HEAD_OUT "A: b\r\n\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "no header line\n", MAIL RCPT HEAD_OUT "\r\nno header line\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\nno end", MAIL RCPT HEAD_OUT "\r\nno end\r\n.\r\n" },
	{ { ARGUMENTS }, "From a@x Mon\n>From b\n" HEAD "\nFrom c\n",
		MAIL RCPT HEAD_OUT "\r\nFrom c\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\na\n.\nb\n", MAIL RCPT HEAD_OUT "\r\na\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\na\r\n.\r\nb\r\n", MAIL RCPT HEAD_OUT "\r\na\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\na\n.", MAIL RCPT HEAD_OUT "\r\na\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD ".\n\nb\n", MAIL RCPT HEAD_OUT "\r\n.\r\n" },
	{ { "-i", ARGUMENTS }, HEAD "\na\n.\nb\n", MAIL RCPT HEAD_OUT "\r\na\r\n..\r\nb\r\n.\r\n" },
	{ { "-i", ARGUMENTS }, HEAD "\n.\r\n..\n.a\n.",
		MAIL RCPT HEAD_OUT "\r\n..\r\n...\r\n..a\r\n..\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\n..\n.a\n", MAIL RCPT HEAD_OUT "\r\n...\r\n..a\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\na\rb\r\r\nc\r", MAIL RCPT HEAD_OUT "\r\na b \r\nc\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\n.\ra\n\r.\n", MAIL RCPT HEAD_OUT "\r\n.. a\r\n .\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "\n\xe9\n", MAIL " BODY=8BITMIME" RCPT HEAD_OUT "\r\n\xe9\r\n.\r\n" },
	{ { "-B7BIT", ARGUMENTS }, HEAD "\n\xe9\n", MAIL " BODY=7BIT" RCPT HEAD_OUT "\r\n\xe9\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "A: \xc3\xa9\n\n",
		MAIL " BODY=8BITMIME SMTPUTF8" RCPT HEAD_OUT "A: \xc3\xa9\r\n\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "A: \xe9\n\n", MAIL " BODY=8BITMIME" RCPT HEAD_OUT "A: \xe9\r\n\r\n.\r\n" },
	{ { "-f", "s@x", "\xc3\xa9@x" }, HEAD "\n",
		MAIL " SMTPUTF8\r\nRCPT TO:<\xc3\xa9@x>\r\nDATA\r\n" HEAD_OUT "\r\n.\r\n" },
	{ { ARGUMENTS }, HEAD "Bcc: b@x\n\n", MAIL RCPT HEAD_OUT "Bcc: b@x\r\n\r\n.\r\n" },
	{ { "-t", "-f", "s@x" }, "Bcc: a@x\n" HEAD "\n", MAIL RCPT HEAD_OUT "\r\n.\r\n" },
	{ { "-t", ARGUMENTS }, HEAD "To: A <a@x>\n\n", MAIL RCPT HEAD_OUT "To: A <a@x>\r\n\r\n.\r\n" },
	{ { "-t", ARGUMENTS }, HEAD "\nTo: b@x\n", MAIL RCPT HEAD_OUT "\r\nTo: b@x\r\n.\r\n" },
	{ { "-t", "-N", "never", "-f", "s@x" }, HEAD "To: a@x\n\n",
		MAIL "\r\nRCPT TO:<a@x> NOTIFY=NEVER\r\nDATA\r\n" HEAD_OUT "To: a@x\r\n\r\n.\r\n" },
};

START_TEST(test_writes)
{
	struct buf file;
	mode_t mode = 0;
	char *why;
	int code;

	make_spool();
	umask(077);
	buf_init(&file, 1 << 20);
	code = inject(good[_i].words, good[_i].input, strlen(good[_i].input), &why);
	ck_assert_msg(code == 0, "%d %s", code, why);
	ck_assert_int_eq(take_files("drop/tmp", &file, &mode), 0);
	ck_assert_int_eq(take_files("drop/new", &file, &mode), 1);
	ck_assert_int_eq(mode, 0640);
	ck_assert_str_eq(buf_text(&file), good[_i].file);
	ck_assert(is_wire_form(&file));
	buf_free(&file);
	remove_spool();
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

static const struct {
	const char *words[ARGUMENTS_MAX], *input, *missing;
	int code;
	const char *why;
} bad[] = {
	{ { "-t" }, "", NULL, EX_USAGE, "no recipient" },
	{ { "-t" }, HEAD "\nTo: a@x\n", NULL, EX_USAGE, "no recipient" },
	{ { "-t" }, HEAD "To: friends:;\n\n", NULL, EX_USAGE, "no recipient" },
	{ { "-t" }, "no header line\nTo: a@x\n", NULL, EX_USAGE, "no recipient" },
	{ { "-t", "a@x" }, "To: b c@x\n\n", NULL, EX_DATAERR, "To: 'b c@" },
	{ { "-t" }, "To: a@x\nCc: <>\n\n", NULL, EX_DATAERR, "Cc: '<>'" },
	{ { ARGUMENTS }, HEAD "\n", "drop/tmp", EX_TEMPFAIL, "/drop/tmp: no file can be made there" },
	{ { ARGUMENTS }, HEAD "\n", "drop/new", EX_TEMPFAIL, "/drop/new/" },
};

START_TEST(test_refuses)
{
	struct buf file;
	mode_t mode = 0;
	char *why, *missing;

	make_spool();
	missing = mem_fmt("%s/%s", spool, bad[_i].missing ? bad[_i].missing : "nothing");
	rmdir(missing);
	buf_init(&file, 1 << 20);
	ck_assert_int_eq(inject(bad[_i].words, bad[_i].input, strlen(bad[_i].input), &why), bad[_i].code);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
	ck_assert_int_eq(take_files("drop/tmp", &file, &mode) + take_files("drop/new", &file, &mode), 0);
	free(missing);
	free(why);
	buf_free(&file);
	remove_spool();
}
END_TEST

START_TEST(test_refuses_what_cannot_be_read)
{
	char name[] = "causeway-inject", address[] = "a@x", *argv[] = { name, address, NULL }, *why = NULL;
	struct inject_place place = { .spool = spool, .origin = "origin.test", .finds_utf8 = true };
	struct inject_arguments a;
	int fd = open("/", O_RDONLY);

	make_spool();
	ck_assert(inject_arguments_read(&a, 2, argv, &why));
	ck_assert_int_eq(inject_message(&a, &place, fd, &why), EX_NOINPUT);
	ck_assert_msg(strstr(why, "standard input: cannot be read") != NULL, "%s", why);
	inject_arguments_release(&a);
	close(fd);
	free(why);
	remove_spool();
}
END_TEST

/* --- what the header lacks -------------------------------------------------------------------- */

static const struct {
	const char *words[ARGUMENTS_MAX], *input, *added;     /* up to the first variable part */
} lacking[] = {
	{ { ARGUMENTS }, "Date: d\nMessage-ID: <m>\n\n", "From: <s@x>\r\nDate: d\r\n" },
	{ { "-F", "N", ARGUMENTS }, "Date: d\nMessage-ID: <m>\n\n", "From: \"N\" <s@x>\r\nDate: d\r\n" },
	{ { "-f", "s", "a@x" }, "Date: d\nMessage-ID: <m>\n\n", "From: <s@origin.test>\r\nDate: d\r\n" },
	{ { "-f", "", "a@x" }, "Date: d\nMessage-ID: <m>\n\n",
		"From: <MAILER-DAEMON@origin.test>\r\nDate: d\r\n" },
	{ { ARGUMENTS }, "From: f\nMessage-ID: <m>\n\n", "Date: " },
	{ { ARGUMENTS }, "From: f\nDate: d\n\n", "Message-ID: <" },
	{ { ARGUMENTS }, "From: f\nDate: d\nMessage-ID: <m>\nResent-Date: d\nResent-Message-ID: <m>\n\n",
		"Resent-From: <s@x>\r\nFrom: f\r\n" },
	{ { ARGUMENTS }, "body\n", "From: <s@x>\r\nDate: " },
	{ { ARGUMENTS }, "", "From: <s@x>\r\nDate: " },
};

START_TEST(test_adds)
{
	struct buf file;
	mode_t mode = 0;
	const char *content;
	char *why;

	make_spool();
	buf_init(&file, 1 << 20);
	ck_assert_int_eq(inject(lacking[_i].words, lacking[_i].input, strlen(lacking[_i].input), &why), 0);
	ck_assert_int_eq(take_files("drop/new", &file, &mode), 1);
	content = strstr(buf_text(&file), "DATA\r\n") + 6;
	ck_assert_msg(strncmp(content, lacking[_i].added, strlen(lacking[_i].added)) == 0, "%s", content);
	ck_assert_ptr_nonnull(strstr(content, "Message-ID: <"));
	ck_assert_ptr_nonnull(strstr(content, "\r\n\r\n"));
	ck_assert(is_wire_form(&file));
	buf_free(&file);
	remove_spool();
}
END_TEST

/* --- size ------------------------------------------------------------------------------------- */

/* A body of lines of that length, where one byte above 127 stands at the end, or none. */
static const struct {
	size_t line, lines;
	bool eight_bit;
} sizes[] = {
	{ 70, 10, false },
	{ 70, 10, true },
	{ 65535, 3, true },
	{ 65536, 3, true },
	{ 65537, 3, true },
	{ 300000, 1, false },
	{ 70, 30000, false },
	{ 70, 30000, true },
	{ 3000000, 1, true },
	{ 1, 1100000, true },
};

static void fill(struct buf *in, struct buf *out, size_t row)
{
	for (size_t i = 0; i < sizes[row].lines; i++) {
		for (size_t n = 0; n < sizes[row].line; n++) {
			char c = n % 10 ? 'x' : '.';

			if (n == 0)
				buf_char(out, '.');
			buf_char(in, c);
			buf_char(out, c);
		}
		buf_str(in, "\n");
		buf_str(out, "\r\n");
	}
}

START_TEST(test_sizes)
{
	static const char *const words[] = { "-i", ARGUMENTS, NULL };
	struct buf in, expected, file;
	mode_t mode = 0;
	char *why;

	make_spool();
	buf_init(&in, 1 << 24);
	buf_init(&expected, 1 << 24);
	buf_init(&file, 1 << 24);
	buf_str(&in, HEAD "\n");
	buf_fmt(&expected, MAIL "%s" RCPT HEAD_OUT "\r\n", sizes[_i].eight_bit ? " BODY=8BITMIME" : "");
	fill(&in, &expected, (size_t)_i);
	buf_str(&in, sizes[_i].eight_bit ? "\xff" : "");
	buf_str(&expected, sizes[_i].eight_bit ? "\xff\r\n.\r\n" : ".\r\n");
	ck_assert_int_eq(inject(words, in.data, in.len, &why), 0);
	ck_assert_int_eq(take_files("drop/new", &file, &mode), 1);
	ck_assert_uint_eq(file.len, expected.len);
	ck_assert(memcmp(file.data, expected.data, file.len) == 0);
	buf_free(&in);
	buf_free(&expected);
	buf_free(&file);
	remove_spool();
}
END_TEST

START_TEST(test_header_has_a_ceiling)
{
	static const char *const words[] = { ARGUMENTS, NULL };
	struct buf in, file;
	mode_t mode = 0;
	char *why;

	make_spool();
	buf_init(&in, 1 << 24);
	buf_init(&file, 1 << 24);
	while (in.len < 1100000)
		buf_str(&in, _i == 0 ? "A: b\n" : _i == 1 || in.len == 0 ? "A:b" : " \r\n");
	ck_assert_int_eq(inject(words, in.data, in.len, &why), EX_DATAERR);
	ck_assert_msg(strstr(why, "1 MiB") != NULL, "%s", why);
	ck_assert_int_eq(take_files("drop/tmp", &file, &mode) + take_files("drop/new", &file, &mode), 0);
	free(why);
	buf_free(&in);
	buf_free(&file);
	remove_spool();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "writes", test_writes, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
		{ "refuses what cannot be read", test_refuses_what_cannot_be_read, 1, 0 },
		{ "adds", test_adds, UNIT_ROWS(lacking), 0 },
		{ "sizes", test_sizes, UNIT_ROWS(sizes), 0 },
		{ "header has a ceiling", test_header_has_a_ceiling, 3, 0 },
	};

	return unit_main("tool/inject_message", cases, UNIT_ROWS(cases));
}
