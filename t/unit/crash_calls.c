#include "crash_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { DESCRIPTORS = 256 };

struct crash_directory crash_directories[CRASH_DIRECTORIES];
int crash_directory_count;

static int file_of[DESCRIPTORS];      /* 0: not a file that is watched */
static struct crash_disk *noted;
static const size_t *the_clock;
static unsigned failing, refusing;
static int refusal;

int crash_file_number(void)
{
	static int last;

	return ++last;
}

/* ---- trees ---- */

static struct crash_entry *find(struct crash_tree *t, int dir, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i].dir == dir && strcmp(t->entries[i].name, name) == 0)
			return &t->entries[i];
	return NULL;
}

struct crash_entry crash_entry(int dir, const char *name, int file)
{
	struct crash_entry e = { .dir = dir, .file = file };

	assert(strlen(name) < CRASH_NAME);
	strcpy(e.name, name);
	return e;
}

static void drop_entry(struct crash_tree *t, const struct crash_entry *e)
{
	struct crash_entry *there = find(t, e->dir, e->name);

	if (there && there->file == e->file)
		*there = t->entries[--t->count];
}

void crash_put(struct crash_tree *t, const struct crash_entry *e)
{
	struct crash_entry *there = find(t, e->dir, e->name);

	assert(there || t->count < CRASH_ENTRIES);
	*(there ? there : &t->entries[t->count++]) = *e;
}

void crash_apply(struct crash_tree *t, const struct crash_change *c)
{
	if (c->kind == CRASH_CREATED)
		crash_put(t, &c->entry);
	if (c->kind == CRASH_RENAMED || c->kind == CRASH_UNLINKED)
		drop_entry(t, &c->entry);
	if (c->kind == CRASH_RENAMED)
		crash_put(t, &c->to);
}

/* ---- noting ---- */

struct crash_bytes *crash_bytes(const void *p, size_t n)
{
	struct crash_bytes *b = mem_alloc(sizeof *b + n);

	b->users = 1;
	b->n = n;
	if (n)
		memcpy(b->p, p, n);
	return b;
}

static struct crash_change *note(enum crash_kind kind, const struct crash_entry *e)
{
	struct crash_change *c;

	noted->changes = mem_grow(noted->changes, noted->count + 1, sizeof *c);
	c = &noted->changes[noted->count++];
	*c = (struct crash_change){ .kind = kind, .entry = *e, .clock = *the_clock };
	return c;
}

static int directory_of(int fd)
{
	struct stat st;

	for (int i = 0; noted && i < crash_directory_count; i++)
		if (syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_ino == crash_directories[i].ino)
			return i;
	return -1;
}

/* The spool's own files that mean nothing for mail. */
bool crash_is_watched(int dir, const char *name)
{
	return dir >= 0 && strcmp(name, ".") != 0 && strcmp(name, "lock") != 0 && strcmp(name, "ballast") != 0;
}

static int watched_file(int fd)
{
	return noted && fd >= 0 && fd < DESCRIPTORS ? file_of[fd] : 0;
}

static void note_open(int fd, int dir, const char *name, int flags)
{
	struct crash_entry *there = find(&noted->now, dir, name), made;

	if (!there) {
		made = crash_entry(dir, name, crash_file_number());
		note(CRASH_CREATED, &made);
		crash_put(&noted->now, &made);
		there = &made;
	} else if (flags & O_TRUNC) {
		note(CRASH_CUT, there);
	}
	assert(fd < DESCRIPTORS);
	file_of[fd] = there->file;
}

/* Whether this is the call that the test wants to be refused. */
static bool is_refused(bool counts)
{
	if (!noted || !counts || !refusing || --refusing)
		return false;
	errno = refusal;
	return true;
}

/* ---- in the place of the C library's functions ---- */

int openat(int dir, const char *name, int flags, ...)
{
	int at = directory_of(dir), fd;
	va_list args;

	if (is_refused(at >= 0))
		return -1;
	va_start(args, flags);
	fd = (int)syscall(SYS_openat, dir, name, flags, flags & O_CREAT ? va_arg(args, mode_t) : 0);
	va_end(args);
	if (fd >= 0 && fd < DESCRIPTORS)
		file_of[fd] = 0;
	if (fd >= 0 && crash_is_watched(at, name))
		note_open(fd, at, name, flags);
	return fd;
}

