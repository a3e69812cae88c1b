#include "spool/journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/journal/journal_line.h"
#include "spool/disk/disk.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"

static const char name_now[] = "journal", name_new[] = "journal.new", name_anew[] = "journal.anew",
	name_ballast[] = "ballast";

enum {
	RESERVE_MIN = 4 * 1024 * 1024,    /* blocks kept beyond the end … */
	RESERVE_STEP = 4 * 1024 * 1024,   /* … and taken at once when they get fewer */
	BALLAST_SIZE = 4 * 1024 * 1024
};

/* A failure costs no more than the reserve: the write that follows says whether there is room. */
static void reserve(int fd, uint64_t end, uint64_t *reserved)
{
	if (end + RESERVE_MIN > *reserved && io_reserve(fd, end + RESERVE_MIN + RESERVE_STEP) == 0)
		*reserved = end + RESERVE_MIN + RESERVE_STEP;
}

int journal_open(struct journal *j, int dir)
{
	struct stat st;

	*j = (struct journal){ .dir = dir };
	unlinkat(dir, name_new, 0);
	unlinkat(dir, name_anew, 0);
	j->fd = openat(dir, name_now, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return errno;
	if (fstat(j->fd, &st) != 0) {
		int error = errno;

		journal_close(j);
		return error;
	}
	j->size = (uint64_t)st.st_size;
	reserve(j->fd, j->size, &j->reserved);
	return 0;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* A window that slides over part of a file and yields its lines. */
struct reader {
	int fd;
	uint64_t at, end;      /* what is still to be read of the file */
	char *room;
	size_t held;           /* bytes in room … */
	struct text left;      /* … of which these are not yet used */
	uint64_t offset;       /* of the next line in the file */
};

static int read_more(struct reader *r)
{
	size_t want;
	ssize_t n;

	memmove(r->room, r->left.p, r->left.n);
	r->held = r->left.n;
	want = DISK_ROOM - r->held;
	if (want > r->end - r->at)
		want = r->end - r->at;
	do
		n = pread(r->fd, r->room + r->held, want, (off_t)r->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if (n == 0)
		r->end = r->at;
	r->at += (uint64_t)n;
	r->held += (size_t)n;
	r->left = text_make(r->room, r->held);
	return 0;
}

static int next_line(struct reader *r, enum journal_found *found, struct text *text, struct text *whole)
{
	size_t before;
	int error;

	for (;;) {
		before = r->left.n;
		*found = journal_line_next(&r->left, r->at == r->end, text, whole);
		r->offset += before - r->left.n;
		if (*found != JOURNAL_MORE || r->at == r->end)
			return 0;
		error = read_more(r);
		if (error)
			return error;
	}
}

static struct reader reader_of(int fd, uint64_t from, uint64_t end, char *room)
{
	return (struct reader){ .fd = fd, .at = from, .end = end, .room = room, .left = { room, 0 },
		.offset = from };
}

/* Whether the file ends inside a line, however good that line may be. */
static bool ends_torn(const struct journal *j)
{
	char last = '\n';

	return j->size && pread(j->fd, &last, 1, (off_t)j->size - 1) == 1 && last != '\n';
}

int journal_read(struct journal *j, void (*line)(void *arg, struct text text, struct text whole), void *arg,
	struct journal_damage *damage, char *room)
{
	struct reader r = reader_of(j->fd, 0, j->size, room);
	struct text text, whole;
	enum journal_found found;
	int error;

	*damage = (struct journal_damage){ 0 };
	j->torn = ends_torn(j);
	for (;;) {
		uint64_t offset = r.offset;

		error = next_line(&r, &found, &text, &whole);
		j->cut = !error && found == JOURNAL_TORN;
		if (error || found == JOURNAL_MORE || found == JOURNAL_TORN)
			return error;
		if (found == JOURNAL_LINE)
			line(arg, text, whole);
		else if (found == JOURNAL_DAMAGED && damage->lines++ == 0)
			damage->first = offset;
	}
}

/* Whatever an earlier life could not write to its end; whoever reads it later shall not take it for
 * damage. */
static int end_torn_line(struct journal *j)
{
	const char *end = j->cut ? JOURNAL_LINE_CUT "\n" : "\n";
	size_t n = j->torn ? strlen(end) : 0;

	j->size += n;
	j->torn = j->cut = false;
	return n ? io_write(j->fd, end, n) : 0;
}

int journal_append(struct journal *j, struct text lines)
{
	int error = spool_fault("append");

	reserve(j->fd, j->size + lines.n + sizeof JOURNAL_LINE_CUT, &j->reserved);
	if (!error)
		error = end_torn_line(j);
	if (!error)
		error = io_write(j->fd, lines.p, lines.n);
	spool_step("journal-written");
	if (!error)
		error = io_sync(j->fd);
	if (error)
		return error;
	j->size += lines.n;
	spool_step("journal-synced");
	return 0;
}

int journal_new_begin(struct journal_new *n, const struct journal *old)
{
	int dir = old->dir, error;

	*n = (struct journal_new){ .name = old->fd < 0 ? name_anew : name_new, .from = -1 };
	n->fd = openat(dir, n->name, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (n->fd < 0)
		return errno;
	if (old->fd < 0)
		return 0;
	n->from = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
	if (n->from >= 0)
		return 0;
	error = errno;
	journal_new_drop(n, dir);
	return error;
}

int journal_new_add(struct journal_new *n, int dir, struct text text)
{
	int error = io_write(n->fd, text.p, text.n);

	/* a write that met the end of the disk may have left a part of itself */
	if (error == ENOSPC && unlinkat(dir, name_ballast, 0) == 0 && ftruncate(n->fd, (off_t)n->size) == 0)
		error = io_write(n->fd, text.p, text.n);
	if (!error)
		n->size += text.n;
	return error;
}

/* Adds a good line with its frame and LF. */
static int add_line(struct journal_new *n, int dir, struct buf *out, struct text whole, bool last)
{
	int error = 0;

	buf_add(out, whole.p, whole.n);
	if (whole.n)
		buf_char(out, '\n');
	if (last || out->len > DISK_ROOM) {
		error = out->len ? journal_new_add(n, dir, text_make(out->data, out->len)) : 0;
		buf_clear(out);
	}
	return error;
}

int journal_new_copy(struct journal_new *n, int dir, uint64_t end,
	bool (*keep)(const void *arg, struct text text), const void *arg,
	char *room)
{
	struct reader r = reader_of(n->from, n->copied, end, room);
	enum journal_found found = JOURNAL_LINE;
	struct text text, whole;
	struct buf out;
	int error;

	buf_init(&out, 2 * DISK_ROOM);
	do {
		error = next_line(&r, &found, &text, &whole);
		if (!error && found == JOURNAL_LINE && (!keep || keep(arg, text)))
			error = add_line(n, dir, &out, whole, false);
	} while (!error && found != JOURNAL_MORE && found != JOURNAL_TORN);
	if (!error)
		error = add_line(n, dir, &out, text_make("", 0), true);
	buf_free(&out);
	n->copied = end;
	return error;
}

static void take_place(struct journal_new *n, struct journal *j)
{
	journal_close(j);
	j->fd = n->fd;
	j->size = n->size;
	j->reserved = 0;
	j->torn = j->cut = false;
	n->fd = -1;
	if (n->from >= 0)
		close(n->from);
	n->from = -1;
	reserve(j->fd, j->size, &j->reserved);
}

int journal_new_finish(struct journal_new *n, struct journal *j)
{
	int error;

	spool_step("rewrite-written");
	error = io_sync(n->fd);
	if (!error) {
		spool_step("rewrite-synced");
		error = renameat(j->dir, n->name, j->dir, name_now) == 0 ? 0 : errno;
	}
	if (!error) {
		spool_step("rewrite-renamed");
		error = io_sync_directory(j->dir);
	}
	if (error) {
		journal_new_drop(n, j->dir);
		return error;
	}
	spool_step("rewrite-directory-synced");
	take_place(n, j);
	journal_make_ballast(j->dir);
	return 0;
}

void journal_new_drop(struct journal_new *n, int dir)
{
	if (n->fd >= 0)
		close(n->fd);
	if (n->from >= 0)
		close(n->from);
	n->fd = n->from = -1;
	unlinkat(dir, n->name, 0);
}

int journal_make_ballast(int dir)
{
	struct stat st;
	int fd = openat(dir, name_ballast, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), error;

	if (fd < 0)
		return errno;
	error = fstat(fd, &st) != 0 ? errno : 0;
	if (!error && st.st_blocks * 512 < BALLAST_SIZE)
		error = io_reserve(fd, BALLAST_SIZE);
	close(fd);
	return error;
}
