#include "spool/disk/scan.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

enum { PIECE_NAMES = 512 };

struct scan {
	struct disk *disk;
	struct disk_job job;
	int dir;
	const struct scan_events *events;
	void *arg;
	bool reading;               /* the job is out */
	DIR *stream;                /* open while a scan is under way */
	char *names[PIECE_NAMES];
	size_t count;
};

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A descriptor of its own, since reading moves the offset that all users of one share. */
static DIR *open_stream(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopendir(fd);
}

static void read_piece(struct disk_job *job, char *room)
{
	struct scan *s = LIST_OF(job, struct scan, job);
	const struct dirent *entry;

	(void)room;
	if (!s->stream)
		s->stream = open_stream(s->dir);
	while (s->stream && s->count < PIECE_NAMES && (entry = readdir(s->stream)))
		if (!is_dots(entry->d_name))
			s->names[s->count++] = mem_str(entry->d_name);
	if (s->count == PIECE_NAMES)
		return;
	if (s->stream)
		closedir(s->stream);
	s->stream = NULL;
}

static void piece_read(struct disk_job *job)
{
	struct scan *s = LIST_OF(job, struct scan, job);

	s->reading = false;
	for (size_t i = 0; i < s->count; i++) {
		s->events->name(s->arg, s->names[i]);
		free(s->names[i]);
	}
	s->count = 0;
	s->events->piece(s->arg);
}

struct scan *scan_new(struct disk *disk, int dir, const struct scan_events *events, void *arg)
{
	struct scan *s = mem_alloc(sizeof *s);

	s->disk = disk;
	s->job = (struct disk_job){ .work = read_piece, .done = piece_read };
	s->dir = dir;
	s->events = events;
	s->arg = arg;
	return s;
}

void scan_free(struct scan *s)
{
	if (s->stream)
		closedir(s->stream);
	free(s);
}

void scan_next(struct scan *s)
{
	assert(!s->reading);
	s->reading = true;
	disk_run(s->disk, DISK_INTAKE, &s->job);
}

bool scan_is_reading(const struct scan *s)
{
	return s->reading;
}

bool scan_is_begun(const struct scan *s)
{
	return s->stream;
}
