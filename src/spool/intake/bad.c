#include "spool/intake/bad.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/disk/hook.h"
#include "spool/disk/io.h"

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

static bool exists(int bad, const char *name)
{
	struct stat st;

	return fstatat(bad, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_taken(int bad, const char *name, unsigned number)
{
	char file[NAME_MAX + 1], reason[NAME_MAX + 1];

	candidate(name, number, file);
	reason_name(file, reason);
	return exists(bad, file) || exists(bad, reason);
}

/* The first free number, found in few steps though thousands may have the same name: none is ever freed in
 * the middle but by people. */
static unsigned first_free(int bad, const char *name)
{
	unsigned low = 1, high = 2;

	if (!is_taken(bad, name, 1))
		return 1;
	for (; high < NUMBER_MAX / 2 && is_taken(bad, name, high); high *= 2)
		low = high;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (is_taken(bad, name, middle))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static int write_reason(int bad, const char *name, const char *reason)
{
	char line[2048], file[NAME_MAX + 1];
	int n = snprintf(line, sizeof line, "%s\n", reason), fd, error;

	reason_name(name, file);
	fd = openat(bad, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return errno;
	if (n >= (int)sizeof line)
		n = (int)sizeof line - 1;
	error = io_write(fd, line, (size_t)n);
	if (!error)
		error = io_sync(fd);
	close(fd);
	if (error)
		unlinkat(bad, file, 0);
	else
		spool_step("reason-written");
	return error;
}

static int copy_to(int from, int bad, const char *name)
{
	int to = openat(bad, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	char bytes[16 * 1024];
	size_t got = 1;
	int error = 0;

	if (to < 0)
		return errno;
	while (!error && got) {
		error = io_read(from, bytes, sizeof bytes, &got);
		if (!error && got)
			error = io_write(to, bytes, got);
	}
	if (!error)
		error = io_sync(to);
	close(to);
	return error;
}

/* Some file systems of other machines do not sync directories. */
static int sync_names(int bad)
{
	int error = io_sync_directory(bad);

	return error == EINVAL ? 0 : error;
}

/* To another file system: under its last name it is whole, and the claim goes only when that name is on the
 * disk. */
static int move_by_copy(const struct tree *t, const char *from, int bad, const char *name)
{
	char part[NAME_MAX + 1];
	int fd = openat(t->queue, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	snprintf(part, sizeof part, "%.*s.part", NAME_MAX - 5, from);
	unlinkat(bad, part, 0);
	error = copy_to(fd, bad, part);
	close(fd);
	if (!error)
		error = io_rename(bad, part, bad, name);
	if (error) {
		unlinkat(bad, part, 0);
		return error;
	}
	error = sync_names(bad);
	if (error) {
		unlinkat(bad, name, 0);
		return error;
	}
	return unlinkat(t->queue, from, 0) == 0 ? 0 : errno;
}

static int move_as(const struct tree *t, const char *from, int bad, const char *name, const char *reason)
{
	char file[NAME_MAX + 1];
	int error = write_reason(bad, name, reason);

	if (error)
		return error;
	error = io_rename(t->queue, from, bad, name);
	if (error == EXDEV)
		error = move_by_copy(t, from, bad, name);
	if (!error) {
		spool_step("bad-renamed");
		return 0;
	}
	reason_name(name, file);
	unlinkat(bad, file, 0);
	return error;
}

int bad_move(const struct tree *t, const struct source *s, const char *from, const char *name,
	const char *reason, char put[NAME_MAX + 1])
{
	char file[NAME_MAX + 1];
	int error;

	/* EEXIST: another thread was faster, or somebody made room in the middle */
	do {
		candidate(name, first_free(s->bad, name), file);
		error = move_as(t, from, s->bad, file, reason);
	} while (error == EEXIST);
	if (put)
		memcpy(put, file, sizeof file);
	return error;
}

int bad_note(const struct source *s, const char *name, const char *reason)
{
	char file[NAME_MAX + 1];
	unsigned number = 1;
	int error;

	/* a reason beside a refused file is that file's */
	do
		candidate(name, number++, file);
	while (exists(s->bad, file));
	error = write_reason(s->bad, file, reason);
	return error == EEXIST ? 0 : error;
}
