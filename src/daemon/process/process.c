#include "daemon/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config/config_check.h"

enum { SETTINGS_MAX = 16 * 1024 * 1024 };

/* --- in the supervisor --- */

/* Puts the descriptors in their places. They are moved out of the way first, since one may stand in
 * another's place. */
static bool place_descriptors(const struct process_start *start)
{
	int fds[] = { start->reins, start->settings, start->log, start->link };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0 && (fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, PROCESS_END)) < 0)
			return false;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		int place = PROCESS_REINS + (int)i;

		if (fds[i] < 0)
			close(place);
		else if (dup2(fds[i], place) < 0)
			return false;
	}
	return close_range(PROCESS_END, ~0U, 0) == 0;
}

static void default_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signo = 1; signo < 32; signo++)
		signal(signo, SIG_DFL);
}

pid_t process_start(const struct process_start *start)
{
	char slot[16], parent[16];
	const char *const argv[] = { "causewayd", start->role, slot, parent, NULL };
	pid_t pid;

	snprintf(slot, sizeof(slot), "%u", start->slot);
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	log_flush();
	pid = fork();
	if (pid == 0) {
		default_signals();
		if (place_descriptors(start))
			execv("/proc/self/exe", (char **)argv);
		_exit(127);
	}
	return pid;
}

void process_keep_memory(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
}

int process_settings_fd(const struct settings *settings)
{
	struct buf text;
	int fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool good;

	buf_init(&text, SETTINGS_MAX);
	good = fd >= 0 && settings_print(settings, &text) && write(fd, text.data,
		text.len) == (ssize_t)text.len &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
	buf_free(&text);
	if (good || fd < 0)
		return fd;
	close(fd);
	return -1;
}

bool process_log_file(const struct settings *settings, int *fd, char **why)
{
	const char *path = settings->log_to + strlen("file:");

	*fd = -1;
	if (strncmp(settings->log_to, "file:", strlen("file:")) != 0)
		return true;
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (*fd < 0)
		*why = mem_fmt("log.to: %s cannot be opened: %s", path, strerror(errno));
	return *fd >= 0;
}

void process_log_warnings(const struct buf *lines)
{
	struct text all = text_of(buf_text(lines)), line;

	while (text_until(&all, '\n', &line))
		log_line(LOG_LEVEL_WARNING, "master", NULL, "%.*s", (int)line.n, line.p);
}

/* --- in a child --- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

bool process_is_child(int argc, char **argv, unsigned *slot)
{
	if (argc != 4 || !is_number(argv[2]) || !is_number(argv[3]))
		return false;
	if (strcmp(argv[1], "queue") != 0 && strcmp(argv[1], "courier") != 0)
		return false;
	*slot = (unsigned)strtoul(argv[2], NULL, 10);
	return fcntl(PROCESS_REINS, F_GETFD) >= 0 && fcntl(PROCESS_SETTINGS, F_GET_SEALS) > 0;
}

struct settings *process_settings_read(int fd, const char **why)
{
	struct buf text;
	char block[65536];
	struct settings *settings;
	ssize_t n;

	buf_init(&text, SETTINGS_MAX);
	for (off_t at = 0; (n = pread(fd, block, sizeof(block), at)) > 0; at += n)
		buf_add(&text, block, (size_t)n);
	close(fd);
	settings = settings_read(text.data, text.len, why);
	buf_free(&text);
	return settings;
}

void process_open_log(const struct settings *settings, const char *process, int fd)
{
	static char host[256];
	struct log_setup setup = {
		.target = fd >= 0 ? LOG_TO_FILE : strcmp(settings->log_to,
			"syslog") == 0 ? LOG_TO_SYSLOG : LOG_TO_STDERR,
		.fd = fd,
		.facility = config_facility(settings->log_facility),
		.name = settings->log_name,
		.process = process,
		.host = host,
		.json = settings->log_format == LOG_CHOICE_JSON,
	};

	gethostname(host, sizeof(host) - 1);
	log_open(&setup);
}

/* The kernel would call it "exe", after what was executed, and keeps 15 characters. */
static void take_name(const char *role)
{
	char name[16];

	snprintf(name, sizeof(name), "causeway-%s", role);
	prctl(PR_SET_NAME, name);
}

/* Signals for the terminal's process group are the supervisor's business. */
static void tie_to_parent(const char *parent)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != (pid_t)strtol(parent, NULL, 10))
		_exit(0);
}

struct settings *process_begin(char **argv)
{
	const char *why, *process = strcmp(argv[1], "queue") == 0 ? "qmgr" : argv[1];
	struct settings *settings;
	int log = fcntl(PROCESS_LOG, F_GETFD) >= 0 ? PROCESS_LOG : -1;

	tie_to_parent(argv[3]);
	take_name(argv[1]);
	for (int fd = PROCESS_REINS; fd < PROCESS_END; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	settings = process_settings_read(PROCESS_SETTINGS, &why);
	if (settings)
		process_open_log(settings, process, log);
	else
		log_line(LOG_LEVEL_ERROR, process, NULL,
			"the settings that were handed over cannot be read: %s", why);
	return settings;
}
