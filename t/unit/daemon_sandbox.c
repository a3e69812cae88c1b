/* Each row enters a sandbox in a process of its own and really tries the call. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/sandbox/sandbox.h"
#include "daemon/sandbox/sandbox_landlock.h"
#include "spool/journal/clocks.h"

static char dir[] = "/tmp/cw-sandbox-XXXXXX";

/* Opened ahead of the sandbox, as the daemon does: a message's file and the listener of the metrics. */
static int message = -1, listener = -1;

static const char *at(const char *name)
{
	static char paths[4][256];
	static unsigned turn;

	snprintf(paths[++turn % 4], sizeof(paths[0]), "%s/%s", dir, name);
	return paths[turn % 4];
}

static void make_file(const char *name)
{
	FILE *file = fopen(at(name), "w");

	if (!file)
		abort();
	fputs("hello", file);
	fclose(file);
}

/* --- attempts: 0 for success, else errno --- */

static int result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int open_read(const char *path) { return result(open(path, O_RDONLY)); }
static int spool_read(void) { return open_read(at("spool/queue/m")); }
static int spool_list(void) { return open_read(at("spool/queue")); }
static int spool_write(void) { return result(open(at("spool/queue/m"), O_WRONLY)); }
static int spool_create(void) { return result(open(at("spool/queue/n"), O_RDWR | O_CREAT, 0600)); }
static int spool_rename(void) { return result(rename(at("spool/drop/new/d"), at("spool/queue/d"))); }
static int spool_link(void) { return result(link(at("spool/queue/m"), at("spool/queue/l"))); }
static int spool_symlink(void) { return result(symlink("m", at("spool/queue/s"))); }
static int spool_unlink(void) { return result(unlink(at("spool/queue/m"))); }
static int spool_mkdir(void) { return result(mkdir(at("spool/queue/k"), 0700)); }
static int spool_truncate(void) { return result(truncate(at("spool/queue/m"), 0)); }
static int spool_chmod(void) { return result(chmod(at("spool/queue/m"), 0644)); }
static int spool_chown(void) { return result(chown(at("spool/queue/m"), getuid(), getgid())); }
static int spool_utime(void) { return result(utimensat(AT_FDCWD, at("spool/queue/m"), NULL, 0)); }
static int spool_xattr(void) { return result(setxattr(at("spool/queue/m"), "user.x", "y", 1, 0)); }
static int spool_socket(void) { return result(mknod(at("spool/queue/p"), S_IFIFO | 0600, 0)); }
static int outside_create(void) { return result(open(at("other/n"), O_RDWR | O_CREAT, 0600)); }
static int outside_write(void) { return result(open(at("other/secret"), O_WRONLY)); }
static int outside_truncate(void) { return result(truncate(at("other/secret"), 0)); }
static int outside_read(void) { return open_read(at("other/secret")); }
static int outside_rename(void) { return result(rename(at("spool/queue/m"), at("other/m"))); }
static int outside_unlink(void) { return result(unlink(at("other/secret"))); }
static int table_read(void) { return open_read(at("tables/transport")); }
static int table_write(void) { return result(open(at("tables/transport"), O_WRONLY)); }
static int shadow_read(void) { return open_read("/etc/passwd"); }
static int system_read(void) { return open_read("/etc/resolv.conf"); }
static int own_memory(void) { return result(open("/proc/self/mem", O_RDWR)); }
static int message_read(void) { char c; return result(pread(message, &c, 1, 0)); }
static int message_write(void) { return result(pwrite(message, "x", 1, 0)); }
static int message_truncate(void) { return result(ftruncate(message, 0)); }
static int message_chmod(void) { return result(fchmod(message, 0666)); }
static int message_flock(void) { return result(flock(message, LOCK_EX)); }
static int message_reopen(void) { return result(open(mem_fmt("/proc/self/fd/%d", message), O_WRONLY)); }

static int message_lock(void)
{
	struct flock lock = { .l_type = F_RDLCK };

	return result(fcntl(message, F_SETLK, &lock));
}

static int message_own_lock(void)
{
	struct flock lock = { .l_type = F_RDLCK };

	return result(fcntl(message, F_OFD_SETLK, &lock));
}

