#include "crash_private.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { FILE_MAX = 64 << 20, ELEMENTS = 64, ALL_OF = 96 };

/* ---- what is on the disk ---- */

bool crash_is_names(const struct crash_change *c)
{
	return c->kind == CRASH_CREATED || c->kind == CRASH_RENAMED || c->kind == CRASH_UNLINKED;
}

bool crash_is_data(const struct crash_change *c)
{
	return c->kind == CRASH_WRITTEN || c->kind == CRASH_CUT;
}

static bool is_alike(const struct crash_change *a, const struct crash_change *b)
{
	return a->entry.file == b->entry.file && ((crash_is_data(a) && crash_is_data(b))
		|| (crash_is_names(a) && crash_is_names(b)));
}

static bool is_sync_of(const struct crash_change *sync, const struct crash_change *c)
{
	if (crash_is_data(c))
		return sync->kind == CRASH_SYNCED && sync->entry.file == c->entry.file && !c->lost;
	return sync->kind == CRASH_DIRECTORY_SYNCED && (sync->entry.dir == c->entry.dir ||
		(c->kind == CRASH_RENAMED && sync->entry.dir == c->to.dir));
}

/* Nobody sees a file's later name and not that it has lost the one before. */
bool crash_is_synced(const struct crash_disk *d, size_t change, size_t n)
{
	const struct crash_change *c = &d->changes[change];

	for (size_t k = change; k < n; k++)
		for (size_t i = k + 1; is_alike(&d->changes[k], c) && i < n && (k == change || crash_is_names(c));
			i++)
			if (is_sync_of(&d->changes[i], &d->changes[k]))
				return true;
	return false;
}

/* ---- what may be missing ---- */

/* What happened to a file unsynced: its names, or its content. */
struct element {
	const struct crash_change *first;
	size_t count;
};

struct elements {
	struct element all[ELEMENTS];
	size_t count;
};

static size_t element_of(const struct elements *e, const struct crash_change *c)
{
	size_t i = 0;

	while (i < e->count && !is_alike(e->all[i].first, c))
		i++;
	return i;
}

static void find_elements(const struct crash_disk *d, size_t n, struct elements *e)
{
	e->count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct crash_change *c = &d->changes[i];
		size_t at = element_of(e, c);

		if ((!crash_is_names(c) && !crash_is_data(c)) || crash_is_synced(d, i, n))
			continue;
		assert(at < ELEMENTS);
		if (at == e->count)
			e->all[e->count++] = (struct element){ .first = c };
		e->all[at].count++;
	}
}

/* How many ways there are: everything, all but the last change, …, nothing; content may be torn in the last
 * change too. */
static size_t ways(const struct element *e)
{
	return crash_is_data(e->first) ? 3 : e->count + 1;
}

/* All mixtures if they are few, or 0. */
static size_t product(const struct elements *e)
{
	size_t n = 1;

	for (size_t i = 0; i < e->count && n <= ALL_OF; i++)
		n *= ways(&e->all[i]);
	return n <= ALL_OF ? n : 0;
}

/* Of many: everything, nothing, one missing, one alone, the first of them only, one in part. */
static size_t way_of_many(const struct elements *e, size_t mixture, size_t i)
{
	size_t which = mixture >= 2 ? (mixture - 2) % e->count : 0, nothing = ways(&e->all[i]) - 1;

	if (mixture < 2)
		return mixture ? nothing : 0;
	switch ((mixture - 2) / e->count) {
	case 0:
		return i == which ? nothing : 0;
	case 1:
		return i == which ? 0 : nothing;
	case 2:
		return i < which ? 0 : nothing;
	default:
		return i == which ? 1 : 0;
	}
}

static size_t way_of(const struct elements *e, size_t mixture, size_t i)
{
	if (!product(e))
		return way_of_many(e, mixture, i);
	for (size_t k = 0; k < i; k++)
		mixture /= ways(&e->all[k]);
	return mixture % ways(&e->all[i]);
}

size_t crash_disk_mixtures(const struct crash_disk *d, size_t n)
{
	struct elements e;

	find_elements(d, n, &e);
	return product(&e) ? product(&e) : 2 + 4 * e.count;
}

/* ---- what it looks like ---- */

