#include "spool/intake/claim_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/disk/disk.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"
#include "spool/disk/part.h"

static const char *key_of(const struct stat *st, char out[CLAIM_KEY_SIZE])
{
	snprintf(out, CLAIM_KEY_SIZE, "%llu:%llu:%lld.%09ld:%lld", (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
		(long long)st->st_size);
	return out;
}

static int copy(int from, int to, char *room)
{
	size_t got = 1;
	int error = 0;

	while (!error && got) {
		error = io_read(from, room, DISK_ROOM, &got);
		if (!error && got)
			error = io_write(to, room, got);
	}
	return error;
}

/* A file that changes while it is read has another change time afterwards. */
static int copy_unchanged(int from, int to, char *room, char key[CLAIM_KEY_SIZE], uid_t *uid)
{
	char after[CLAIM_KEY_SIZE];
	struct stat st;
	int error;

	if (fstat(from, &st) != 0)
		return errno;
	key_of(&st, key);
	*uid = st.st_uid;
	error = copy(from, to, room);
	if (!error && fstat(from, &st) != 0)
		error = errno;
	if (!error && strcmp(key_of(&st, after), key) != 0)
		error = EAGAIN;
	return error ? error : io_sync(to);
}

int claim_copy(const struct tree *t, const struct source *s, const char *name, uint64_t id, char room[],
	char key[CLAIM_KEY_SIZE], uid_t *uid)
{
	int from = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), to, error;

	if (from < 0)
		return errno;
	to = part_open(t, id, 0);
	error = to < 0 ? errno : copy_unchanged(from, to, room, key, uid);
	close(from);
	if (to >= 0)
		close(to);
	if (error)
		part_remove(t, id, 0);
	else
		spool_step("claim-copied");
	return error;
}

/* Whether the original still is what was copied. */
static bool is_same(const struct source *s, const char *name, const char *key)
{
	char now[CLAIM_KEY_SIZE];
	struct stat st;

	return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && strcmp(key_of(&st, now), key) == 0;
}

/* Once it is unlinked the copy is all there is, whatever syncing the directory says then. */
static int remove_original(const struct source *s, const char *name)
{
	if (unlinkat(s->dir, name, 0) != 0)
		return errno;
	spool_step("original-unlinked");
	return 0;
}

int claim_copied(const struct tree *t, const struct source *s, const char *name, uint64_t id, const char *key)
{
	char part[NAMES_SIZE], drop[NAMES_SIZE];
	int error;

	if (!is_same(s, name, key)) {
		part_remove(t, id, 0);
		return EAGAIN;
	}
	error = io_rename(t->queue, names_part(id, 0, part), t->queue, names_drop(id, 0, drop));
	if (!error) {
		spool_step("claim-renamed");
		error = io_sync_directory(t->queue);
	}
	if (!error)
		error = remove_original(s, name);
	if (!error)
		return io_sync_directory(s->dir), 0;
	part_remove(t, id, 0);
	unlinkat(t->queue, drop, 0);
	return error;
}

void claim_remove_original(const struct source *s, const char *name, const char *key)
{
	int error = is_same(s, name, key) ? remove_original(s, name) : 0;

	/* it may be gone only until the power fails */
	io_sync_directory(s->dir);

	if (error)
		log_line(LOG_LEVEL_ERROR, "pickup", NULL,
			"%s/%s: was taken in already, but cannot be removed: %s; it may be taken a second time",
			s->path, name, strerror(error));
}