static int message_duplicate(void) { return result(fcntl(message, F_DUPFD_CLOEXEC, 0)); }
static int watch(void) { return result(inotify_init1(0)); }
static int fork_child(void) { pid_t pid = fork(); if (pid == 0) _exit(0); return result(pid); }
static int execute(void) { return result(execl("/bin/true", "true", (char *)NULL)); }
static int kill_parent(void) { return result(kill(getppid(), 0)); }
static int kill_self(void) { return result(kill(getpid(), 0)); }
static int kill_group(void) { return result(kill(0, 0)); }
static int trace(void) { return result(syscall(__NR_ptrace, 0, 0, 0, 0)); }
static int ring(void) { return result(syscall(__NR_io_uring_setup, 1, NULL)); }
static int namespace(void) { return result(syscall(__NR_unshare, 0x10000000)); }
static int handle(void) { return result(syscall(__NR_pidfd_open, getpid(), 0)); }
static int limit_parent(void) { struct rlimit r; return result(prlimit(getppid(), RLIMIT_CORE, NULL, &r)); }
static const struct sched_param no_priority;
static int schedule(pid_t pid) { return result(sched_setscheduler(pid, SCHED_BATCH, &no_priority)); }
static int schedule_other(void) { return schedule(getppid()); }
static int schedule_self(void) { return schedule(0); }
static int limit_self(void) { struct rlimit r; return result(getrlimit(RLIMIT_NOFILE, &r)); }

static void *thread(void *arg)
{
	free(malloc(100000));
	return arg;
}

static int threads(void)
{
	pthread_t all[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&all[i], NULL, thread, NULL) != 0)
			return EAGAIN;
	for (int i = 0; i < 4; i++)
		pthread_join(all[i], NULL);
	return 0;
}

static int abort_self(void)
{
	pid_t self = getpid();

	signal(SIGUSR1, SIG_IGN);
	return result(raise(SIGUSR1) == 0 && kill(self, SIGUSR1) == 0 ? 0 : -1);
}

static int inet_socket(int family, int type)
{
	return result(socket(family, type, 0));
}

static int tcp_socket(void) { return inet_socket(AF_INET, SOCK_STREAM); }
static int tcp6_socket(void) { return inet_socket(AF_INET6, SOCK_STREAM); }
static int udp_socket(void) { return inet_socket(AF_INET, SOCK_DGRAM); }
static int unix_socket(void) { return inet_socket(AF_UNIX, SOCK_STREAM); }
static int packet_socket(void) { return inet_socket(AF_PACKET, SOCK_RAW); }
static int vsock_socket(void) { return inet_socket(AF_VSOCK, SOCK_STREAM); }

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int tcp_connect(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	getsockname(listener, (struct sockaddr *)&address, &size);
	return result(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, size));
}

static int bind_to(int port)
{
	struct sockaddr_in address = loopback(port);

	return result(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)));
}

static int bind_any(void) { return bind_to(0); }
static int bind_smtp(void) { return bind_to(2525); }
static int listen_any(void) { return result(listen(socket(AF_INET, SOCK_STREAM, 0), 1)); }
static int accept_metrics(void) { return result(accept4(listener, NULL, NULL, SOCK_NONBLOCK)); }

static int unix_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at("other/lmtp"));
	return result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* What is allowed (0) or the errno of the refusal; FREE: not asked of this role. abi: the least Landlock
 * that refuses it. */
enum { FREE = -1 };