struct image {
	const struct crash_disk *disk;
	size_t n, mixture;
	struct elements elements;
	struct crash_tree tree;
};

enum fate { KEPT, DROPPED, TORN };

/* How many unsynced changes of the same kind to the same file come behind this one. */
static size_t count_behind(const struct image *m, size_t change)
{
	size_t n = 0;

	for (size_t i = change + 1; i < m->n; i++)
		n += is_alike(&m->disk->changes[i], &m->disk->changes[change]);
	return n;
}

static enum fate fate_of(const struct image *m, size_t change)
{
	const struct crash_change *c = &m->disk->changes[change];
	size_t i = element_of(&m->elements, c), way;

	if (i == m->elements.count || crash_is_synced(m->disk, change, m->n))
		return KEPT;
	way = way_of(&m->elements, m->mixture, i);
	if (crash_is_data(c))
		return way == 1 ? (count_behind(m, change) ? KEPT : TORN) : way ? DROPPED : KEPT;
	return count_behind(m, change) < way ? DROPPED : KEPT;
}

static int by_name(const void *a, const void *b)
{
	const struct crash_entry *x = a, *y = b;

	return x->dir == y->dir ? strcmp(x->name, y->name) : x->dir - y->dir;
}

static void image_init(struct image *m, const struct crash_disk *d, size_t n, size_t mixture)
{
	*m = (struct image){ .disk = d, .n = n, .mixture = mixture, .tree = d->base };
	find_elements(d, n, &m->elements);
	for (size_t i = 0; i < n; i++)
		if (crash_is_names(&d->changes[i]) && fate_of(m, i) == KEPT)
			crash_apply(&m->tree, &d->changes[i]);
	qsort(m->tree.entries, m->tree.count, sizeof m->tree.entries[0], by_name);
}

static void write_at(struct buf *b, uint64_t at, const char *p, size_t n)
{
	while (b->len < at + n)
		buf_char(b, '\0');
	if (n)
		memcpy(b->data + at, p, n);
}

static void apply_data(const struct image *m, size_t change, struct buf *b)
{
	const struct crash_change *c = &m->disk->changes[change];
	enum fate fate = fate_of(m, change);

	if (fate == DROPPED)
		return;
	if (c->kind == CRASH_WRITTEN)
		write_at(b, c->at, c->bytes->p, fate == TORN ? c->bytes->n / 2 : c->bytes->n);
	else if (b->len > c->at)
		b->len = c->at;
}

static void content_of(const struct image *m, int file, struct buf *b)
{
	const struct crash_disk *d = m->disk;

	buf_init(b, FILE_MAX);
	for (size_t i = 0; i < d->file_count; i++)
		if (d->files[i].file == file)
			buf_add(b, d->files[i].bytes->p, d->files[i].bytes->n);
	for (size_t i = 0; i < m->n; i++)
		if (crash_is_data(&d->changes[i]) && d->changes[i].entry.file == file)
			apply_data(m, i, b);
}

static uint64_t mix(uint64_t digest, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		digest = (digest ^ ((const uint8_t *)p)[i]) * UINT64_C(0x100000001b3);
	return digest;
}

uint64_t crash_disk_digest(const struct crash_disk *d, size_t n, size_t mixture)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);
	struct image m;
	struct buf b;

	image_init(&m, d, n, mixture);
	for (size_t i = 0; i < m.tree.count; i++) {
		content_of(&m, m.tree.entries[i].file, &b);
		digest = mix(mix(digest, &m.tree.entries[i], sizeof m.tree.entries[i]), b.data, b.len);
		buf_free(&b);
	}
	return digest;
}

static void empty(const struct crash_directory *d)
{
	DIR *stream = opendir(d->path);
	struct dirent *e;

	while ((e = readdir(stream)))
		if (crash_is_watched(0, e->d_name) && strcmp(e->d_name, "..") != 0)
			syscall(SYS_unlinkat, dirfd(stream), e->d_name, 0);
	closedir(stream);
}

/* All files are old: nobody waits for their writers. */
static void make_file(const struct crash_entry *e, const struct buf *b)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	char *path = mem_fmt("%s/%s", crash_directories[e->dir].path, e->name);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0640);

	if (fd < 0 || syscall(SYS_write, fd, b->data, b->len) != (long)b->len || futimens(fd, long_ago) != 0)
		abort();
	syscall(SYS_close, fd);
	free(path);
}

