/* Streams against the other end of a connection, listening sockets, and files. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream.h"

#include "net_stream_pair.h"

enum { TOO_MUCH = 4 * 1024 * 1024 + 1 };   /* bytes that wait in a stream */

static struct loop *loop;
static struct stream_shared *shared;
static struct stream *stream;
static int far = -1;
static char trail[1000];
static bool done;

static void add(const char *what)
{
	strncat(trail, what, sizeof trail - strlen(trail) - 1);
}

static void opened(void *arg)
{
	(void)arg;
	add("opened ");
	loop_stop(loop);
}

static void heard(void *arg, const char *bytes, size_t n)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof text, "heard(%.*s) ", (int)n, bytes);
	add(text);
	loop_stop(loop);
}

static void drained(void *arg)
{
	(void)arg;
	add("drained ");
	done = true;
}

static void late(void *arg)
{
	(void)arg;
	add("late ");
	loop_stop(loop);
}

static void ended(void *arg, enum stream_end how, int error)
{
	static const char *const names[] = { "refused", "unbound", "closed", "broken", "unreadable",
		"unchanged" };
	char text[80];

	(void)arg;
	snprintf(text, sizeof text, "%s%s%s ", names[how], error ? ":" : "",
		error ? strerrorname_np(error) : "");
	add(text);
	done = true;
	loop_stop(loop);
}

static const struct stream_events events = { opened, heard, drained, late, ended, NULL };

static void start(void)
{
	loop = loop_new();
	shared = stream_shared_new(loop);
}

static void start_pair(void)
{
	start();
	stream = stream_pair(shared, &events, &far, SOCK_NONBLOCK);
	loop_run(loop);
	ck_assert_str_eq(trail, "opened ");
	*trail = '\0';
}

static void finish(void)
{
	stream_free(stream);
	stream_shared_free(shared);
	loop_free(loop);
	if (far >= 0)
		close(far);
}

START_TEST(test_reads_and_end)
{
	start_pair();
	ck_assert_int_eq(write(far, "250 ok", 6), 6);
	loop_run(loop);
	close(far);
	far = -1;
	loop_run(loop);
	ck_assert_str_eq(trail, "heard(250 ok) closed ");
	finish();
}
END_TEST

/* A write to a peer that has gone: what it said last is heard, and the end comes from the loop, not from
 * the write. */
START_TEST(test_last_words)
{
	start_pair();
	ck_assert_int_eq(write(far, "421 bye", 7), 7);
	close(far);
	far = -1;
	ck_assert(!stream_write(stream, "MAIL", 4));
	ck_assert_str_eq(trail, "");
	while (!done)
		loop_run(loop);
	ck_assert_str_eq(trail, "heard(421 bye) broken:EPIPE ");
	ck_assert(!stream_write(stream, "MAIL", 4));
	finish();
}
END_TEST

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Lets the stream work until so much has come out at the far end, or it has ended. */
static void read_all(char *to, size_t size)
{
	size_t got = 0;
	struct loop_timer *tick = loop_timer_new(loop, stop, NULL);

	while (got < size && !strstr(trail, "unreadable")) {
		ssize_t n = read(far, to + got, size - got);

		if (n > 0)
			got += (size_t)n;
		loop_timer_set(tick, 1);
		loop_run(loop);
	}
	loop_timer_free(tick);
}

/* head, file: sizes; both at once fit, wait in memory, or are sent from the file. */
static const struct {
	size_t head, file;
} files[] = { { 0, 3 }, { 100, 1000 }, { 100, 64 * 1024 }, { 100, 64 * 1024 + 1 }, { 17 * 1024, 1000 },
	{ 50, 5 * 1000 * 1000 } };

START_TEST(test_file)
{
	size_t head = files[_i].head, size = files[_i].file, at = 11;
	char *all = mem_alloc(at + head + size), *got = mem_alloc(head + size + 1);
	int fd = memfd_create("content", MFD_CLOEXEC);

	for (size_t i = 0; i < at + head + size; i++)
		all[i] = (char)(i * 7 + i / 251);
	ck_assert_int_eq(pwrite(fd, all, at, 0), (ssize_t)at);
	ck_assert_int_eq(pwrite(fd, all + at + head, size, (off_t)at), (ssize_t)size);
	start_pair();
	done = stream_write_file(stream, all + at, head, fd, at, size);
	read_all(got, head + size);
	ck_assert(done);
	ck_assert_mem_eq(got, all + at, head + size);
	stream_write(stream, "x", 1);
	read_all(got, 1);
	ck_assert_int_eq(got[0], 'x');
	finish();
	close(fd);
	free(all);
	free(got);
}
END_TEST

static const size_t short_files[] = { 10, 100 * 1024 };

