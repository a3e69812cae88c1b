/* The feed with a file and readers at its socket, and lines that come in any moment of a turn. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/event_feed.h"

#define MIB (1024 * 1024)
#define LINE "{\"event\": \"one\"}\n"

static struct loop *loop;
static struct event_feed *feed;
static void (*tell)(void *arg, const char *line, size_t n);
static void *tell_arg;
static int file;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* In place of the queue's own. */
void queue_set_events(struct queue *q, void (*fn)(void *arg, const char *line, size_t n), void *arg)
{
	(void)q;
	tell = fn;
	tell_arg = arg;
}

/* A socket with a name that ends with the process. */
static void start(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof address;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	file = memfd_create("events", MFD_CLOEXEC);
	loop = loop_new();
	feed = event_feed_new(loop, NULL);
	event_feed_file(feed, dup(file));
	event_feed_listen(feed, listener);
}

static void stop(void)
{
	event_feed_free(feed);
	loop_free(loop);
	close(file);
}

static int reader(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(sa_family_t) + 6), 0);
	return fd;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Turns until nothing is to be done. */
static void turn(void)
{
	struct loop_timer *timer = loop_timer_new(loop, stop_loop, loop);

	/* each of them looks once at all there is, however long that takes */
	for (int i = 0; i < 5; i++) {
		loop_timer_set(timer, 4);
		loop_run(loop);
	}
	loop_timer_free(timer);
}

static off_t written(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(file, &st), 0);
	return st.st_size;
}

static void tell_one(void *arg, bool readable, bool writable)
{
	int fd = *(int *)arg;
	char byte;

	(void)readable;
	(void)writable;
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	tell(tell_arg, LINE, strlen(LINE));
}

/* Something happens, and the only reader goes, in one turn of the loop: the file has the line all the
 * same. */
START_TEST(test_reader_goes_in_the_turn_of_a_line)
{
	int fds[2], client;
	struct loop_watch *watch;

	start();
	client = reader();
	turn();
	ck_assert_int_eq(pipe(fds), 0);
	watch = loop_watch_new(loop, fds[0], tell_one, &fds[0]);
	loop_watch_want(watch, true, false);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	close(client);
	turn();
	ck_assert_int_eq(written(), strlen(LINE));
	loop_watch_free(watch);
	close(fds[0]);
	close(fds[1]);
	stop();
}
END_TEST

/* Lines that fill the memory to the brim, with one reader that is just not behind enough to be cut off. */
START_TEST(test_no_line_is_lost_for_want_of_room)
{
	size_t first = 29 * MIB / 2, n = 31 * MIB / 10;
	char *line = malloc(first);
	int slow, slower;

	start();
	memset(line, 'x', first);
	line[first - 1] = line[n - 1] = '\n';
	slower = reader();
	turn();
	tell(tell_arg, line, first);
	turn();
	slow = reader();
	turn();
	for (int i = 0; i < 8; i++) {
		*line = (char)('0' + i);
		tell(tell_arg, line, n);
	}
	turn();
	ck_assert_int_eq(written(), first + 8 * n);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pread(file, line, 1, (off_t)(first + (size_t)i * n)), 1);
		ck_assert_int_eq(*line, '0' + i);
	}
	close(slow);
	close(slower);
	free(line);
	stop();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reader goes", test_reader_goes_in_the_turn_of_a_line, 1, 0 },
		{ "room", test_no_line_is_lost_for_want_of_room, 1, 0 },
	};

	return unit_main("daemon/event_feed", cases, UNIT_ROWS(cases));
}