static void add_base(struct crash_disk *d, const struct crash_entry *e, struct crash_bytes *bytes)
{
	d->files = mem_grow(d->files, d->file_count + 1, sizeof d->files[0]);
	d->files[d->file_count++] = (struct crash_base){ e->file, bytes };
	crash_put(&d->base, e);
	crash_put(&d->now, e);
}

static struct crash_disk *continued(const struct crash_disk *d, size_t n)
{
	struct crash_disk *copy = mem_alloc(sizeof *copy);

	*copy = (struct crash_disk){ .base = d->base, .now = d->base, .file_count = d->file_count, .count = n };
	copy->files = mem_grow(NULL, d->file_count + 1, sizeof d->files[0]);
	copy->changes = mem_grow(NULL, n + 1, sizeof d->changes[0]);
	for (size_t i = 0; i < d->file_count; i++)
		(copy->files[i] = d->files[i]).bytes->users++;
	for (size_t i = 0; i < n; i++) {
		copy->changes[i] = d->changes[i];
		if (d->changes[i].bytes)
			d->changes[i].bytes->users++;
		crash_apply(&copy->now, &d->changes[i]);
	}
	return copy;
}

struct crash_disk *crash_disk_after(const struct crash_disk *d, size_t n, size_t mixture)
{
	struct crash_disk *after = mixture ? mem_alloc(sizeof *after) : continued(d, n);
	struct image m;
	struct buf b;

	image_init(&m, d, n, mixture);
	for (int i = 0; i < crash_directory_count; i++)
		empty(&crash_directories[i]);
	for (size_t i = 0; i < m.tree.count; i++) {
		content_of(&m, m.tree.entries[i].file, &b);
		make_file(&m.tree.entries[i], &b);
		if (mixture)
			add_base(after, &m.tree.entries[i], crash_bytes(b.data, b.len));
		buf_free(&b);
	}
	return after;
}

/* ---- life ---- */

static void bytes_free(struct crash_bytes *b)
{
	if (b && --b->users == 0)
		free(b);
}


static void add_directory(struct crash_disk *d, int dir)
{
	DIR *stream = opendir(crash_directories[dir].path);
	struct dirent *e;

	while ((e = readdir(stream))) {
		char *path = mem_fmt("%s/%s", crash_directories[dir].path, e->d_name);
		struct crash_entry entry;
		struct stat st;
		struct buf b;

		if (crash_is_watched(dir, e->d_name) && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			FILE *f = fopen(path, "r");
			int c;

			buf_init(&b, FILE_MAX);
			while ((c = getc(f)) != EOF)
				buf_char(&b, (char)c);
			fclose(f);
			entry = crash_entry(dir, e->d_name, crash_file_number());
			add_base(d, &entry, crash_bytes(b.data, b.len));
			buf_free(&b);
		}
		free(path);
	}
	closedir(stream);
}

struct crash_disk *crash_disk_new(void)
{
	struct crash_disk *d = mem_alloc(sizeof *d);

	for (int i = 0; i < crash_directory_count; i++)
		add_directory(d, i);
	return d;
}

void crash_disk_free(struct crash_disk *d)
{
	for (size_t i = 0; i < d->file_count; i++)
		bytes_free(d->files[i].bytes);
	for (size_t i = 0; i < d->count; i++)
		bytes_free(d->changes[i].bytes);
	free(d->files);
	free(d->changes);
	free(d);
}

/* ---- for messages ---- */

size_t crash_disk_count(const struct crash_disk *d)
{
	return d->count;
}

const char *crash_disk_describe(const struct crash_disk *d, size_t n)
{
	static const char *const words[] = { "created", "renamed", "unlinked", "written", "cut", "synced",
		"directory synced" };
	const struct crash_change *c = &d->changes[n];
	static char text[3 * CRASH_NAME];

	snprintf(text, sizeof text, "%zu %s %s/%s (file %d) %s", n, words[c->kind],
		crash_directories[c->entry.dir].path, c->entry.name,
		c->entry.file, c->kind == CRASH_RENAMED ? c->to.name : "");
	return text;
}
