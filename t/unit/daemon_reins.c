/* Both ends of the reins on one loop, and an other end that writes what it likes. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/process/reins.h"
#include "link/pack.h"
#include "link/packet.h"

static struct loop *loop;
static struct reins *here, *there;
static struct reins_message last;
static int heard_count, ends, fds[2];

static void heard(void *arg, const struct reins_message *m)
{
	(void)arg;
	last = *m;
	heard_count++;
	loop_stop(loop);
}

static void ended(void *arg)
{
	(void)arg;
	ends++;
	loop_stop(loop);
}

static void start(void)
{
	loop = loop_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	here = reins_new(loop, fds[0], heard, ended, NULL);
}

static void finish(void)
{
	reins_free(here);
	reins_free(there);
	loop_free(loop);
}

static const struct reins_message messages[] = {
	{ REINS_COURIER_GONE, 3, 4711, 11, -1, "" },
	{ REINS_RELOADED, 0, 0, 0, -1, "causeway.conf:3: what" },
	{ REINS_COURIER, 1, 99, 0, 0, "" },
	{ REINS_LISTEN, 1, 0, 0, 0, "" },
	{ REINS_KILL, 2, 4711, 0, -1, "" },
	{ REINS_APART, 0, 4711, 0, -1, "" },
};

START_TEST(test_round_trip)
{
	struct reins_message m = messages[_i];
	struct stat st;

	start();
	there = reins_new(loop, fds[1], heard, ended, NULL);
	if (m.fd == 0)
		m.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert(reins_send(here, &m));
	ck_assert_int_eq(heard_count, 0);
	loop_run(loop);
	ck_assert_int_eq(heard_count, 1);
	ck_assert_int_eq(last.kind, m.kind);
	ck_assert_uint_eq(last.slot, m.slot);
	ck_assert_int_eq(last.pid, m.pid);
	ck_assert_int_eq(last.status, m.status);
	ck_assert_str_eq(last.text, m.text);
	ck_assert_int_eq(last.fd >= 0, m.fd >= 0);
	if (m.fd >= 0) {
		ck_assert(fstat(last.fd, &st) == 0 && S_ISCHR(st.st_mode) && last.fd != m.fd);
		close(last.fd);
		close(m.fd);
	}
	finish();
}
END_TEST

START_TEST(test_end)
{
	struct reins_message m = { .kind = REINS_STOP, .fd = -1 };

	start();
	close(fds[1]);
	reins_send(here, &m);
	loop_run(loop);
	ck_assert_int_eq(ends, 1);
	ck_assert(!reins_send(here, &m));
	finish();
}
END_TEST

/* kind, and how many bytes of a good message are sent; 0 more: all. */
static const struct {
	unsigned kind;
	int more;
} bad[] = { { REINS_LAST + 1, 0 }, { 255, 0 }, { REINS_STOP, -1 }, { REINS_STOP, -12 },
	{ REINS_STOP, 1 } };

START_TEST(test_bad)
{
	struct buf b;

	start();
	buf_init(&b, PACKET_MAX);
	pack_u8(&b, bad[_i].kind);
	for (int i = 0; i < 3; i++)
		pack_u32(&b, 1);
	pack_text(&b, "text");
	if (bad[_i].more > 0)
		pack_u8(&b, 0);
	packet_send(fds[1], b.data, b.len - (bad[_i].more < 0 ? (size_t)-bad[_i].more : 0), -1);
	buf_free(&b);
	loop_run(loop);
	ck_assert_int_eq(ends, 1);
	ck_assert_int_eq(heard_count, 0);
	close(fds[1]);
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "round trip", test_round_trip, UNIT_ROWS(messages), 0 },
		{ "end", test_end, 1, 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
	};

	return unit_main("daemon/reins", cases, UNIT_ROWS(cases));
}
