#include "spool/journal/history.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "format/journal/journal_line.h"
#include "spool/journal/journal.h"

enum { LINES_MAX = 16 * 1024 * 1024 };     /* bytes; what comes behind them is left out */

struct history {
	struct disk_job job;
	const struct tree *tree;
	uint64_t id;
	struct buf lines;
	void (*told)(void *arg, const char *lines);
	void *arg;
};

static void one_line(void *arg, struct text text, struct text whole)
{
	struct history *h = arg;
	struct journal_line line;

	(void)whole;
	if (!journal_line_parse(text, &line) || line.id != h->id || h->lines.len + text.n >= LINES_MAX)
		return;
	buf_add(&h->lines, text.p, text.n);
	buf_char(&h->lines, '\n');
}

static void work(struct disk_job *job, char *room)
{
	struct history *h = LIST_OF(job, struct history, job);
	struct journal_damage damage;
	struct journal j = { .dir = h->tree->queue, .fd = openat(h->tree->queue, "journal",
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC) };
	struct stat st;

	if (j.fd >= 0 && fstat(j.fd, &st) == 0) {
		j.size = (uint64_t)st.st_size;
		journal_read(&j, one_line, h, &damage, room);
	}
	journal_close(&j);
}

static void done(struct disk_job *job)
{
	struct history *h = LIST_OF(job, struct history, job);

	h->told(h->arg, buf_text(&h->lines));
	buf_free(&h->lines);
	free(h);
}

void history_read(struct disk *disk, const struct tree *tree, uint64_t id,
	void (*told)(void *arg, const char *lines), void *arg)
{
	struct history *h = mem_alloc(sizeof *h);

	h->job = (struct disk_job){ .work = work, .done = done };
	h->tree = tree;
	h->id = id;
	h->told = told;
	h->arg = arg;
	buf_init(&h->lines, LINES_MAX);
	disk_run(disk, DISK_INTAKE, &h->job);
}