static const struct {
	const char *name;
	int (*attempt)(void);
	int queue, courier;
	int abi;
} attempts[] = {
	{ "read a queue file", spool_read, 0, EACCES, 1 },
	{ "list the queue", spool_list, 0, EACCES, 1 },
	{ "write a queue file", spool_write, 0, EACCES, 0 },
	{ "create a queue file", spool_create, 0, EACCES, 0 },
	{ "move a drop file into the queue", spool_rename, 0, EPERM, 0 },
	{ "hard link", spool_link, 0, EPERM, 0 },
	{ "symbolic link", spool_symlink, 0, EPERM, 0 },
	{ "remove a queue file", spool_unlink, 0, EPERM, 0 },
	{ "make a directory", spool_mkdir, 0, EPERM, 0 },
	{ "make a FIFO", spool_socket, 0, EPERM, 0 },
	{ "truncate a queue file by name", spool_truncate, EPERM, EPERM, 0 },
	{ "truncate a file elsewhere", outside_truncate, EPERM, EPERM, 0 },
	{ "change a mode", spool_chmod, 0, EPERM, 0 },
	{ "change an owner", spool_chown, 0, EPERM, 0 },
	{ "change times", spool_utime, 0, EPERM, 0 },
	{ "set an attribute", spool_xattr, FREE, EPERM, 0 },
	{ "create a file elsewhere", outside_create, EACCES, EACCES, 1 },
	{ "write a file elsewhere", outside_write, EACCES, EACCES, 1 },
	{ "read a file elsewhere", outside_read, EACCES, EACCES, 1 },
	{ "move a file elsewhere", outside_rename, EACCES, EPERM, 2 },
	{ "remove a file elsewhere", outside_unlink, EACCES, EPERM, 1 },
	{ "read a table", table_read, 0, EACCES, 1 },
	{ "write a table", table_write, EACCES, EACCES, 1 },
	{ "read the users", shadow_read, EACCES, EACCES, 1 },
	{ "read the resolver's configuration", system_read, EACCES, 0, 1 },
	{ "write own memory by name", own_memory, EACCES, EACCES, 1 },
	{ "read the message", message_read, 0, 0, 0 },
	{ "write the message", message_write, EBADF, EBADF, 0 },
	{ "truncate the message", message_truncate, EINVAL, EPERM, 0 },
	{ "change the message's mode", message_chmod, 0, EPERM, 0 },
	{ "flock the message", message_flock, 0, EPERM, 0 },
	{ "lock the message", message_lock, 0, EPERM, 0 },
	{ "lock the open message", message_own_lock, 0, EPERM, 0 },
	{ "duplicate the message's descriptor", message_duplicate, 0, 0, 0 },
	{ "open the message again for writing", message_reopen, FREE, EACCES, 0 },
	{ "watch directories", watch, 0, EPERM, 0 },
	{ "start a process", fork_child, EPERM, EPERM, 0 },
	{ "start a program", execute, EPERM, EPERM, 0 },
	{ "signal the parent", kill_parent, EPERM, EPERM, 0 },
	{ "signal the group", kill_group, EPERM, EPERM, 0 },
	{ "signal oneself", kill_self, 0, 0, 0 },
	{ "raise a signal", abort_self, 0, 0, 0 },
	{ "trace", trace, EPERM, EPERM, 0 },
	{ "make an io_uring", ring, EPERM, EPERM, 0 },
	{ "make a name space", namespace, EPERM, EPERM, 0 },
	{ "make a handle of a process", handle, EPERM, EPERM, 0 },
	{ "limit the parent", limit_parent, EPERM, EPERM, 0 },
	{ "schedule the parent", schedule_other, EPERM, EPERM, 0 },
	{ "schedule this thread", schedule_self, 0, 0, 0 },
	{ "read own limits", limit_self, 0, 0, 0 },
	{ "start threads that allocate", threads, 0, 0, 0 },
	{ "make a TCP socket", tcp_socket, EPERM, 0, 0 },
	{ "make an IPv6 socket", tcp6_socket, EPERM, 0, 0 },
	{ "make a UDP socket", udp_socket, EPERM, 0, 0 },
	{ "make a UNIX socket", unix_socket, 0, 0, 0 },
	{ "make a packet socket", packet_socket, EPERM, EPERM, 0 },
	{ "make a vsock socket", vsock_socket, EPERM, EPERM, 0 },
	{ "connect over TCP", tcp_connect, EBADF, 0, 0 },
	{ "connect to a UNIX socket", unix_connect, 0, 0, 0 },
	{ "bind to any port", bind_any, EBADF, 0, 0 },
	{ "bind to a certain port", bind_smtp, EBADF, EACCES, 4 },
	{ "listen", listen_any, EBADF, EPERM, 0 },
	{ "accept for the metrics", accept_metrics, EAGAIN, EPERM, 0 },
};

/* --- the tests --- */

static void bind_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
}

static void setup(void)
{
	static const char *const dirs[] = {
		"spool", "spool/queue", "spool/drop", "spool/drop/new", "other", "tables",
	};
	struct sockaddr_in address = loopback(0);

	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (size_t i = 0; i < UNIT_ROWS(dirs); i++)
		ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
	make_file("spool/queue/m");
	make_file("spool/drop/new/d");
	make_file("other/secret");
	make_file("tables/transport");
	bind_unix(at("other/lmtp"));
	message = open(at("spool/queue/m"), O_RDONLY);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
}

static void teardown(void)
{
	char *command = mem_fmt("rm -r %s", dir);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* The attempt's errno in a sandbox of that role. */
static int try(enum sandbox_role role, const struct settings *s, int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *state;

		if (!sandbox_enter(role, s, &state))
			abort();
		_exit(attempt());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "died of signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static struct settings *make_settings(int choice)
{
	struct settings *s = settings_new();
	const char *why;
	/* a result that looks like a path is none */
	char *table = mem_fmt("texthash:%s, static:/x", at("tables/transport"));

	ck_assert(settings_set(s, "spool_directory", at("spool"), &why));
	ck_assert(settings_set(s, "transport_maps", table, &why));
	s->sandbox = choice;
	free(table);
	return s;
}

static void check(enum sandbox_role role, int row, int expected)
{
	struct settings *s = make_settings(SANDBOX_TRY);
	int got = try(role, s, attempts[row].attempt);

	if (expected != FREE && (expected == 0 || landlock_abi() >= attempts[row].abi))
		ck_assert_msg(got == expected, "%s: got %s, not %s", attempts[row].name, strerror(got),
			strerror(expected));
	settings_free(s);
}

START_TEST(test_queue)
{
	setup();
	check(SANDBOX_QUEUE, _i, attempts[_i].queue);
	teardown();
}
END_TEST

START_TEST(test_courier)
{
	setup();
	check(SANDBOX_COURIER, _i, attempts[_i].courier);
	teardown();
}
END_TEST

static int tickets_read(void) { return open_read(at("tickets")); }

static int message_own_exclusive_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK };

	return result(fcntl(message, F_OFD_SETLK, &lock));
}

