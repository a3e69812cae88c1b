#include "daemon/config/config_transports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "courier/transport.h"

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

static _Noreturn void try_out(const struct settings *s, int to)
{
	struct buf answer;
	char *path, *what;
	struct transports *t = transports_new(s, true, &path, &what);

	buf_init(&answer, ANSWER_MAX);
	if (t) {
		buf_char(&answer, '\0');
		transports_warnings(t, &answer);
	} else {
		buf_fmt(&answer, "%s%c%s", path, '\0', what);
	}
	write_all(to, buf_text(&answer), answer.len);
	_exit(0);
}

/* --- the supervisor --- */

/* The option's path, a NUL, and the text; without a path the text is what is passed over. */
static bool read_answer(struct text answer, char **path, char **what, struct buf *passed_over)
{
	struct text first;

	if (!text_until(&answer, '\0', &first)) {
		*path = mem_str("");
		*what = mem_str("the check of tables and certificates has died");
		return false;
	}
	if (first.n == 0) {
		buf_add(passed_over, answer.p, answer.n);
		return true;
	}
	*path = mem_strn(first.p, first.n);
	*what = mem_strn(answer.p, answer.n);
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

bool config_transports_check(const struct settings *s, char **path, char **what, struct buf *passed_over)
{
	struct buf answer;
	int ends[2] = { -1, -1 };
	pid_t child = pipe(ends) == 0 ? fork() : -1;
	bool good;

	if (child == 0)
		try_out(s, ends[1]);
	buf_init(&answer, ANSWER_MAX);
	close(ends[1]);
	if (child > 0)
		hear(ends[0], &answer);
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	good = read_answer(text_make(buf_text(&answer), answer.len), path, what, passed_over);
	buf_free(&answer);
	return good;
}