int close(int fd)
{
	if (fd >= 0 && fd < DESCRIPTORS)
		file_of[fd] = 0;
	return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *p, size_t n)
{
	struct crash_entry e = { .file = watched_file(fd) };
	ssize_t done = is_refused(e.file) ? -1 : syscall(SYS_write, fd, p, n);
	struct crash_change *c;

	if (done <= 0 || !e.file)
		return done;
	c = note(CRASH_WRITTEN, &e);
	c->bytes = crash_bytes(p, (size_t)done);
	c->at = (uint64_t)(syscall(SYS_lseek, fd, 0, SEEK_CUR) - done);
	return done;
}

int ftruncate(int fd, off_t length)
{
	struct crash_entry e = { .file = watched_file(fd) };

	if (e.file)
		note(CRASH_CUT, &e)->at = (uint64_t)length;
	return (int)syscall(SYS_ftruncate, fd, length);
}

/* What the kernel could not write it holds for written. */
static int fail(int file)
{
	for (size_t i = 0; i < noted->count; i++) {
		struct crash_change *c = &noted->changes[i];

		c->lost |= crash_is_data(c) && c->entry.file == file && !crash_is_synced(noted, i, noted->count);
	}
	errno = EIO;
	return -1;
}

static int sync_file(int fd)
{
	struct crash_entry e = { .dir = directory_of(fd), .file = watched_file(fd) };

	if (e.file && failing && --failing == 0)
		return fail(e.file);
	if (is_refused(e.file || e.dir >= 0))
		return e.file ? fail(e.file) : -1;
	if (e.file)
		note(CRASH_SYNCED, &e);
	else if (e.dir >= 0)
		note(CRASH_DIRECTORY_SYNCED, &e);
	return 0;
}

int fdatasync(int fd)
{
	return sync_file(fd);
}

int fsync(int fd)
{
	return sync_file(fd);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int source = directory_of(from_dir), target = directory_of(to_dir);
	struct crash_entry *there = source < 0 ? NULL : find(&noted->now, source, from);
	struct crash_change *c;

	if (there && crash_directories[source].device != crash_directories[target].device)
		return errno = EXDEV, -1;
	if (is_refused(there) || syscall(SYS_renameat2, from_dir, from, to_dir, to, flags) != 0)
		return -1;
	if (!there)
		return 0;
	c = note(CRASH_RENAMED, there);
	c->to = crash_entry(target, to, there->file);
	crash_apply(&noted->now, c);
	return 0;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
	int at = directory_of(dir);
	struct crash_entry *there = at < 0 ? NULL : find(&noted->now, at, name);

	if (syscall(SYS_unlinkat, dir, name, flags) != 0)
		return -1;
	if (there)
		crash_apply(&noted->now, note(CRASH_UNLINKED, there));
	return 0;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	(void)fd, (void)mode, (void)at, (void)n;
	return 0;
}

/* A start scans; and closing one of these takes the kernel milliseconds. */
int inotify_init1(int flags)
{
	(void)flags;
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	(void)fd, (void)path, (void)mask;
	return 1;
}

/* A file that was made anew for the next try is the one that it was. */
static void same_file(struct stat *st, int file)
{
	st->st_ino = (ino_t)file;
	st->st_ctim = (struct timespec){ .tv_sec = file };
}

int fstat(int fd, struct stat *st)
{
	int error = (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (error == 0 && watched_file(fd))
		same_file(st, file_of[fd]);
	return error;
}

int fstatat(int dir, const char *name, struct stat *st, int flags)
{
	int at = directory_of(dir), error = (int)syscall(SYS_newfstatat, dir, name, st, flags);
	struct crash_entry *there = at < 0 ? NULL : find(&noted->now, at, name);

	if (error == 0 && there)
		same_file(st, there->file);
	return error;
}


void crash_disk_note(struct crash_disk *d, const size_t *clock)
{
	noted = d;
	the_clock = clock;
}

void crash_disk_fail_sync(unsigned which)
{
	failing = which;
}

void crash_disk_watch(const char *path, int device)
{
	struct stat st;

	assert(crash_directory_count < CRASH_DIRECTORIES && stat(path, &st) == 0);
	crash_directories[crash_directory_count++] = (struct crash_directory){ mem_str(path), device, st.st_ino };
}

size_t crash_disk_clock(const struct crash_disk *d, size_t n)
{
	return n < d->count ? d->changes[n].clock : *the_clock;
}

bool crash_disk_refuse(unsigned which, int error)
{
	bool has_come = !refusing;

	refusing = which;
	refusal = error;
	return has_come;
}
