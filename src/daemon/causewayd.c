/* causewayd: its arguments, who it becomes, and which part of the daemon this process is. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include <config.h>   /* the one that configure makes */
#include "daemon/config/config.h"
#include "daemon/process/courier_process.h"
#include "daemon/process/process.h"
#include "daemon/process/queue_process.h"
#include "daemon/supervise/directories.h"
#include "daemon/supervise/supervise.h"

enum { WARNINGS_MAX = 65536 };

static const char usage_text[] =
	"usage: causewayd [-f] [-t] [-c FILE] [-o NAME=VALUE] [-V]\n"
	"  -f             stay in the foreground, log to standard error\n"
	"  -t             check the configuration and exit\n"
	"  -c FILE        configuration file (" SYSCONFDIR "/causeway/causeway.conf)\n"
	"  -o NAME=VALUE  override a value of the file; may be repeated\n"
	"  -V, --version  print the version\n"
	"  --help         print this\n"
	"See causewayd(8) and causeway.conf(5).\n";

struct arguments {
	struct config_source source;
	bool test;
};

/* Who the daemon runs as. */
struct identity {
	uid_t uid;
	gid_t gid;
	char *name;     /* NULL: it stays who it is */
};

static int complain(int code, const char *what)
{
	fprintf(stderr, "causewayd: %s\n", what);
	return code;
}

/* --- arguments --- */

static void add_override(struct config_source *source, const char *text)
{
	const char **list = (const char **)source->overrides;

	list = mem_grow(list, source->override_count + 1, sizeof(*list));
	list[source->override_count++] = text;
	source->overrides = list;
}

static void finish(int code, FILE *to, const char *text)
{
	fputs(text, to);
	exit(code);
}

static void refuse_argument(const char *argument, const char *why)
{
	fprintf(stderr, "causewayd: %s: %s; causewayd --help lists what there is\n", argument, why);
	exit(EX_USAGE);
}

static void parse_arguments(int argc, char **argv, struct arguments *args)
{
	static const struct option longer[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL,
			0 },
	};
	int c, at = 1;

	for (opterr = 0; (c = getopt_long(argc, argv, ":ftc:o:V", longer, NULL)) != -1; at = optind) {
		switch (c) {
		case 'f': args->source.foreground = true; break;
		case 't': args->test = true; break;
		case 'c': args->source.file = optarg; break;
		case 'o': add_override(&args->source, optarg); break;
		case 'V': finish(EX_OK, stdout, "causewayd " PACKAGE_VERSION "\n"); break;
		case 'h': finish(EX_OK, stdout, usage_text); break;
		case ':': refuse_argument(argv[at], "needs a value"); break;
		default: refuse_argument(argv[at], "unknown option");
		}
	}
	if (optind < argc)
		refuse_argument(argv[optind], "only options are taken");
}

/* --- who we are --- */

/* False if the user has gone since the configuration was checked. */
static bool find_identity(const struct settings *settings, struct identity *who)
{
	const struct passwd *user;

	*who = (struct identity){ geteuid(), getegid(), NULL };
	if (who->uid != 0)
		return true;
	user = getpwnam(settings->user);
	if (user)
		*who = (struct identity){ user->pw_uid, user->pw_gid, mem_str(user->pw_name) };
	return user;
}