START_TEST(test_file_too_short)
{
	int fd = memfd_create("content", MFD_CLOEXEC);
	char *sink = mem_alloc(short_files[_i]);

	start_pair();
	ck_assert_int_eq(ftruncate(fd, (off_t)short_files[_i] - 1), 0);
	ck_assert(!stream_write_file(stream, "", 0, fd, 0, short_files[_i]));
	read_all(sink, short_files[_i]);
	ck_assert_str_eq(trail, "unreadable ");
	free(sink);
	finish();
	close(fd);
}
END_TEST

START_TEST(test_deadline)
{
	start_pair();
	stream_deadline(stream, 20, 0);
	loop_run(loop);
	ck_assert_int_eq(write(far, "still here", 10), 10);
	loop_run(loop);
	ck_assert_str_eq(trail, "late heard(still here) ");
	finish();
}
END_TEST

static bool refuse(void *arg, const char *bytes, size_t n, struct buf *out)
{
	(void)arg;
	(void)bytes;
	(void)n;
	(void)out;
	return false;
}

START_TEST(test_gives_up)
{
	struct stream_change change = { refuse, NULL };
	int fd = memfd_create("content", MFD_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, "content", 7, 0), 7);
	start_pair();
	ck_assert(!stream_write_changed(stream, "", 0, fd, 0, 7, &change));
	loop_run(loop);
	ck_assert_str_eq(trail, "unchanged ");
	finish();
	close(fd);
}
END_TEST

/* Three bytes for each two of the file. */
static bool triple(void *arg, const char *bytes, size_t n, struct buf *out)
{
	++*(int *)arg;
	for (size_t i = 0; i < n; i++) {
		buf_char(out, bytes[i]);
		if (i % 2)
			buf_char(out, '+');
	}
	return true;
}

static const size_t changed_files[] = { 2, 1000, 64 * 1024, 64 * 1024 + 2, 300 * 1000 };

START_TEST(test_changed)
{
	size_t size = changed_files[_i], out = size / 2 * 3;
	char *all = mem_alloc(size), *got = mem_alloc(4 + out + 1);
	int fd = memfd_create("content", MFD_CLOEXEC), calls = 0;
	struct stream_change change = { triple, &calls };

	memset(all, 'x', size);
	ck_assert_int_eq(pwrite(fd, all, size, 0), (ssize_t)size);
	start_pair();
	done = stream_write_changed(stream, "head", 4, fd, 0, size, &change);
	read_all(got, 4 + out);
	ck_assert(done);
	ck_assert_mem_eq(got, "headxx+", 7);
	for (size_t i = 0; i < out; i++)
		ck_assert_int_eq(got[4 + i], i % 3 == 2 ? '+' : 'x');
	ck_assert_int_eq(calls, (int)((size + 64 * 1024 - 1) / (64 * 1024)));
	stream_write(stream, "y", 1);
	read_all(got, 1);
	ck_assert_int_eq(got[0], 'y');
	finish();
	close(fd);
	free(all);
	free(got);
}
END_TEST

START_TEST(test_kept)
{
	char got[16] = "", *all;
	int fd = memfd_create("content", MFD_CLOEXEC), calls = 0;
	struct stream_change change = { triple, &calls };

	ck_assert_int_eq(pwrite(fd, "xx", 2, 0), 2);
	start_pair();
	stream_keep(stream, "MAIL\n", 5);
	stream_keep(stream, "RCPT\n", 5);
	ck_assert_int_lt(recv(far, got, sizeof got, MSG_DONTWAIT), 0);
	ck_assert(stream_write_changed(stream, "", 0, fd, 0, 2, &change));
	ck_assert_int_eq(recv(far, got, sizeof got, MSG_DONTWAIT), 13);
	ck_assert_str_eq(got, "MAIL\nRCPT\nxx+");
	/* there is a ceiling */
	all = mem_alloc(TOO_MUCH);
	stream_keep(stream, all, TOO_MUCH);
	stream_keep(stream, "MAIL\n", 5);
	ck_assert(!stream_write_changed(stream, "", 0, fd, 0, 2, &change));
	loop_run(loop);
	ck_assert_str_eq(trail, "broken:ENOBUFS ");
	finish();
	close(fd);
	free(all);
}
END_TEST

static struct loop_timer *drip;

static void take_some(void *arg)
{
	static char bytes[64 * 1024];

	(void)arg;
	if (read(far, bytes, sizeof bytes) > 0 || !done)
		loop_timer_set(drip, 70);
	if (done)
		loop_stop(loop);
}

/* A peer that takes 3 MB in three seconds, some of it every now and then, with two seconds. Where no rate is
 * asked for (behaviour H2-2), or one that it comes up to (H2-6), the time is never over. */
