#include "spool/disk/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/io.h"

enum { LOCK_WAIT_MS = 3000, LOCK_STEP_MS = 50 };

const struct tree_directory tree_directories[TREE_PLACES] = {
	[TREE_ROOT] = { "", 0755, true },
	[TREE_DROP] = { "drop", 0755, true },
	[TREE_TMP] = { "drop/tmp", 03733, false },
	[TREE_NEW] = { "drop/new", 03733, false },
	[TREE_BAD] = { "drop/bad", 0750, false },
	[TREE_QUEUE] = { "queue", 0700, false },
	[TREE_CORRUPT] = { "corrupt", 0700, false },
};

static const char format_now[] = "causeway queue 1\n";

/* What passes by itself is 75, what somebody must repair is 78. */
static int exit_code(int error)
{
	return error == ENOSPC || error == EIO || error == EMFILE || error == ENFILE || error == EDQUOT
		? EX_TEMPFAIL : EX_CONFIG;
}

static int complain(const struct tree *t, const char *name, int error, char **why)
{
	*why = mem_fmt("%s/%s: %s", t->path, name, strerror(error));
	return exit_code(error);
}

/* The umask has no say in the modes that producers rely on. */
static int make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, 0700) == 0)
		return chmod(path, mode) == 0 ? 0 : errno;
	return errno == EEXIST ? 0 : errno;
}

static int check_owner(const struct tree *t, int fd, const char *name, char **why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return complain(t, name, errno, why);
	if (st.st_uid == t->uid)
		return 0;
	*why = mem_fmt("%s/%s: belongs to uid %lu, but must belong to the user of the daemon (uid %lu)",
		t->path, name,
		(unsigned long)st.st_uid, (unsigned long)t->uid);
	return EX_CONFIG;
}

/* Opens name below the spool, making it if it is missing; fd NULL: only to be there. */
static int open_directory(struct tree *t, const char *name, mode_t mode, int *fd, char **why)
{
	char *path = *name ? mem_fmt("%s/%s", t->path, name) : mem_str(t->path);
	int error = make_directory(path, mode);

	if (!error && fd) {
		*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = *fd < 0 ? errno : 0;
	}
	free(path);
	if (error)
		return complain(t, name, error, why);
	return fd ? check_owner(t, *fd, name, why) : 0;
}

static int open_directories(struct tree *t, char **why)
{
	int *const fds[TREE_PLACES] = { [TREE_NEW] = &t->fresh, [TREE_BAD] = &t->bad, [TREE_QUEUE] = &t->queue,
		[TREE_CORRUPT] = &t->corrupt };
	int code = 0;

	for (size_t i = 0; i < TREE_PLACES && !code; i++)
		code = open_directory(t, tree_directories[i].name, tree_directories[i].mode, fds[i], why);
	return code;
}

static void name_holder(const struct tree *t, char **why)
{
	char pid[32] = "";
	ssize_t n = pread(t->lock, pid, sizeof pid - 1, 0);

	if (n > 0)
		pid[strcspn(pid, "\n")] = '\0';
	*why = mem_fmt("%s/queue/lock: the spool is in use by process %s: stop it, or use a spool_directory of "
		"your own", t->path, n > 0 ? pid : "(unknown)");
}

static bool wait_for_lock(int fd)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_STEP_MS) {
		if (waited >= LOCK_WAIT_MS)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

static int take_lock(struct tree *t, char **why)
{
	char pid[32];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	t->lock = openat(t->queue, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->lock < 0)
		return complain(t, "queue/lock", errno, why);
	if (!wait_for_lock(t->lock)) {
		name_holder(t, why);
		return EX_TEMPFAIL;
	}
	/* the pid is for people only: a full disk must not keep the queue from starting */
	if (ftruncate(t->lock, 0) == 0)
		io_write(t->lock, pid, (size_t)n);
	return 0;
}

static int check_format(const struct tree *t, char **why)
{
	char text[64];
	size_t n;
	int fd = openat(t->queue, "format", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error;

	if (fd < 0 && errno == ENOENT) {
		error = io_make_file(t->queue, "format", format_now, sizeof format_now - 1, 0600);
		return error ? complain(t, "queue/format", error, why) : 0;
	}
	if (fd < 0)
		return complain(t, "queue/format", errno, why);
	error = io_read(fd, text, sizeof text, &n);
	close(fd);
	if (error)
		return complain(t, "queue/format", error, why);
	if (n == sizeof format_now - 1 && memcmp(text, format_now, n) == 0)
		return 0;
	*why = mem_fmt("%s/queue/format: unknown version; this program reads \"%.*s\" only", t->path,
		(int)sizeof format_now - 2,
		format_now);
	return EX_CONFIG;
}

int tree_open(struct tree *t, const char *path, char **why)
{
	int code;

	*t = (struct tree){ .path = mem_str(path), .queue = -1, .fresh = -1, .bad = -1, .corrupt = -1,
		.lock = -1, .uid = geteuid() };
	code = open_directories(t, why);
	if (!code)
		code = take_lock(t, why);
	if (!code)
		code = check_format(t, why);
	if (code)
		tree_close(t);
	return code;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void tree_close(struct tree *t)
{
	close_one(&t->fresh);
	close_one(&t->bad);
	close_one(&t->corrupt);
	close_one(&t->queue);
	close_one(&t->lock);
	free(t->path);
	t->path = NULL;
}
