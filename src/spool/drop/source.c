#include "spool/drop/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"

struct source *source_drop(const struct tree *t)
{
	struct source *s = mem_alloc(sizeof *s);

	*s = (struct source){ .name = mem_str("drop"), .path = mem_fmt("%s/drop/new", t->path),
		.bad_path = mem_fmt("%s/drop/bad", t->path),
		.dir = fcntl(t->fresh, F_DUPFD_CLOEXEC, 0), .bad = fcntl(t->bad, F_DUPFD_CLOEXEC, 0) };
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	if (s->dir >= 0)
		close(s->dir);
	if (s->bad >= 0)
		close(s->bad);
	free(s->name);
	free(s->path);
	free(s->bad_path);
	free(s);
}

/* Who may rename what others put into the directory: its owner, and, where it is not sticky, all who may
 * write. */
static const char *complaint_about(int dir)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return strerror(errno);
	if (faccessat(dir, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		return errno == EACCES ? "the daemon's user may not read and remove files in this directory"
			: strerror(errno);
	if ((st.st_mode & S_ISVTX) && st.st_uid != geteuid() && geteuid() != 0)
		return "it is sticky and belongs to somebody else, so the daemon's user may not remove files";
	return NULL;
}

static int open_directory(const char *path, char **why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *complaint = fd < 0 ? strerror(errno) : complaint_about(fd);

	if (!complaint)
		return fd;
	*why = mem_fmt("pickup directory %s: %s", path, complaint);
	if (fd >= 0)
		close(fd);
	return -1;
}

struct source *source_pickup(const struct tree *t, const struct spool_pickup *p, char **why)
{
	struct source *s = mem_alloc(sizeof *s);

	*s = (struct source){ .name = mem_str(p->path), .path = mem_str(p->path), .form = p->form, .pickup = true,
		.settle_ms = p->settle_ms, .dir = -1, .bad = -1,
		.bad_path = *p->bad ? mem_str(p->bad) : mem_fmt("%s/drop/bad", t->path) };
	s->dir = open_directory(p->path, why);
	if (s->dir >= 0)
		s->bad = *p->bad ? open_directory(p->bad, why) : fcntl(t->bad, F_DUPFD_CLOEXEC, 0);
	if (s->dir >= 0 && s->bad >= 0)
		return s;
	source_free(s);
	return NULL;
}

bool source_leaves_alone(const char *name)
{
	static const char *const ends[] = { "~", ".tmp", ".new", ".part", ".lock", ".bad", ".swp", ".reason" };
	size_t n = strlen(name);

	if (*name == '.' || strncasecmp(name, "temp.", 5) == 0)
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (n >= strlen(ends[i]) && strcasecmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}
