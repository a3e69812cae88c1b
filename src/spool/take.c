#include "spool/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/bad.h"
#include "spool/hook.h"
#include "spool/io.h"
#include "spool/names.h"

struct take *take_new(const struct tree *tree, struct ids *ids, const struct store_limits *limits, const char *name)
{
	struct take *t = mem_alloc(sizeof *t);

	t->job.work = take_work;
	list_init(&t->link);
	t->store.tree = tree;
	t->store.ids = ids;
	t->store.limits = *limits;
	snprintf(t->name, sizeof t->name, "%s", name);
	return t;
}

void take_free(struct take *t)
{
	store_clear(&t->store);
	free(t->have);
	free(t);
}

static enum take_outcome trouble(struct take *t, int error)
{
	t->error = error;
	return TAKE_TROUBLE;
}

/* Moves the claimed file to bad/; if even that fails it is tried again. */
static enum take_outcome refuse(struct take *t, char *reason)
{
	char from[NAMES_SIZE], id[NAMES_SIZE];
	const char *name = t->name[0] ? t->name : names_message(t->store.id, id);
	int error;

	free(t->store.reason);
	t->store.reason = reason;
	error = bad_move(t->store.tree, names_drop(t->store.id, t->store.count, from), name, reason, t->put);
	return error ? trouble(t, error) : TAKE_REFUSED;
}

static enum take_outcome unfinished(struct take *t, char *reason)
{
	if (t->last_look)
		return refuse(t, reason);
	free(t->store.reason);
	t->store.reason = reason;
	return TAKE_UNFINISHED;
}

/* A directory is no message, and renaming it is not ours to do. */
static enum take_outcome refuse_directory(struct take *t)
{
	static const char reason[] = "is a directory; a message is a plain file";
	int error;

	if (t->known_directory)
		return TAKE_GONE;
	error = bad_note(t->store.tree, t->name, reason);
	if (error)
		return trouble(t, error);
	t->store.reason = mem_str(reason);
	return unlinkat(t->store.tree->fresh, t->name, AT_REMOVEDIR) == 0 ? TAKE_REFUSED : TAKE_DIRECTORY;
}

static bool passes(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EIO || error == ENOMEM;
}

/* From drop/new to queue/ID.drop. TAKE_STORED: go on. */
static enum take_outcome claim(struct take *t)
{
	const struct tree *tree = t->store.tree;
	struct stat st;
	char name[NAMES_SIZE];
	int error;

	if (fstatat(tree->fresh, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? TAKE_GONE : trouble(t, errno);
	t->uid = st.st_uid;
	if (S_ISDIR(st.st_mode))
		return refuse_directory(t);
	do {
		t->store.id = ids_take(t->store.ids, 1);
		error = io_rename(tree->fresh, t->name, tree->queue, names_drop(t->store.id, 0, name));
	} while (error == EEXIST);
	if (error == ENOENT)
		return TAKE_GONE;
	if (error) {
		t->error = error;
		return passes(error) ? TAKE_TROUBLE : TAKE_UNCLAIMED;
	}
	t->claimed = true;
	spool_step("claim-renamed");
	return TAKE_STORED;
}

static const char *kind_of(mode_t mode)
{
	return S_ISLNK(mode) ? "a symbolic link" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : S_ISDIR(mode) ? "a directory"
		: "a device";
}

/* Nobody can exchange the claimed file any more, so what is seen here stays true. TAKE_STORED: go on. */
static enum take_outcome check(struct take *t, const char *file, struct stat *st)
{
	if (fstatat(t->store.tree->queue, file, st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? TAKE_GONE : trouble(t, errno);
	t->uid = st->st_uid;
	if (!S_ISREG(st->st_mode))
		return refuse(t, mem_fmt("is %s; a message is a plain file", kind_of(st->st_mode)));
	if (st->st_nlink > 1)
		return unfinished(t, mem_fmt("has %lu links; a message has one", (unsigned long)st->st_nlink));
	return TAKE_STORED;
}

static enum take_outcome cannot_open(struct take *t, const struct stat *st, int error)
{
	if (error != EACCES && error != EPERM && error != ELOOP)
		return trouble(t, error);
	return refuse(t, mem_fmt("cannot be read by the daemon (owner uid %lu, mode %04o): it must be readable for the daemon's group",
		(unsigned long)st->st_uid, (unsigned)st->st_mode & 07777));
}

/* What makes no sense may make some when its writer is done. */
static bool has_changed(int fd, const struct stat *before)
{
	struct stat st;

	return fstat(fd, &st) != 0 || st.st_size != before->st_size || st.st_mtim.tv_sec != before->st_mtim.tv_sec
		|| st.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static enum take_outcome store(struct take *t, int fd, const struct stat *st, char *room)
{
	enum store_result result;

	t->store.adoptable = st->st_uid == t->store.tree->uid;
	result = store_file(&t->store, fd, room);
	if (result == STORE_OK)
		return TAKE_STORED;
	if (result == STORE_FAILED)
		return trouble(t, t->store.error);
	if (has_changed(fd, st))
		return unfinished(t, mem_str("was written to while it was read; write it elsewhere and rename it here"));
	return refuse(t, mem_str(t->store.reason));
}

static enum take_outcome take_claimed(struct take *t, char *room)
{
	char file[NAMES_SIZE];
	struct stat st;
	enum take_outcome outcome = check(t, names_drop(t->store.id, t->store.count, file), &st);
	int fd;

	if (outcome != TAKE_STORED)
		return outcome;
	fd = openat(t->store.tree->queue, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return cannot_open(t, &st, errno);
	outcome = store(t, fd, &st, room);
	close(fd);
	return outcome;
}

static int64_t wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void take_work(struct disk_job *job, char *room)
{
	struct take *t = LIST_OF(job, struct take, job);

	t->outcome = t->claimed ? TAKE_STORED : claim(t);
	if (t->outcome == TAKE_STORED) {
		t->arrived = wall_now();
		t->outcome = take_claimed(t, room);
	}
}