static const struct {
	int64_t rate;
	bool in_time;
} rates[] = { { 0, true }, { 1000, true }, { 1000 * 1000 * 1000, false }, { STREAM_NO_RATE, false } };

START_TEST(test_H2_6_rate)
{
	const size_t size = 3 * 1000 * 1000;
	char *all = mem_alloc(size);

	start_pair();
	drip = loop_timer_new(loop, take_some, NULL);
	memset(all, 'x', size);
	stream_deadline(stream, 2000, rates[_i].rate);
	ck_assert(!stream_write(stream, all, size));
	take_some(NULL);
	loop_run(loop);
	ck_assert_str_eq(trail, rates[_i].in_time ? "drained " : "late ");
	loop_timer_free(drip);
	free(all);
	finish();
}
END_TEST

static void listen_at(const struct endpoint *at, int backlog, struct endpoint *is)
{
	far = socket(at->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(far, &at->at.any, at->size), 0);
	ck_assert_int_eq(listen(far, backlog), 0);
	*is = *at;
	ck_assert_int_eq(getsockname(far, &is->at.any, &is->size), 0);
}

static void run_until_done(const char *wanted)
{
	loop_run(loop);
	ck_assert_str_eq(trail, wanted);
}

static const char *const addresses[] = { "127.0.0.1", "::1", "/" };

START_TEST(test_connects)
{
	struct endpoint at, is;
	char path[60];

	snprintf(path, sizeof path, "/tmp/causeway-stream.%ld", (long)getpid());
	unlink(path);
	if (addresses[_i][0] == '/')
		ck_assert(endpoint_unix(&at, path));
	else
		ck_assert(endpoint_inet(&at, addresses[_i], 0));
	start();
	listen_at(&at, 5, &is);
	stream = stream_connect(shared, addresses[_i][0] == '/' ? &at : &is, NULL, false, &events, NULL);
	ck_assert_str_eq(trail, "");
	run_until_done("opened ");
	unlink(path);
	finish();
}
END_TEST

/* A UNIX socket whose backlog is full says so at once: busy, not dead. */
START_TEST(test_busy)
{
	struct endpoint at, is;
	char path[60];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof path, "/tmp/causeway-stream.%ld", (long)getpid());
	unlink(path);
	ck_assert(endpoint_unix(&at, path));
	start();
	listen_at(&at, 0, &is);
	ck_assert_int_eq(connect(fd, &at.at.any, at.size), 0);
	stream = stream_connect(shared, &at, NULL, false, &events, NULL);
	run_until_done("refused:EAGAIN ");
	unlink(path);
	close(fd);
	finish();
}
END_TEST

static const struct {
	const char *to, *from;
	bool must;
	const char *wanted;
} refusals[] = {
	{ "/nonexistent/socket", NULL, false, "refused:ENOENT " },
	{ "127.0.0.1", NULL, false, "refused:ECONNREFUSED " },
	{ "127.0.0.1", "192.0.2.1", true, "unbound:EADDRNOTAVAIL " },
	{ "127.0.0.1", "192.0.2.1", false, "refused:ECONNREFUSED " },
	{ "127.0.0.1", "127.0.0.2", true, "refused:ECONNREFUSED " },
};

START_TEST(test_refused)
{
	struct endpoint to, from;

	start();
	if (refusals[_i].to[0] == '/')
		ck_assert(endpoint_unix(&to, refusals[_i].to));
	else
		ck_assert(endpoint_inet(&to, refusals[_i].to, 1));
	if (refusals[_i].from)
		ck_assert(endpoint_inet(&from, refusals[_i].from, 0));
	stream = stream_connect(shared, &to, refusals[_i].from ? &from : NULL, refusals[_i].must, &events,
		NULL);
	ck_assert_str_eq(trail, "");
	run_until_done(refusals[_i].wanted);
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads and end", test_reads_and_end, 1, 0 },
		{ "last words", test_last_words, 1, 0 },
		{ "file", test_file, UNIT_ROWS(files), 0 },
		{ "file too short", test_file_too_short, UNIT_ROWS(short_files), 0 },
		{ "deadline", test_deadline, 1, 0 },
		{ "gives up", test_gives_up, 1, 0 },
		{ "changed", test_changed, UNIT_ROWS(changed_files), 0 },
		{ "kept", test_kept, 1, 0 },
		{ "rate", test_H2_6_rate, UNIT_ROWS(rates), 0 },
		{ "connects", test_connects, UNIT_ROWS(addresses), 0 },
		{ "busy", test_busy, 1, 0 },
		{ "refused", test_refused, UNIT_ROWS(refusals), 0 },
	};

	return unit_main("net/stream", cases, UNIT_ROWS(cases));
}