static const struct {
	int (*attempt)(void);
	int expected;
} with_kerberos[] = {
	{ tickets_read, 0 }, { spool_read, EACCES }, { spool_list, EACCES }, { outside_read, EACCES },
	{ table_read, EACCES },
	{ message_own_lock, 0 }, { message_own_exclusive_lock, EBADF }, { message_lock, EPERM },
	{ message_flock, EPERM },
};

/* What Kerberos needs opens nothing else, though its tickets stand in the directory that the spool is in. */
START_TEST(test_courier_with_kerberos)
{
	char *tickets;
	const char *why;
	struct settings *s;

	setup();
	make_file("tickets");
	tickets = mem_fmt("FILE:%s", at("tickets"));
	setenv("KRB5CCNAME", tickets, 1);
	s = make_settings(SANDBOX_TRY);
	ck_assert(settings_set(s, "lmtp.sasl_auth_enable", "yes", &why));
	if (landlock_abi() >= 1)
		ck_assert_int_eq(try(SANDBOX_COURIER, s, with_kerberos[_i].attempt), with_kerberos[_i].expected);
	settings_free(s);
	free(tickets);
	teardown();
}
END_TEST

/* Without a sandbox the forbidden calls work: so it is the sandbox that forbids them above. */
START_TEST(test_off)
{
	static int (*const free_calls[])(void) = {
		spool_write, spool_create, spool_rename, outside_create, outside_read, fork_child,
		kill_parent, tcp_socket,
		tcp_connect, listen_any, message_flock, watch, table_write, spool_unlink,
	};
	struct settings *s;

	setup();
	s = make_settings(SANDBOX_OFF);
	for (size_t i = 0; i < UNIT_ROWS(free_calls); i++)
		ck_assert_msg(try(_i, s, free_calls[i]) == 0, "call %zu", i);
	settings_free(s);
	teardown();
}
END_TEST

/* A required sandbox is entered whole, or not at all. */
START_TEST(test_required)
{
	struct settings *s;
	char *state;
	pid_t pid;
	int status;

	setup();
	s = make_settings(SANDBOX_REQUIRE);
	pid = fork();
	if (pid == 0) {
		bool entered = sandbox_enter(_i, s, &state);

		_exit(entered == (strstr(state, "no ") == NULL) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	settings_free(s);
	teardown();
}
END_TEST

/* What older kernels can say, asked of this one: each ABI up to its own. */
START_TEST(test_older_abi)
{
	char *path;
	const char *spool;
	struct landlock_rules rules = { .writable = &spool, .writable_count = 1, .renames = true };
	pid_t pid;
	int status;

	setup();
	path = mem_str(at("spool"));
	spool = path;
	pid = fork();
	if (pid == 0) {
		const char *why;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);   /* without it the kernel asks for root */
		why = landlock_enter(_i, &rules);
		if (_i < 2)
			_exit(why ? 0 : 1);
		if (_i > landlock_abi())
			_exit(0);
		_exit(!why && spool_rename() == 0 && outside_create() == EACCES ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(path);
	teardown();
}
END_TEST

START_TEST(test_paths)
{
	struct settings *s;
	struct buf out;
	char *expected;

	setup();
	s = make_settings(SANDBOX_TRY);
	expected = mem_fmt("%s\n%s\n%s\n", at("spool"), at("tables"), CLOCKS_BOOT_ID_FILE);
	buf_init(&out, 10000);
	sandbox_queue_paths(s, &out);
	ck_assert_str_eq(buf_text(&out), expected);
	buf_free(&out);
	free(expected);
	settings_free(s);
	teardown();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "queue", test_queue, UNIT_ROWS(attempts), 0 },
		{ "courier", test_courier, UNIT_ROWS(attempts), 0 },
		{ "courier with Kerberos", test_courier_with_kerberos, UNIT_ROWS(with_kerberos), 0 },
		{ "off", test_off, 2, 0 },
		{ "required", test_required, 2, 0 },
		{ "older ABI", test_older_abi, 9, 0 },
		{ "paths", test_paths, 1, 0 },
	};

	return unit_main("daemon/sandbox", cases, UNIT_ROWS(cases));
}
