/* Content in chunks for BDAT (RFC 3030): as it is, without stuffing and dot, each piece of the file behind a
 * command that says how long it is. */
#include <stdlib.h>

#include "base/mem.h"
#include "courier/session/session_private.h"
#include "format/content/unstuff.h"

#define PIECE_MAX (8 * 1024 * 1024)   /* bytes that one piece of a file, or the trace lines, may become */

struct chunks {
	struct buf wire;         /* what was not sent yet, as it would go out behind DATA */
	struct unstuff unstuff;
	uint64_t unread;         /* bytes of the file that were not seen yet */
};

static bool add_wire(struct session *s, const char *bytes, size_t n)
{
	struct chunks *c = s->chunks;

	return s->rewriting ? session_rewrite(s, bytes, n, &c->wire) : buf_add(&c->wire, bytes, n);
}

/* One chunk of the first n bytes that wait. */
static void add_chunk(struct session *s, size_t n, bool last, struct buf *out)
{
	struct chunks *c = s->chunks;
	struct text wire = text_make(c->wire.data, n), piece;
	struct buf body;

	buf_init(&body, PIECE_MAX);
	while (unstuff_next(&c->unstuff, &wire, &piece))
		buf_add(&body, piece.p, piece.n);
	buf_drop(&c->wire, n);
	if (body.len > 0 || last) {
		dialogue_chunk(s->dialogue, body.len, last, out);
		buf_add(out, body.data, body.len);
	}
	buf_free(&body);
}

/* The last bytes are kept back until it is known that they are not the dot. */
static bool chunk(void *arg, const char *bytes, size_t n, struct buf *out)
{
	struct session *s = arg;
	struct chunks *c = s->chunks;

	if (!add_wire(s, bytes, n))
		return false;
	c->unread -= n;
	if (c->wire.len >= DOT_LINE)
		add_chunk(s, c->wire.len - DOT_LINE, c->unread == 0, out);
	return true;
}

bool session_send_chunks(struct session *s)
{
	const struct session_job *j = &s->job;
	struct stream_change change = { chunk, s };

	s->chunks = mem_alloc(sizeof *s->chunks);
	buf_init(&s->chunks->wire, PIECE_MAX);
	s->chunks->unread = j->content_size;
	if (s->rewriting)
		session_rewrite_trace(s, &s->chunks->wire);
	else
		buf_add(&s->chunks->wire, j->trace, j->trace_size);
	return stream_write_changed(s->stream, NULL, 0, j->fd, j->content_at, j->content_size, &change);
}

void session_chunks_over(struct session *s)
{
	if (!s->chunks)
		return;
	buf_free(&s->chunks->wire);
	free(s->chunks);
	s->chunks = NULL;
}
