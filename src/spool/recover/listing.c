#include "spool/recover/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/hook.h"

static bool is_ours(const char *name)
{
	static const char *const names[] = { ".", "..", "lock", "format", "journal", "ballast" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void stranger(struct listing *l, const char *name)
{
	if (is_ours(name))
		return;
	l->strangers++;
	snprintf(l->stranger, sizeof l->stranger, "%s", name);
}

static uid_t owner(const struct listing *l, const char *name)
{
	struct stat st;

	return fstatat(l->tree->queue, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_uid : l->tree->uid;
}

static void add(struct listing *l, const struct listing_entry *entry)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->entries = mem_grow(l->entries, l->room, sizeof l->entries[0]);
	}
	l->entries[l->count++] = *entry;
}

static void one_name(struct listing *l, const char *name)
{
	struct listing_entry entry = { .uid = l->tree->uid };

	entry.kind = names_read(name, &entry.id, &entry.count);
	if (entry.kind == NAMES_OTHER) {
		stranger(l, name);
		return;
	}
	if (entry.kind == NAMES_PART) {
		unlinkat(l->tree->queue, name, 0);
		spool_step("part-removed");
		return;
	}
	if (entry.kind == NAMES_DROP)
		entry.uid = owner(l, name);
	ids_saw(l->ids, names_sibling(entry.id, entry.count));
	add(l, &entry);
}

static DIR *open_stream(const struct listing *l)
{
	int fd = openat(l->tree->queue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopendir(fd);
}

void listing_read(struct listing *l)
{
	DIR *stream = open_stream(l);
	const struct dirent *entry;

	if (!stream) {
		l->error = errno;
		return;
	}
	errno = 0;
	while ((entry = readdir(stream))) {
		one_name(l, entry->d_name);
		errno = 0;
	}
	l->error = errno;
	closedir(stream);
}

void listing_clear(struct listing *l)
{
	free(l->entries);
	l->entries = NULL;
	l->count = l->room = 0;
}
