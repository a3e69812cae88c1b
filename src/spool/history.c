#include "spool/history.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/journal_line.h"
#include "spool/disk.h"
#include "spool/journal.h"

struct history {
	uint64_t id;
	void (*show)(void *arg, const char *line);
	void *arg;
};

static void one_line(void *arg, struct text text, struct text whole)
{
	const struct history *h = arg;
	struct journal_line line;
	char *copy;

	(void)whole;
	if (!journal_line_parse(text, &line) || line.id != h->id)
		return;
	copy = mem_strn(text.p, text.n);
	h->show(h->arg, copy);
	free(copy);
}

void history_show(const struct tree *tree, uint64_t id, void (*show)(void *arg, const char *line), void *arg)
{
	struct history h = { .id = id, .show = show, .arg = arg };
	struct journal_damage damage;
	struct journal j = { .dir = tree->queue, .fd = openat(tree->queue, "journal",
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC) };
	struct stat st;
	char *room = mem_alloc(DISK_ROOM);

	if (j.fd >= 0 && fstat(j.fd, &st) == 0) {
		j.size = (uint64_t)st.st_size;
		journal_read(&j, one_line, &h, &damage, room);
	}
	journal_close(&j);
	free(room);
}
