#include "spool/bad.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/hook.h"
#include "spool/io.h"

static const char suffix[] = ".reason";

enum {
	NUMBER_DIGITS = 8,     /* of a name's .N */
	NUMBER_MAX = 99999999
};

/* NAME or NAME.N, cut so that its reason's name is short enough for a file system. */
static void candidate(const char *name, unsigned number, char out[NAME_MAX + 1])
{
	int keep = NAME_MAX - (int)strlen(suffix) - 1 - NUMBER_DIGITS;

	if (number < 2)
		snprintf(out, NAME_MAX + 1, "%.*s", keep, name);
	else
		snprintf(out, NAME_MAX + 1, "%.*s.%u", keep, name, number);
}

static void reason_name(const char *name, char out[NAME_MAX + 1])
{
	snprintf(out, NAME_MAX + 1, "%.*s%s", NAME_MAX - (int)strlen(suffix), name, suffix);
}

static bool exists(const struct tree *t, const char *name)
{
	struct stat st;

	return fstatat(t->bad, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_taken(const struct tree *t, const char *name, unsigned number)
{
	char file[NAME_MAX + 1], reason[NAME_MAX + 1];

	candidate(name, number, file);
	reason_name(file, reason);
	return exists(t, file) || exists(t, reason);
}

/* The first free number, found in few steps though thousands may have the same name: none is ever freed in
 * the middle but by people. */
static unsigned first_free(const struct tree *t, const char *name)
{
	unsigned low = 1, high = 2;

	if (!is_taken(t, name, 1))
		return 1;
	for (; high < NUMBER_MAX / 2 && is_taken(t, name, high); high *= 2)
		low = high;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (is_taken(t, name, middle))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static int write_reason(const struct tree *t, const char *name, const char *reason)
{
	char line[2048], file[NAME_MAX + 1];
	int n = snprintf(line, sizeof line, "%s\n", reason), fd, error;

	reason_name(name, file);
	fd = openat(t->bad, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return errno;
	if (n >= (int)sizeof line)
		n = (int)sizeof line - 1;
	error = io_write(fd, line, (size_t)n);
	if (!error)
		error = io_sync(fd);
	close(fd);
	if (error)
		unlinkat(t->bad, file, 0);
	else
		spool_step("reason-written");
	return error;
}

static int move_as(const struct tree *t, const char *from, const char *name, const char *reason)
{
	char file[NAME_MAX + 1];
	int error = write_reason(t, name, reason);

	if (error)
		return error;
	error = io_rename(t->queue, from, t->bad, name);
	if (!error) {
		spool_step("bad-renamed");
		return 0;
	}
	reason_name(name, file);
	unlinkat(t->bad, file, 0);
	return error;
}

int bad_move(const struct tree *t, const char *from, const char *name, const char *reason,
	char put[NAME_MAX + 1])
{
	char file[NAME_MAX + 1];
	int error;

	/* EEXIST: another thread was faster, or somebody made room in the middle */
	do {
		candidate(name, first_free(t, name), file);
		error = move_as(t, from, file, reason);
	} while (error == EEXIST);
	if (put)
		memcpy(put, file, sizeof file);
	return error;
}

int bad_note(const struct tree *t, const char *name, const char *reason)
{
	char file[NAME_MAX + 1];
	unsigned number = 1;
	int error;

	/* a reason beside a refused file is that file's */
	do
		candidate(name, number++, file);
	while (exists(t, file));
	error = write_reason(t, file, reason);
	return error == EEXIST ? 0 : error;
}