/* For good: supplementary groups open the stores' sockets, and nothing leads back. */
static bool become(const struct identity *who)
{
	if (who->name && (initgroups(who->name, who->gid) != 0 || setgid(who->gid) != 0 ||
		setuid(who->uid) != 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Without this protection anybody could link any file into the spool and have it removed there. */
static void check_hardlinks(struct buf *warnings)
{
	FILE *file = fopen("/proc/sys/fs/protected_hardlinks", "re");
	int set = file ? fgetc(file) : '?';

	if (file)
		fclose(file);
	if (set != '1')
		buf_str(warnings,
			"fs.protected_hardlinks is not 1: users can link others' files into drop/new; "
			"set it with sysctl\n");
}

/* --- the background --- */

static void point_to_log(const char *log_to, const char *what)
{
	fprintf(stderr, "causewayd: %s, the log says why (log.to = %s)\n", what, log_to);
}

/* The parent of a daemon in the background waits until it is ready, so that whoever started it knows how
 * it went. */
static void await_daemon(const char *log_to, pid_t pid, int pipe_end)
{
	char byte;
	int status = 0;

	if (read(pipe_end, &byte, 1) == 1)
		_exit(EX_OK);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	point_to_log(log_to, "the start failed");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

static bool go_to_background(const char *log_to, int *pipe_end)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return false;
	if (pid > 0) {
		close(ends[1]);
		await_daemon(log_to, pid, ends[0]);
	}
	close(ends[0]);
	*pipe_end = ends[1];
	setsid();
	return true;
}

/* Whoever started the daemon may wait for the end of what it writes. */
static void let_go_of_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static void ready(void *arg)
{
	int *pipe_end = arg;

	if (*pipe_end < 0)
		return;
	(void)!write(*pipe_end, "", 1);
	close(*pipe_end);
	*pipe_end = -1;
}

/* --- the supervisor's way to its work --- */

/* All that a start needs, to be let go of at its end. */
struct startup {
	struct arguments args;
	struct identity who;
	struct settings *settings;
	struct buf warnings;
	char *why;
};

static int serve(struct startup *s, int pipe_end)
{
	struct supervise_setup setup = { .source = &s->args.source, .ready = ready, .arg = &pipe_end };
	char *log_to;
	int status;

	if (!process_log_file(s->settings, &setup.log, &s->why))
		return complain(EX_CONFIG, s->why);
	log_to = mem_str(s->settings->log_to);
	process_open_log(s->settings, "master", setup.log < 0 ? -1 : fcntl(setup.log, F_DUPFD_CLOEXEC, 0));
	process_log_warnings(&s->warnings);
	if (pipe_end >= 0)
		let_go_of_terminal();
	setup.settings = s->settings;
	s->settings = NULL;
	status = supervise(&setup);
	/* in the background the parent says so */
	if (status != EX_OK && s->args.source.foreground && strcmp(log_to, "stderr") != 0)
		point_to_log(log_to, "ended early");
	free(log_to);
	return status;
}

/* In the background the daemon is another process, whose number values may name ($process_id). */
static bool read_again(struct startup *s)
{
	struct settings *fresh;
	struct buf told;

	buf_init(&told, WARNINGS_MAX);
	fresh = config_read(&s->args.source, &told, &s->why);
	buf_free(&told);
	if (!fresh)
		return false;
	settings_free(s->settings);
	s->settings = fresh;
	return true;
}

static int start(struct startup *s)
{
	int pipe_end = -1;

	umask(027);
	raise_limit();
	check_hardlinks(&s->warnings);
	if (!find_identity(s->settings, &s->who))
		return complain(EX_NOUSER, "the user of the configuration does not exist");
	if (!directories_prepare(s->settings, s->who.uid, s->who.gid, &s->warnings, &s->why))
		return complain(EX_CONFIG, s->why);
	if (!become(&s->who))
		return complain(EX_OSERR, "cannot become the user of the configuration");
	if (!s->args.source.foreground && !go_to_background(s->settings->log_to, &pipe_end))
		return complain(EX_OSERR, "cannot go to the background");
	if (pipe_end >= 0 && !read_again(s))
		return complain(EX_CONFIG, s->why);
	if (chdir("/") != 0)
		return complain(EX_OSERR, "cannot change to /");
	return serve(s, pipe_end);
}

static int check_only(const struct startup *s)
{
	fputs(buf_text(&s->warnings), stderr);
	printf("%s: the configuration is good\n", s->args.source.file);
	return EX_OK;
}

/* Complaints about the configuration begin with its place alone. */
static int proceed(struct startup *s)
{
	s->settings = config_read(&s->args.source, &s->warnings, &s->why);
	if (!s->settings) {
		fprintf(stderr, "%s\n", s->why);
		return EX_CONFIG;
	}
	return s->args.test ? check_only(s) : start(s);
}

static int supervisor_main(int argc, char **argv)
{
	struct startup s = { .args = { .source = { .file = CONFIG_FILE } } };
	char *absolute = NULL;
	int code;

	parse_arguments(argc, argv, &s.args);
	buf_init(&s.warnings, WARNINGS_MAX);
	/* the daemon leaves the directory that it was started in, and reads the file again on a reload */
	if (*s.args.source.file != '/')
		absolute = realpath(s.args.source.file, NULL);
	if (absolute)
		s.args.source.file = absolute;
	code = proceed(&s);
	settings_free(s.settings);
	buf_free(&s.warnings);
	free((void *)s.args.source.overrides);
	free(s.who.name);
	free(s.why);
	free(absolute);
	return code;
}

int main(int argc, char **argv)
{
	unsigned slot;
	struct settings *settings;

	if (!process_is_child(argc, argv, &slot))
		return supervisor_main(argc, argv);
	settings = process_begin(argv);
	if (!settings)
		return EX_SOFTWARE;
	return strcmp(argv[1], "queue") == 0 ? queue_process(settings) : courier_process(settings, slot);
}
