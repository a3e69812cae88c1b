#include "queue/couriers/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "link/keys.h"
#include "spool/disk/io.h"

#define FILE_NAME "kept"

enum {
	SORTS = 2,                   /* what is for all, and all else: many of one push out none of the other */
	ENTRIES_MAX = 4096,          /* of a sort */
	NAME_MAX_BYTES = 1024,
	VALUE_MAX = 32 * 1024,
	FILE_MAX = ENTRIES_MAX * 8 * 1024
};

struct entry {
	struct list in;              /* the oldest first */
	char *name;
	int64_t end;                 /* ms since 1970 */
	char *value;
	size_t n;
};

struct kept {
	char *directory;
	struct map *entries;
	struct list order[SORTS];
	size_t count[SORTS];
};

static unsigned sort_of(const char *name)
{
	return strncmp(name, LINK_KEY_FOR_ALL, strlen(LINK_KEY_FOR_ALL)) == 0;
}

static void forget(struct kept *k, struct entry *e)
{
	map_take(k->entries, e->name, strlen(e->name));
	list_remove(&e->in);
	k->count[sort_of(e->name)]--;
	free(e->name);
	free(e->value);
	free(e);
}

static struct entry *find(const struct kept *k, const char *name)
{
	return map_get(k->entries, name, strlen(name));
}

void kept_put(struct kept *k, const char *name, struct text value)
{
	struct entry *e = find(k, name);
	unsigned sort = sort_of(name);
	int64_t end;

	if (e)
		forget(k, e);
	if (value.n <= sizeof end || value.n > VALUE_MAX || strlen(name) > NAME_MAX_BYTES)
		return;
	if (k->count[sort] >= ENTRIES_MAX)
		forget(k, LIST_OF(list_first(&k->order[sort]), struct entry, in));
	memcpy(&end, value.p, sizeof end);
	e = mem_alloc(sizeof *e);
	e->name = mem_str(name);
	e->end = end;
	e->n = value.n - sizeof end;
	e->value = mem_strn(value.p + sizeof end, e->n);
	map_put(k->entries, name, strlen(name), e);
	list_append(&k->order[sort], &e->in);
	k->count[sort]++;
}

struct text kept_get(struct kept *k, const char *name, int64_t now)
{
	struct entry *e = find(k, name);

	if (e && e->end <= now) {
		forget(k, e);
		e = NULL;
	}
	return e ? text_make(e->value, e->n) : text_make("", 0);
}

void kept_each(const struct kept *k, const char *beginning, int64_t now,
	void (*each)(void *arg, const char *name, struct text value), void *arg)
{
	const struct list *order = &k->order[sort_of(beginning)];

	for (const struct list *at = order->next; at != order; at = at->next) {
		const struct entry *e = LIST_OF(at, const struct entry, in);

		if (e->end > now && strncmp(e->name, beginning, strlen(beginning)) == 0)
			each(arg, e->name, text_make(e->value, e->n));
	}
}

/* --- the file: for each entry the lengths of name and value, then both, the moment ahead of the value --- */

struct head {
	uint32_t name, value;
};

static bool take(struct text *from, void *to, size_t n)
{
	if (from->n < n)
		return false;
	memcpy(to, from->p, n);
	*from = text_make(from->p + n, from->n - n);
	return true;
}

/* What is damaged ends the reading: it was only kept to save time. */
static void read_entries(struct kept *k, struct text rest)
{
	struct head h;

	while (take(&rest, &h, sizeof h) && h.name <= NAME_MAX_BYTES && h.value <= VALUE_MAX
			&& rest.n >= (size_t)h.name + h.value) {
		char *name = mem_strn(rest.p, h.name);

		kept_put(k, name, text_make(rest.p + h.name, h.value));
		free(name);
		rest = text_make(rest.p + h.name + h.value, rest.n - h.name - h.value);
	}
}

static char *path_of(const struct kept *k)
{
	return mem_fmt("%s/" FILE_NAME, k->directory);
}

static void read_file(struct kept *k)
{
	char *path = path_of(k), *bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;

	free(path);
	if (fd < 0)
		return;
	bytes = mem_alloc(FILE_MAX);
	if (io_read(fd, bytes, FILE_MAX, &n) == 0)
		read_entries(k, text_make(bytes, n));
	free(bytes);
	close(fd);
}

static void drop_old(struct kept *k, int64_t now)
{
	for (unsigned sort = 0; sort < SORTS; sort++)
		LIST_EACH(at, &k->order[sort]) {
			struct entry *e = LIST_OF(at, struct entry, in);

			if (e->end <= now)
				forget(k, e);
		}
}

struct kept *kept_new(const char *directory, int64_t now)
{
	struct kept *k = mem_alloc(sizeof *k);

	k->directory = mem_str(directory);
	k->entries = map_new();
	for (unsigned sort = 0; sort < SORTS; sort++)
		list_init(&k->order[sort]);
	read_file(k);
	drop_old(k, now);
	return k;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	for (unsigned sort = 0; sort < SORTS; sort++)
		LIST_EACH(at, &k->order[sort])
			forget(k, LIST_OF(at, struct entry, in));
	map_free(k->entries);
	free(k->directory);
	free(k);
}

static void put_entries(const struct list *order, struct buf *out)
{
	for (const struct list *at = order->next; at != order; at = at->next) {
		const struct entry *e = LIST_OF(at, const struct entry, in);
		struct head h = { (uint32_t)strlen(e->name), (uint32_t)(sizeof e->end + e->n) };

		buf_add(out, &h, sizeof h);
		buf_str(out, e->name);
		buf_add(out, &e->end, sizeof e->end);
		buf_add(out, e->value, e->n);
	}
}

void kept_save(const struct kept *k)
{
	int dir = open(k->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	struct buf out;

	if (dir < 0)
		return;
	buf_init(&out, FILE_MAX);
	/* what is for all first, should there be too much for the file */
	for (unsigned sort = SORTS; sort-- > 0;)
		put_entries(&k->order[sort], &out);
	unlinkat(dir, FILE_NAME, 0);
	error = out.len > 0 ? io_make_file(dir, FILE_NAME, out.data, out.len, 0600) : 0;
	if (error)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "TLS sessions cannot be kept in %s/" FILE_NAME ": %s",
			k->directory, strerror(error));
	buf_free(&out);
	close(dir);
}
