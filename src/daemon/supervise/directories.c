#include "daemon/supervise/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/tree.h"

enum { MODES = 07777, SHARED = 022 };

struct owner {
	uid_t uid;
	gid_t gid;
	struct buf *warnings;
	char **why;
};

static bool fail(struct owner *o, const char *path, const char *what)
{
	*o->why = mem_fmt("%s: %s", path, what);
	return false;
}

static bool fail_to_make(struct owner *o, const char *path)
{
	const char *advice = errno == EACCES ? ": start as root, or make it for this user" : "";

	*o->why = mem_fmt("%s: cannot be made by uid %u: %s%s", path, (unsigned)geteuid(), strerror(errno),
		advice);
	return false;
}

/* The directories above are nobody's business but the system's: made with the usual mode, by whoever we
 * are now. */
static bool make_parents(struct owner *o, const char *path)
{
	char *copy = mem_str(path);
	bool made = true;

	for (char *slash = strchr(copy + 1, '/'); made && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			made = fail_to_make(o, copy);
		*slash = '/';
	}
	free(copy);
	return made;
}

/* A new directory gets its owner ahead of its mode, because a change of owner may clear bits of the mode. */
static bool make(struct owner *o, const char *path, mode_t mode)
{
	if (mkdir(path, 0700) != 0)
		return fail_to_make(o, path);
	if ((geteuid() == 0 && lchown(path, o->uid, o->gid) != 0) || chmod(path, mode) != 0)
		return fail(o, path, strerror(errno));
	return true;
}

/* Where the operator may be stricter than we are, only what is too much or too little for us is put right. */
static bool is_fine(mode_t has, mode_t mode, bool stricter)
{
	if (stricter)
		return (has & 0700) == 0700 && (has & SHARED) == 0;
	return has == mode;
}

static bool fail_owner(struct owner *o, const char *path, uid_t has)
{
	*o->why = mem_fmt("%s: belongs to uid %u, but must belong to uid %u: chown it, or see to the user", path,
		(unsigned)has, (unsigned)o->uid);
	return false;
}

/* Through a descriptor, so that what was looked at is what is changed. */
static bool repair(struct owner *o, const char *path, mode_t mode, bool stricter)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool good = true;

	if (fd < 0 || fstat(fd, &st) != 0)
		good = fail(o, path, errno == ENOTDIR ? "is not a directory" : strerror(errno));
	else if (st.st_uid != o->uid)
		good = fail_owner(o, path, st.st_uid);
	else if (!is_fine(st.st_mode & MODES, mode, stricter)) {
		good = fchmod(fd, mode) == 0 || fail(o, path, strerror(errno));
		if (good)
			buf_fmt(o->warnings, "%s: had mode %04o, has mode %04o now\n", path,
				(unsigned)(st.st_mode & MODES),
				(unsigned)mode);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

static bool prepare(struct owner *o, const char *path, mode_t mode, bool stricter)
{
	struct stat st;

	/* what is somebody else's may not even be opened */
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid != o->uid)
		return fail_owner(o, path, st.st_uid);
	if (lstat(path, &st) == 0)
		return repair(o, path, mode, stricter);
	if (errno != ENOENT)
		return fail(o, path, strerror(errno));
	return make(o, path, mode);
}

/* The spool itself may be a symbolic link that the operator made. */
static char *resolved(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : mem_str(path);
}

/* An existing directory of the socket may be anybody's, as long as the socket can be made there: binding
 * it will tell. */
static bool prepare_control(struct owner *o, const char *socket)
{
	char *path = mem_str(socket);
	struct stat st;
	bool good;

	*strrchr(path, '/') = '\0';
	good = !*path || stat(path, &st) == 0 || (make_parents(o, path) && make(o, path, 0755));
	free(path);
	return good;
}

/* A log file may be meant for a directory where only the superuser can make one (/var/log). Trouble is told
 * by whoever opens the file. */
static void prepare_log(const struct owner *o, const char *to)
{
	static const char prefix[] = "file:";
	int fd = -1;

	if (geteuid() == 0 && strncmp(to, prefix, strlen(prefix)) == 0)
		fd = open(to + strlen(prefix), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return;
	if (fchown(fd, o->uid, o->gid) != 0)
		unlink(to + strlen(prefix));
	close(fd);
}

bool directories_prepare(const struct settings *s, uid_t uid, gid_t gid, struct buf *warnings, char **why)
{
	struct owner o = { uid, gid, warnings, why };
	char *root = resolved(s->spool_directory);
	bool good = make_parents(&o, root);

	for (size_t i = 0; good && i < TREE_PLACES; i++) {
		const struct tree_directory *d = &tree_directories[i];
		char *path = *d->name ? mem_fmt("%s/%s", root, d->name) : mem_str(root);

		good = prepare(&o, path, d->mode, d->stricter);
		free(path);
	}
	free(root);
	prepare_log(&o, s->log_to);
	return good && prepare_control(&o, s->control_socket);
}
