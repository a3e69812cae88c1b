#include <stdlib.h>

#include "base/mem.h"
#include "courier/session/session_private.h"
#include "format/content/line_cut.h"

#define TRACE_OUT_MAX (1024 * 1024)   /* bytes of trace lines when they have been rewritten */

/* Decided by what intake saw of the content, which is not read again. */
static bool goes_as_it_is(const struct session *s, const struct rewriting_setup *setup)
{
	bool cut = setup->line_limit > 0 && (s->job.long_lines || setup->line_limit < LINE_LONG);

	return !cut && !setup->seven_bit && !setup->ascii_header && !setup->rules;
}

static void plan(struct session *s, struct rewriting_setup *setup)
{
	*setup = s->common->content;
	setup->line_limit = (uint64_t)s->transport->manner->line_length_limit;
	setup->seven_bit = dialogue_wants_7bit(s->dialogue);
	setup->rules = session_rules(s);
	setup->ascii_header = dialogue_wants_ascii_header(s->dialogue);
}

/* Bytes of the last line of the file, which is the dot. */
static uint64_t dot_line(const struct session *s)
{
	return s->job.content_size < DOT_LINE ? 0 : DOT_LINE;
}

static void remark(struct session *s, unsigned seen)
{
	if (seen & REWRITING_CUT)
		session_note(s, mem_fmt("breaking line > %lld bytes with <CR><LF>SPACE",
			(long long)s->transport->manner->line_length_limit));
	if (seen & REWRITING_LOST_END)
		session_note(s, mem_fmt("warning: a table has changed a header field longer than header_size_limit "
			"(%zu bytes): its end is not sent", s->common->content.header_limit));
}

/* The log is told once of each kind of change. */
bool session_rewrite(struct session *s, const char *bytes, size_t n, struct buf *out)
{
	unsigned before = rewriting_seen(s->rewriting);
	bool good = rewriting_add(s->rewriting, text_make(bytes, n), out);

	remark(s, rewriting_seen(s->rewriting) & ~before);
	return good;
}

void session_rewrite_trace(struct session *s, struct buf *out)
{
	session_rewrite(s, s->job.trace, s->job.trace_size, out);   /* a failure comes again with the content */
	s->rules.in_trace = false;
}

/* A dot that has to come later stays behind. */
static bool rewrite_piece(void *arg, const char *bytes, size_t n, struct buf *out)
{
	struct session *s = arg;
	bool good = session_rewrite(s, bytes, n, out);

	s->unread -= n;
	if (good && s->unread == 0 && s->part == PART_BODY)
		out->len -= dot_line(s);
	return good;
}

static bool send_rewritten(struct session *s)
{
	const struct session_job *j = &s->job;
	struct stream_change change = { rewrite_piece, s };
	struct buf trace;
	bool gone;

	s->unread = j->content_size;
	buf_init(&trace, TRACE_OUT_MAX);
	session_rewrite_trace(s, &trace);
	gone = stream_write_changed(s->stream, trace.data, trace.len, j->fd, j->content_at, j->content_size,
		&change);
	buf_free(&trace);
	return gone;
}

bool session_send_content(struct session *s)
{
	const struct session_job *j = &s->job;
	uint64_t size = j->content_size - (s->part == PART_BODY ? dot_line(s) : 0);
	struct rewriting_setup setup;

	session_content_over(s);
	plan(s, &setup);
	if (!goes_as_it_is(s, &setup))
		s->rewriting = rewriting_new(&setup);
	if (dialogue_chunked(s->dialogue))
		return session_send_chunks(s);
	if (!s->rewriting)
		return stream_write_file(s->stream, j->trace, j->trace_size, j->fd, j->content_at, size);
	return send_rewritten(s);
}

void session_content_failed(struct session *s)
{
	const char *dsn, *why = rewriting_failure(s->rewriting, &dsn);

	dialogue_abort(s->dialogue, dsn, why);
}

void session_content_over(struct session *s)
{
	rewriting_free(s->rewriting);
	s->rewriting = NULL;
	session_chunks_over(s);
}
