#include "daemon/config/config_trial.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { ANSWER_MAX = 1024 * 1024 };

/* --- the child --- */

static void write_all(int fd, const char *bytes, size_t n)
{
	ssize_t done;

	while (n > 0 && ((done = write(fd, bytes, n)) > 0 || errno == EINTR))
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
}

/* A user who does not exist is a fault that is told when there is no other. */
static bool become(const char *name)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;

	return !user || (initgroups(user->pw_name, user->pw_gid) == 0 && setgid(user->pw_gid) == 0 &&
		setuid(user->pw_uid) == 0);
}

/* Who can read it all by himself is not told who could not. */
static char *said_of(const struct settings *s, const char *what, bool was_root)
{
	if (was_root && geteuid() != 0 && strstr(what, strerror(EACCES)))
		return mem_fmt("%s (for the user '%s')", what, s->user);
	return mem_str(what);
}

/* The paths of the option and of the other that may be to blame, and the text, a NUL behind the first two
 * each; or two NULs and what is passed over. */
static void print_fault(const struct settings *s, const struct config_fault *fault, bool was_root,
	struct buf *answer)
{
	char *what = said_of(s, fault->what, was_root);

	buf_fmt(answer, "%s%c%s%c%s", fault->path, '\0', fault->other ? fault->other : "", '\0', what);
	free(what);
}

static _Noreturn void try_out(const struct settings *s,
	bool (*check)(const struct settings *, struct config_fault *, struct buf *), int to)
{
	bool was_root = geteuid() == 0;
	struct config_fault fault = { NULL, NULL, NULL };
	struct buf answer, passed_over;

	buf_init(&answer, ANSWER_MAX);
	buf_init(&passed_over, ANSWER_MAX / 2);
	if (!become(s->user))
		fault = (struct config_fault){ mem_str("user"), NULL,
			mem_fmt("cannot become it: %s", strerror(errno)) };
	if (!fault.what && check(s, &fault, &passed_over))
		buf_fmt(&answer, "%c%c%s", '\0', '\0', buf_text(&passed_over));
	else
		print_fault(s, &fault, was_root, &answer);
	write_all(to, buf_text(&answer), answer.len);
	_exit(0);
}

/* --- the supervisor --- */

static bool read_answer(struct text answer, struct config_fault *fault, struct buf *passed_over)
{
	struct text path, other;

	if (!text_until(&answer, '\0', &path) || !text_until(&answer, '\0', &other)) {
		fault->path = mem_str("");
		fault->what = mem_str("the check of tables and certificates has died");
		return false;
	}
	if (path.n == 0) {
		buf_add(passed_over, answer.p, answer.n);
		return true;
	}
	fault->path = mem_strn(path.p, path.n);
	fault->other = other.n ? mem_strn(other.p, other.n) : NULL;
	fault->what = mem_strn(answer.p, answer.n);
	return false;
}

static void hear(int from, struct buf *answer)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(from, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && !buf_add(answer, bytes, (size_t)n))
			break;
}

bool config_trial(const struct settings *s,
	bool (*check)(const struct settings *, struct config_fault *, struct buf *), struct config_fault *fault,
	struct buf *passed_over)
{
	struct buf answer;
	int ends[2] = { -1, -1 };
	pid_t child = pipe(ends) == 0 ? fork() : -1;
	bool good;

	if (child == 0)
		try_out(s, check, ends[1]);
	buf_init(&answer, ANSWER_MAX);
	close(ends[1]);
	if (child > 0)
		hear(ends[0], &answer);
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	good = read_answer(text_make(buf_text(&answer), answer.len), fault, passed_over);
	buf_free(&answer);
	return good;
}
