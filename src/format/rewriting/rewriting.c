#include "format/rewriting/rewriting.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content/line_cut.h"
#include "format/content/stuff.h"
#include "format/header/header_ascii.h"
#include "format/header/header_fold.h"
#include "format/rewriting/mime_convert.h"

enum {
	ANSWER_MAX = 1024 * 1024,   /* bytes by which the rules may make a field or a line longer */
	GROWTH = 8                  /* times as long a field may become in ASCII */
};

struct rewriting {
	struct rewriting_setup setup;
	struct mime *mime;
	struct mime_convert *convert;
	struct buf record;           /* beginning of a line that the rules have to see */
	struct buf answer;           /* of the rules */
	struct buf ascii;            /* a field in ASCII */
	enum { FIELD_KEPT, FIELD_CHANGED, FIELD_DROPPED } fate;   /* of the last field */
	struct stuff stuff;
	struct line_cut cut;
	unsigned seen;               /* of enum rewriting_remark */
	struct buf *out;             /* of the call at hand */
	const char *failure, *dsn;
};

static void take_field(void *arg, const struct mime_entity *e, struct text field);
static void take_text(void *arg, struct text bytes);

struct rewriting *rewriting_new(const struct rewriting_setup *setup)
{
	struct mime_limits limits = { setup->header_limit, setup->boundary_limit, setup->nesting_limit };
	struct rewriting *r = mem_alloc(sizeof *r);
	struct mime_sink sink = { take_field, take_text, r };
	struct mime_convert_setup convert = {
		.seven_bit = setup->seven_bit, .line = setup->line_limit, .header = 2 * setup->header_limit,
		.completes = setup->seven_bit || setup->ascii_header || setup->rules,
	};

	r->setup = *setup;
	r->mime = mime_new(&limits, setup->seven_bit || setup->ascii_header);
	r->convert = mime_convert_new(&convert, r->mime, &sink);
	buf_init(&r->record, setup->record_limit + strlen("\r\n"));
	buf_init(&r->answer, ANSWER_MAX + 2 * setup->header_limit + setup->record_limit);
	buf_init(&r->ascii, ANSWER_MAX + GROWTH * setup->header_limit);
	line_cut_begin(&r->cut, setup->line_limit);
	return r;
}

void rewriting_free(struct rewriting *r)
{
	if (!r)
		return;
	mime_convert_free(r->convert);
	mime_free(r->mime);
	buf_free(&r->record);
	buf_free(&r->answer);
	buf_free(&r->ascii);
	free(r);
}

/* The first failure is the one that counts. */
static void fail(struct rewriting *r, const char *dsn, const char *why)
{
	if (r->failure)
		return;
	r->dsn = dsn;
	r->failure = why;
}

/* --- the end of the chain --- */

/* What comes here is text with CRLFs, without stuffed dots. */
static void put(struct rewriting *r, struct text bytes)
{
	struct text piece;

	while (stuff_next(&r->stuff, &bytes, &piece)) {
		if (r->setup.line_limit > 0)
			line_cut_add(&r->cut, piece, r->out);
		else
			buf_add(r->out, piece.p, piece.n);
	}
	if (r->out->over)
		fail(r, "4.3.0", "what the message becomes is too large to be held");
}

/* --- the rules --- */

/* Takes the answer that the rules have just given; false if they could not say. */
static bool take_answer(struct rewriting *r, const char *why)
{
	if (why)
		fail(r, "4.3.0", why);
	else if (r->answer.over)
		fail(r, "4.3.0", "what a table puts in the place of a field or line is too large");
	return !r->failure;
}

/* Folded where a line is too long. */
static void put_folded(struct rewriting *r, struct text field)
{
	struct header_fold f;
	struct text piece;
	const char *fold;

	if (r->setup.line_limit == 0) {
		put(r, field);
		return;
	}
	header_fold_begin(&f, field, r->setup.line_limit);
	while (header_fold_next(&f, &piece, &fold)) {
		put(r, piece);
		put(r, text_of(fold));
		r->seen |= *fold ? REWRITING_CUT : 0;
	}
}

