#include "spool/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/hook.h"

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
	l->entries[l->count++] = entry;
}

static void open_stream(struct listing *l)
{
	int fd = openat(l->tree->queue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	l->stream = fd < 0 ? NULL : fdopendir(fd);
	if (!l->stream)
		l->error = errno;
}

void listing_read(struct listing *l)
{
	const struct dirent *entry;

	l->count = 0;
	l->end = false;
	if (!l->stream)
		open_stream(l);
	while (l->stream && l->count < LISTING_NAMES) {
		errno = 0;
		entry = readdir(l->stream);
		if (!entry) {
			l->error = errno;
			break;
		}
		one_name(l, entry->d_name);
	}
	l->end = l->error || l->count < LISTING_NAMES;
}

void listing_clear(struct listing *l)
{
	if (l->stream)
		closedir(l->stream);
	l->stream = NULL;
}
