#include "spool/intake/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"
#include "spool/intake/bad.h"

enum { FRESH_MS = 1000 };   /* a file that was written to later than that may still be written to */

struct take *take_new(const struct tree *tree, const struct source *source, struct ids *ids,
	const struct store_limits *limits, const char *name)
{
	struct take *t = mem_alloc(sizeof *t);

	list_init(&t->link);
	t->fd = -1;
	t->source = source;
	t->store.form = source->form;
	t->store.tree = tree;
	t->store.ids = ids;
	t->store.limits = *limits;
	snprintf(t->name, sizeof t->name, "%s", name);
	return t;
}

static void close_file(struct take *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void take_free(struct take *t)
{
	close_file(t);
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
	error = bad_move(t->store.tree, t->source, names_drop(t->store.id, t->store.count, from), name, reason,
		t->put);
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

	if (t->source->pickup)
		return TAKE_GONE;
	if (t->hint.directory)
		return TAKE_DIRECTORY;
	error = bad_note(t->source, t->name, reason);
	if (error)
		return trouble(t, error);
	t->store.reason = mem_str(reason);
	return unlinkat(t->source->dir, t->name, AT_REMOVEDIR) == 0 ? TAKE_REFUSED : TAKE_DIRECTORY;
}

static bool passes(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EIO || error == ENOMEM;
}

/* Renames are a good part of what a small file costs. So a file of our own, which is most likely a queue file
 * already, gets its last name at once. */
static const char *name_of_claim(struct take *t, const struct stat *st, char name[NAMES_SIZE])
{
	t->store.early = S_ISREG(st->st_mode) && st->st_uid == t->store.tree->uid;
	return t->store.early ? names_message(t->store.id, name) : names_drop(t->store.id, 0, name);
}

/* ---- whether a pickup directory's file is finished ---- */

/* Ends in the line of one dot that ends a batch. */
static bool ends_in_dot(const struct take *t, const struct stat *st)
{
	char end[4] = "";
	size_t n = st->st_size < (off_t)sizeof end ? 0 : sizeof end;
	int fd = openat(t->source->dir, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool dot = fd >= 0 && n && pread(fd, end, n, st->st_size - (off_t)n) == (ssize_t)n
		&& (memcmp(end + 1, "\n.\n", 3) == 0 || memcmp(end, "\n.\r\n", 4) == 0);

	if (fd >= 0)
		close(fd);
	return dot;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool is_finished(const struct take *t, const struct stat *st)
{
	const struct drop_hint *h = &t->hint;

	if (!t->source->pickup || h->complete || !S_ISREG(st->st_mode))
		return true;
	if (h->linked && ends_in_dot(t, st))
		return true;
	return h->seen_ms >= t->source->settle_ms && h->seen_ms && is_unchanged(st, &h->seen);
}

/* ---- the claim ---- */

static enum take_outcome cannot_claim(struct take *t, int error)
{
	if (error == ENOENT)
		return TAKE_GONE;
	t->error = error;
	return passes(error) ? TAKE_TROUBLE : TAKE_UNCLAIMED;
}

/* From another file system. */
static enum take_outcome copy_claim(struct take *t, const struct stat *st, char *room)
{
	int error;

	if (!S_ISREG(st->st_mode))
		return cannot_claim(t, ENOTSUP);
	t->store.early = false;
	error = claim_copy(t->store.tree, t->source, t->name, t->store.id, room, t->key, &t->uid);
	if (error == EAGAIN) {
		t->before = *st;
		return TAKE_SETTLING;
	}
	return error ? cannot_claim(t, error) : TAKE_COPIED;
}

/* From its directory to queue/. */
static enum take_outcome claim(struct take *t, char *room)
{
	const struct tree *tree = t->store.tree;
	struct stat st;
	char name[NAMES_SIZE];
	int error;

	if (fstatat(t->source->dir, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? TAKE_GONE : trouble(t, errno);
	t->uid = st.st_uid;
	if (S_ISDIR(st.st_mode))
		return refuse_directory(t);
	if (!is_finished(t, &st)) {
		t->before = st;
		return TAKE_SETTLING;
	}
	do {
		t->store.id = ids_take(t->store.ids, 1);
		error = io_rename(t->source->dir, t->name, tree->queue, name_of_claim(t, &st, name));
	} while (error == EEXIST);
	if (error == EXDEV && t->source->pickup)
		return copy_claim(t, &st, room);
	if (error)
		return cannot_claim(t, error);
	t->claimed = true;
	spool_step("claim-renamed");
	return TAKE_GO_ON;
}

static const char *kind_of(mode_t mode)
{
	return S_ISLNK(mode) ? "a symbolic link" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket"
		: S_ISDIR(mode) ? "a directory"
		: "a device";
}

/* Nobody can exchange the claimed file any more, so what is seen here stays true. */
static enum take_outcome check(struct take *t, const char *file, struct stat *st)
{
	if (fstatat(t->store.tree->queue, file, st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? TAKE_GONE : trouble(t, errno);
	if (!t->is_copy)
		t->uid = st->st_uid;
	if (!S_ISREG(st->st_mode))
		return refuse(t, mem_fmt("is %s; a message is a plain file", kind_of(st->st_mode)));
	if (st->st_nlink > 1)
		return unfinished(t, mem_fmt("has %lu links; a message has one",
			(unsigned long)st->st_nlink));
	return TAKE_GO_ON;
}

static enum take_outcome cannot_open(struct take *t, const struct stat *st, int error)
{
	if (error != EACCES && error != EPERM && error != ELOOP)
		return trouble(t, error);
	return refuse(t, mem_fmt("cannot be read by the daemon (owner uid %lu, mode %04o): it must be "
		"readable for the daemon's group",
		(unsigned long)st->st_uid, (unsigned)st->st_mode & 07777));
}

static int64_t wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What makes no sense may make some when its writer is done: somebody may be writing the file in place. */
static bool may_be_unfinished(int fd)
{
	struct stat st;
	int64_t age;

	if (fstat(fd, &st) != 0)
		return false;
	age = wall_now() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	return age < FRESH_MS;
}

static enum take_outcome settle(struct take *t, enum store_result result)
{
	enum take_outcome outcome;

	if (result == STORE_OK)
		outcome = TAKE_STORED;
	else if (result == STORE_FAILED)
		outcome = trouble(t, t->store.error);
	else if (may_be_unfinished(t->fd))
		outcome = unfinished(t, mem_str(t->store.reason));
	else
		outcome = refuse(t, mem_str(t->store.reason));
	close_file(t);
	return outcome;
}

static int open_claim(const struct take *t, const char *file)
{
	return openat(t->store.tree->queue, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool is_ours(const struct take *t, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == t->store.tree->uid && st->st_nlink == 1;
}

/* Adopts an early claim if that is possible; if not, for whatever reason, it becomes a claim like any other,
 * and the reason is found there. */
static bool adopt_early(struct take *t, char *room)
{
	char file[NAMES_SIZE];

	t->fd = open_claim(t, names_message(t->store.id, file));
	if (t->fd < 0)
		return false;
	if (fstat(t->fd, &t->before) == 0 && is_ours(t, &t->before)
			&& store_adopt(&t->store, t->fd, room) == STORE_OK) {
		t->fd = -1;
		return true;
	}
	close_file(t);
	return false;
}

/* A small file need not be copied to the disk before its first attempt is over, and then it mostly is not
 * needed any more. */
static enum take_outcome try_unwritten(struct take *t, char *room)
{
	if (t->before.st_size > (off_t)t->memory || store_unwritten(&t->store, t->fd, room) != STORE_OK)
		return TAKE_COPY;
	close_file(t);
	return TAKE_STORED;
}

/* A file of ours may be a queue file already. */
static enum take_outcome try_to_adopt(struct take *t, char *room)
{
	enum store_result result;

	if (t->before.st_uid != t->store.tree->uid || t->store.count)
		return try_unwritten(t, room);
	result = store_adopt(&t->store, t->fd, room);
	if (result == STORE_UNFIT)
		return try_unwritten(t, room);
	if (result == STORE_OK)
		t->fd = -1;
	return settle(t, result);
}

static enum take_outcome look(struct take *t, char *room)
{
	char file[NAMES_SIZE];
	enum take_outcome outcome = check(t, names_drop(t->store.id, t->store.count, file), &t->before);

	if (outcome != TAKE_GO_ON)
		return outcome;
	t->fd = open_claim(t, file);
	return t->fd < 0 ? cannot_open(t, &t->before, errno) : try_to_adopt(t, room);
}

static enum take_outcome look_early(struct take *t, char *room)
{
	int error;

	if (adopt_early(t, room))
		return TAKE_STORED;
	error = store_withdraw(&t->store);
	return error ? trouble(t, error) : look(t, room);
}

void take_look(struct take *t, char *room)
{
	t->outcome = t->claimed ? TAKE_GO_ON : claim(t, room);
	if (t->outcome != TAKE_GO_ON)
		return;
	t->arrived = wall_now();
	t->outcome = t->store.early ? look_early(t, room) : look(t, room);
}

void take_copy(struct take *t, char *room)
{
	t->outcome = settle(t, store_copy(&t->store, t->fd, room));
}

void take_claim_copied(struct take *t, char *room)
{
	int error = claim_copied(t->store.tree, t->source, t->name, t->store.id, t->key);

	t->claimed = t->is_copy = error == 0;
	if (error == 0)
		take_look(t, room);
	else if (error == EAGAIN)
		t->outcome = TAKE_SETTLING;
	else
		t->outcome = cannot_claim(t, error);
}
