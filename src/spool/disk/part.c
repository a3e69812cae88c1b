#include "spool/disk/part.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"

const struct part_steps part_of_message = { "part-written", "part-synced", "part-renamed" };
const struct part_steps part_of_report = { "report-written", "report-synced", "report-renamed" };

int part_open(const struct tree *t, uint64_t id, unsigned k)
{
	char part[NAMES_SIZE];

	return openat(t->queue, names_part(id, k, part), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		0600);
}

int part_close(int fd, int error, const struct part_steps *steps)
{
	if (!error) {
		spool_step(steps->written);
		error = io_sync(fd);
	}
	close(fd);
	if (!error)
		spool_step(steps->synced);
	return error;
}

int part_finish(const struct tree *t, uint64_t id, unsigned k, uint64_t to, const struct part_steps *steps)
{
	char part[NAMES_SIZE], name[NAMES_SIZE];
	int error = io_rename(t->queue, names_part(id, k, part), t->queue, names_message(to, name));

	if (!error) {
		spool_step(steps->renamed);
		return 0;
	}
	unlinkat(t->queue, part, 0);
	return error == EEXIST ? 0 : error;
}

void part_remove(const struct tree *t, uint64_t id, unsigned k)
{
	char part[NAMES_SIZE];

	unlinkat(t->queue, names_part(id, k, part), 0);
}