static void put_field(struct rewriting *r, const struct mime_entity *e, struct text field)
{
	if (!(r->setup.seven_bit || r->setup.ascii_header) || e->sealed) {
		put_folded(r, field);
		return;
	}
	buf_clear(&r->ascii);
	header_ascii(field, &r->ascii);
	if (r->ascii.over)
		fail(r, "4.3.0", "a header field in ASCII is too large to be held");
	else
		put_folded(r, text_make(r->ascii.data, r->ascii.len));
}

/* The rules may make several fields of one. */
static void ask_about_field(struct rewriting *r, const struct mime_entity *e, struct text field)
{
	const struct rewriting_rules *rules = r->setup.rules;
	struct text answer, one;

	buf_clear(&r->answer);
	if (!take_answer(r, rules->field(rules->arg, e->header, field, &r->answer)))
		return;
	answer = text_make(r->answer.data, r->answer.len);
	if (answer.n == field.n && memcmp(answer.p, field.p, field.n) == 0)
		r->fate = FIELD_KEPT;
	else
		r->fate = answer.n ? FIELD_CHANGED : FIELD_DROPPED;
	while (mime_field_next(&answer, &one))
		put_field(r, e, one);
}

/* What goes on behind the limit of a field shares the fate of its beginning. */
static void take_field(void *arg, const struct mime_entity *e, struct text field)
{
	struct rewriting *r = arg;
	bool goes_on = *field.p == ' ' || *field.p == '\t';

	if (r->failure)
		return;
	if (r->setup.rules && r->setup.rules->field && !goes_on && mime_field_begins(field)) {
		ask_about_field(r, e, field);
		return;
	}
	if (!goes_on)
		r->fate = FIELD_KEPT;
	if (r->fate == FIELD_KEPT)
		put_field(r, e, field);
	else if (r->fate == FIELD_CHANGED)
		r->seen |= REWRITING_LOST_END;
}

/* A line, or of a longer one as much as is looked at. */
static void ask_about_line(struct rewriting *r)
{
	const struct rewriting_rules *rules = r->setup.rules;
	bool whole = r->record.data[r->record.len - 1] == '\n';
	size_t n = whole ? r->record.len : r->setup.record_limit;

	buf_clear(&r->answer);
	if (take_answer(r, rules->line(rules->arg, text_make(r->record.data, n), &r->answer)))
		put(r, text_make(r->answer.data, r->answer.len));
	buf_drop(&r->record, n);
}

/* Makes lines of what comes cut anywhere. */
static void ask_about_text(struct rewriting *r, struct text bytes)
{
	while (bytes.n && !r->failure) {
		const char *lf = memchr(bytes.p, '\n', bytes.n);
		size_t room = r->record.max - r->record.len, n = lf ? (size_t)(lf - bytes.p) + 1 : bytes.n;

		n = n < room ? n : room;
		buf_add(&r->record, bytes.p, n);
		bytes = text_make(bytes.p + n, bytes.n - n);
		if (r->record.data[r->record.len - 1] != '\n' && r->record.len < r->record.max)
			continue;
		ask_about_line(r);
	}
}

static void take_text(void *arg, struct text bytes)
{
	struct rewriting *r = arg;

	if (r->failure)
		return;
	if (r->setup.rules && r->setup.rules->line)
		ask_about_text(r, bytes);
	else
		put(r, bytes);
}

/* --- the chain --- */

bool rewriting_add(struct rewriting *r, struct text wire, struct buf *out)
{
	enum mime_event event = MIME_FIELD;
	struct text text;

	r->out = out;
	while (!r->failure && event != MIME_MORE && event != MIME_END) {
		event = mime_next(r->mime, &wire, &text);
		if (event != MIME_MORE)
			mime_convert(r->convert, event, text);
		if (r->setup.seven_bit && mime_too_deep(r->mime))
			fail(r, "5.6.0", "MIME nesting exceeds the safety limit (mime_nesting_limit)");
	}
	if (event == MIME_END && !r->failure)
		buf_str(out, ".\r\n");
	return !r->failure;
}

const char *rewriting_failure(const struct rewriting *r, const char **dsn)
{
	*dsn = r->dsn;
	return r->failure;
}

unsigned rewriting_seen(const struct rewriting *r)
{
	return r->seen | (r->cut.cut ? REWRITING_CUT : 0);
}
