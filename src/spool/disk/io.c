#include "spool/disk/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/disk/hook.h"

int io_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	int fault = spool_fault("write");

	if (fault)
		return fault;
	while (n) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

int io_sync(int fd)
{
	int fault = spool_fault("fsync");

	if (fault)
		return fault;
	return fdatasync(fd) == 0 ? 0 : errno;
}

int io_sync_directory(int dir)
{
	int fault = spool_fault("fsync"), fd, error;

	if (fault)
		return fault;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	return error;
}

int io_read(int fd, void *bytes, size_t n, size_t *got)
{
	ssize_t count;

	do
		count = read(fd, bytes, n);
	while (count < 0 && errno == EINTR);
	*got = count < 0 ? 0 : (size_t)count;
	return count < 0 ? errno : 0;
}

int io_reserve(int fd, uint64_t size)
{
	int fault = spool_fault("reserve");

	if (fault)
		return fault;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
		return 0;
	return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
}

int io_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	/* a file system that does not know the flag: names in the queue are used once, those in bad/ are
	 * ours */
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	return renameat(from_dir, from, to_dir, to) == 0 ? 0 : errno;
}

int io_make_file(int dir, const char *name, const void *bytes, size_t n, mode_t mode)
{
	char part[NAME_MAX + 1];
	int fd, error;

	snprintf(part, sizeof part, "%s.part", name);
	fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return errno;
	error = io_write(fd, bytes, n);
	if (!error)
		error = io_sync(fd);
	close(fd);
	if (!error && renameat(dir, part, dir, name) != 0)
		error = errno;
	if (error)
		unlinkat(dir, part, 0);
	return error ? error : io_sync_directory(dir);
}
