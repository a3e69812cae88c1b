#include "spool/queuefile/queuefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/disk.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"
#include "spool/disk/part.h"

struct spool_message *queuefile_message(struct envelope *envelope)
{
	struct spool_message *m = mem_alloc(sizeof *m);

	m->envelope = envelope;
	m->fd = -1;
	return m;
}

void queuefile_take_facts(struct spool_message *m, const struct bsmtp_facts *facts)
{
	m->content_size = facts->content_size;
	m->hops = facts->hops;
	m->eight_bit = facts->eight_bit;
	m->utf8_header = facts->utf8_header;
	m->long_lines = facts->long_lines;
	m->tls_optional = facts->tls_optional;
	m->requiretls = facts->requiretls;
}

/* ---- writing ---- */

int queuefile_write(const struct tree *t, uint64_t id, const char *bytes, size_t n)
{
	int fd = part_open(t, id, 0), error;

	if (fd < 0)
		return errno;
	error = part_close(fd, io_write(fd, bytes, n), &part_of_report);
	if (error)
		part_remove(t, id, 0);
	else
		error = part_finish(t, id, 0, id, &part_of_report);
	if (!error)
		error = io_sync_directory(t->queue);
	if (!error)
		spool_step("report-directory-synced");
	return error;
}

/* ---- reading back ---- */

static const char last_line[] = ".\r\n";

int queuefile_fd(const struct tree *t, uint64_t id)
{
	char name[NAMES_SIZE];

	return openat(t->queue, names_message(id, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether the content ends as every queue file does and has the length it had. */
static bool is_whole(const struct spool_message *m, uint64_t size)
{
	char end[5];
	ssize_t want = m->content_size < sizeof end ? 3 : 5;
	off_t at = (off_t)(m->content_at + m->content_size) - want;

	if ((size && m->content_size != size) || m->content_size < 3
		|| pread(m->fd, end, (size_t)want, at) != want)
		return false;
	return memcmp(end + want - 3, last_line, 3) == 0 && (want == 3 || memcmp(end, "\r\n", 2) == 0);
}

/* Reads the open file up to its content, or through it; NULL or a complaint. */
static char *read_back(struct spool_message *m, bool facts, char *room, int *error)
{
	struct bsmtp *parser = bsmtp_new(SIZE_MAX, 0);
	enum bsmtp_event event = BSMTP_MORE;
	struct text slice, piece;
	size_t got = 1;
	char *reason = NULL;

	bsmtp_expect_queue_file(parser);
	for (bool over = false; !over && !(*error = io_read(m->fd, room, DISK_ROOM, &got)) && got;) {
		slice = text_make(room, got);
		while (!over && (event = bsmtp_next(parser, &slice, &piece)) != BSMTP_MORE)
			over = event == BSMTP_ERROR || event == BSMTP_END || (event == BSMTP_BEGIN && !facts);
	}
	if (event == BSMTP_ERROR)
		reason = mem_str(bsmtp_error(parser));
	m->envelope = bsmtp_take_envelope(parser);
	m->content_at = bsmtp_facts(parser)->content_at;
	queuefile_take_facts(m, bsmtp_facts(parser));
	if (!*error && !reason && (!m->envelope || !m->content_at || (facts && event != BSMTP_END)))
		reason = mem_str("ends inside the message");
	bsmtp_free(parser);
	return reason;
}

static enum queuefile_result check_loaded(struct spool_message *m, uint64_t size, char **reason, int *error)
{
	struct stat st;

	if (fstat(m->fd, &st) != 0) {
		*error = errno;
		return QUEUEFILE_FAILED;
	}
	m->content_size = (uint64_t)st.st_size > m->content_at ? (uint64_t)st.st_size - m->content_at : 0;
	if (is_whole(m, size))
		return QUEUEFILE_OK;
	*reason = mem_str("is not as long as it was, or lacks its last line");
	return QUEUEFILE_BAD;
}

enum queuefile_result queuefile_open(const struct tree *t, uint64_t id, uint64_t size, bool facts, char *room,
	struct spool_message **out,
	char **reason, int *error)
{
	struct spool_message *m = queuefile_message(NULL);
	enum queuefile_result result = QUEUEFILE_FAILED;

	*error = 0;
	m->id = id;
	m->fd = queuefile_fd(t, id);
	if (m->fd < 0)
		*error = errno;
	else
		*reason = read_back(m, facts, room, error);
	if (!*error)
		result = *reason ? QUEUEFILE_BAD : check_loaded(m, size, reason, error);
	*out = result == QUEUEFILE_OK ? m : NULL;
	if (result != QUEUEFILE_OK)
		spool_message_free(m);
	return result;
}

int queuefile_set_aside(const struct tree *t, uint64_t id)
{
	char name[NAMES_SIZE];

	names_message(id, name);
	return renameat(t->queue, name, t->corrupt, name) == 0 ? 0 : errno;
}
