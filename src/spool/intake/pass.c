#include "spool/intake/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/drop/drop_file.h"
#include "spool/disk/disk.h"
#include "spool/disk/io.h"
#include "spool/disk/part.h"
#include "spool/queuefile/queuefile.h"

enum {
	HALF = DISK_ROOM / 2,
	ENVELOPE_MAX = 1 << 30,
	/* of an unwritten message: a file may grow while it is read, and LF becomes CRLF */
	MEMORY_ENVELOPE_MAX = 4096,
	MEMORY_CONTENT_MAX = 128 * 1024
};

/* One pass over a file. */
struct pass {
	struct store *store;
	struct drop_file *parser;
	enum pass_aim aim;
	int part;                     /* the queue file being written, or -1 */
	char *in, *out;
	size_t held;                  /* bytes in out */
	struct spool_message *message;   /* the open transaction's */
	bool too_many;                /* messages in the file, or for one that stays unwritten */
	int error;
};

/* ---- writing a part ---- */

static int flush(struct pass *p)
{
	int error = p->held ? io_write(p->part, p->out, p->held) : 0;

	p->held = 0;
	return error;
}

static int put(struct pass *p, struct text piece)
{
	int error;

	while (piece.n) {
		size_t n = piece.n < HALF - p->held ? piece.n : HALF - p->held;

		memcpy(p->out + p->held, piece.p, n);
		p->held += n;
		piece = text_make(piece.p + n, piece.n - n);
		error = p->held == HALF ? flush(p) : 0;
		if (error)
			return error;
	}
	return 0;
}

static int put_envelope(struct pass *p)
{
	struct buf text;
	int error;

	buf_init(&text, ENVELOPE_MAX);
	error = envelope_print(p->message->envelope, &text) ? 0 : EFBIG;
	if (p->aim == PASS_UNWRITTEN && text.len > MEMORY_ENVELOPE_MAX)
		error = EFBIG;
	if (!error)
		error = put(p, text_make(text.data, text.len));
	p->message->content_at = text.len;
	buf_free(&text);
	return error;
}

static int open_part(struct pass *p)
{
	p->part = p->aim == PASS_UNWRITTEN ? memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING)
		: part_open(p->store->tree, p->store->id, (unsigned)p->store->stored);
	return p->part < 0 ? errno : put_envelope(p);
}

/* A queue file is immutable, and a courier that has it may read only. */
static int seal_part(struct pass *p)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int error = flush(p);

	if (!error && fcntl(p->part, F_ADD_SEALS, seals) != 0)
		error = errno;
	if (error)
		return error;
	p->message->fd = p->part;
	p->part = -1;
	return 0;
}

static int close_part(struct pass *p)
{
	int error = part_close(p->part, flush(p), &part_of_message);

	p->part = -1;
	return error;
}

void pass_remove_parts(const struct store *s)
{
	for (size_t k = 0; k <= s->stored; k++)
		part_remove(s->tree, s->id, (unsigned)k);
}

/* ---- reading ---- */

static int begin_message(struct pass *p)
{
	p->too_many = p->store->stored >= (p->aim == PASS_UNWRITTEN ? 1 : p->store->limits.rcpts);
	if (p->too_many)
		return 0;
	p->message = queuefile_message(drop_file_take_envelope(p->parser));
	p->message->content_at = drop_file_facts(p->parser)->content_at;
	return p->aim == PASS_LOOK ? 0 : open_part(p);
}

static void keep_message(struct store *s, struct spool_message *m)
{
	if (s->stored == s->room) {
		s->room = s->room ? 2 * s->room : 1;
		s->messages = mem_grow(s->messages, s->room, sizeof s->messages[0]);
	}
	s->messages[s->stored++] = m;
}

static int end_message(struct pass *p)
{
	int error = p->aim == PASS_DISK ? close_part(p) : p->aim == PASS_UNWRITTEN ? seal_part(p) : 0;

	queuefile_take_facts(p->message, drop_file_facts(p->parser));
	p->message->message_id = mem_str(drop_file_facts(p->parser)->message_id);
	keep_message(p->store, p->message);
	p->message = NULL;
	return error;
}

static int handle(struct pass *p, enum bsmtp_event event, struct text piece)
{
	switch (event) {
	case BSMTP_BEGIN:
		return begin_message(p);
	case BSMTP_CONTENT:
		return p->aim == PASS_LOOK ? 0 : put(p, piece);
	case BSMTP_END:
		return end_message(p);
	default:
		return 0;
	}
}

static bool goes_on(struct pass *p, enum bsmtp_event event, struct text piece)
{
	p->error = handle(p, event, piece);
	return event != BSMTP_MORE && event != BSMTP_ERROR && !p->error && !p->too_many;
}

static enum bsmtp_event feed(struct pass *p, struct text slice)
{
	enum bsmtp_event event;
	struct text piece;

	do
		event = drop_file_next(p->parser, &slice, &piece);
	while (goes_on(p, event, piece));
	return p->too_many ? BSMTP_ERROR : event;
}

static enum bsmtp_event finish(struct pass *p)
{
	enum bsmtp_event event;
	struct text piece;

	do
		event = drop_file_finish(p->parser, &piece);
	while (goes_on(p, event, piece));
	return p->too_many ? BSMTP_ERROR : event;
}

static enum store_result read_all(struct pass *p, int fd)
{
	enum bsmtp_event event = BSMTP_MORE;
	size_t got = 0;

	do {
		p->error = io_read(fd, p->in, HALF, &got);
		if (!p->error && got)
			event = feed(p, text_make(p->in, got));
	} while (!p->error && got == HALF && event != BSMTP_ERROR);
	if (!p->error && event != BSMTP_ERROR)
		event = finish(p);
	if (p->error)
		return STORE_FAILED;
	return event == BSMTP_ERROR ? STORE_REFUSED : STORE_OK;
}

static char *reason_of(const struct pass *p)
{
	if (p->too_many)
		return mem_fmt("the file holds more than %zu messages", p->store->limits.rcpts);
	return mem_str(drop_file_error(p->parser));
}

static uint64_t size_limit(const struct store *s, enum pass_aim aim)
{
	bool is_wider = s->limits.size == 0 || s->limits.size > MEMORY_CONTENT_MAX;

	return aim == PASS_UNWRITTEN && is_wider ? MEMORY_CONTENT_MAX : s->limits.size;
}

enum store_result pass_run(struct store *s, int fd, enum pass_aim aim, char *room, bool *wire_form)
{
	struct pass p = { .store = s, .parser = drop_file_new(s->form, s->limits.rcpts, size_limit(s, aim)),
		.aim = aim, .part = -1,
		.in = room, .out = room + HALF };
	enum store_result result = read_all(&p, fd);

	*wire_form = result == STORE_OK && drop_file_is_wire_form(p.parser);
	free(s->reason);
	s->reason = result == STORE_REFUSED ? reason_of(&p) : NULL;
	s->error = p.error;
	if (p.part >= 0)
		close(p.part);
	if (result != STORE_OK && aim == PASS_DISK)
		pass_remove_parts(s);
	spool_message_free(p.message);
	drop_file_free(p.parser);
	return result;
}
