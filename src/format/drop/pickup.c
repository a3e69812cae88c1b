#include "format/drop/pickup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content/content.h"
#include "format/content/stuff.h"
#include "format/drop/pickup_fields.h"

enum { BOM_SIZE = 3 };

enum phase { PHASE_FIELDS, PHASE_BEGUN, PHASE_CONTENT, PHASE_LAST_LINE, PHASE_DOT, PHASE_ENDED, PHASE_OVER,
	PHASE_BAD };

struct pickup {
	uint64_t size_limit;
	enum phase phase;
	struct pickup_fields fields;
	struct buf read;             /* fields, until they are taken, and whatever was read behind them */
	size_t taken;                /* bytes of it that are done with */
	bool begun;                  /* a byte order mark has been looked for */
	uint64_t line_number;        /* of the line behind those */
	struct text rest;            /* bytes of it that are content */
	struct content content;
	struct stuff stuff;
	struct text stuffed;         /* what content did not take yet */
	char last_byte;              /* of the content */
	struct bsmtp_watch watch;
	struct buf error;
};

struct pickup *pickup_new(size_t rcpt_limit, uint64_t size_limit)
{
	struct pickup *p = mem_alloc(sizeof *p);

	p->size_limit = size_limit;
	p->line_number = 1;
	pickup_fields_init(&p->fields, rcpt_limit);
	buf_init(&p->read, PICKUP_FIELD_MAX);
	buf_init(&p->error, 512);
	content_init(&p->content);
	content_begin(&p->content, false);
	bsmtp_watch_init(&p->watch);
	return p;
}

void pickup_free(struct pickup *p)
{
	if (!p)
		return;
	pickup_fields_free(&p->fields);
	content_free(&p->content);
	bsmtp_watch_free(&p->watch);
	buf_free(&p->read);
	buf_free(&p->error);
	free(p);
}

static void refuse(struct pickup *p, const char *complaint)
{
	p->phase = PHASE_BAD;
	buf_fmt(&p->error, "line %llu: %s", (unsigned long long)p->line_number, complaint);
}

/* ---- the fields ---- */

static struct text unread(const struct pickup *p)
{
	return text_make(buf_text(&p->read) + p->taken, p->read.len - p->taken);
}

/* Length of the first field with its folded lines, 0 if that cannot be said yet. */
static size_t field_length(const struct pickup *p)
{
	struct text t = unread(p);
	const char *lf;

	for (size_t at = 0; at < t.n && (lf = memchr(t.p + at, '\n', t.n - at)); at = (size_t)(lf - t.p) + 1) {
		size_t next = (size_t)(lf - t.p) + 1;

		if (next < t.n && t.p[next] != ' ' && t.p[next] != '\t')
			return next;
	}
	return 0;
}

static void count_lines(struct pickup *p, struct text t)
{
	for (const char *lf = t.p; (lf = memchr(lf, '\n', t.n - (size_t)(lf - t.p))); lf++)
		p->line_number++;
}

static void begin_content(struct pickup *p)
{
	if (!p->fields.sender && !p->fields.overridden) {
		refuse(p, "there is no X-Sender among the first fields");
	} else if (p->fields.envelope->count == 0) {
		refuse(p, "there is no X-Receiver among the first fields");
	} else {
		p->rest = unread(p);
		p->phase = PHASE_BEGUN;
		bsmtp_watch_begin(&p->watch, 0);
	}
}

/* Takes one field off the front; false if more has to be read for that, or the fields are over. */
static bool take_field(struct pickup *p, bool all_read)
{
	size_t n = field_length(p);
	struct text field;

	if (n == 0 && all_read)
		n = unread(p).n;
	if (n == 0)
		return false;
	field = text_make(unread(p).p, n);
	switch (pickup_fields_take(&p->fields, field)) {
	case PICKUP_FIELD_OTHER:
		begin_content(p);
		return false;
	case PICKUP_FIELD_BAD:
		refuse(p, buf_text(&p->fields.complaint));
		return false;
	default:
		count_lines(p, field);
		p->taken += n;
		return true;
	}
}

static void skip_bom(struct pickup *p)
{
	struct text t = unread(p);

	if (p->begun || t.n < BOM_SIZE)
		return;
	p->begun = true;
	if (memcmp(t.p, "\xef\xbb\xbf", BOM_SIZE) == 0)
		p->taken = BOM_SIZE;
}

/* ---- events ---- */

static void read_fields(struct pickup *p, struct text *slice)
{
	size_t room = PICKUP_FIELD_MAX - p->read.len;
	size_t n = slice->n < room ? slice->n : room;

	buf_add(&p->read, slice->p, n);
	*slice = text_make(slice->p + n, slice->n - n);
	skip_bom(p);
	while (take_field(p, false))
		;
	if (p->phase == PHASE_FIELDS && p->taken == 0 && p->read.len == PICKUP_FIELD_MAX)
		refuse(p, "a field is longer than 256 KiB");
	if (p->phase == PHASE_FIELDS) {
		buf_drop(&p->read, p->taken);
		p->taken = 0;
	}
}

static enum bsmtp_event next_field(struct pickup *p, struct text *slice)
{
	while (slice->n && p->phase == PHASE_FIELDS)
		read_fields(p, slice);
	return p->phase == PHASE_BEGUN ? BSMTP_BEGIN : BSMTP_MORE;
}

/* What content makes of the stuffed text at hand. */
static enum bsmtp_event put_out(struct pickup *p, struct text *piece)
{
	*piece = text_make("", 0);
	while (p->stuffed.n && piece->n == 0)
		content_next(&p->content, &p->stuffed, piece);
	bsmtp_watch_see(&p->watch, *piece);
	if (p->size_limit && p->watch.facts.content_size > p->size_limit
		+ (p->phase == PHASE_DOT ? strlen(".\r\n") : 0)) {
		char words[80];

		snprintf(words, sizeof words, "the message is larger than %llu bytes",
			(unsigned long long)p->size_limit);
		p->line_number += p->content.lines;
		refuse(p, words);
		return BSMTP_ERROR;
	}
	return piece->n ? BSMTP_CONTENT : BSMTP_MORE;
}

static enum bsmtp_event next_content(struct pickup *p, struct text *slice, struct text *piece)
{
	enum bsmtp_event event = BSMTP_MORE;
	struct text *from = p->rest.n ? &p->rest : slice;

	while (event == BSMTP_MORE && (p->stuffed.n || stuff_next(&p->stuff, from, &p->stuffed))) {
		p->last_byte = p->stuffed.p[p->stuffed.n - 1];
		event = put_out(p, piece);
		from = p->rest.n ? &p->rest : slice;
	}
	return event;
}

enum bsmtp_event pickup_next(struct pickup *p, struct text *slice, struct text *piece)
{
	enum bsmtp_event event = BSMTP_MORE;

	if (p->phase == PHASE_BEGUN)
		p->phase = PHASE_CONTENT;
	if (p->phase == PHASE_FIELDS)
		event = next_field(p, slice);
	else if (p->phase == PHASE_CONTENT)
		event = next_content(p, slice, piece);
	return p->phase == PHASE_BAD ? BSMTP_ERROR : event;
}

/* ---- the end ---- */

static enum bsmtp_event end_fields(struct pickup *p)
{
	bool empty = p->read.len == 0 && p->line_number == 1;

	while (unread(p).n && take_field(p, true))
		;
	if (p->phase == PHASE_FIELDS)
		refuse(p, empty ? "the file is empty" : "the file ends inside the header");
	return p->phase == PHASE_BEGUN ? BSMTP_BEGIN : BSMTP_ERROR;
}

/* A last line without end gets one; then the line of one dot. */
static enum bsmtp_event end_content(struct pickup *p, struct text *piece)
{
	enum bsmtp_event event = BSMTP_MORE;
	struct text nothing = text_make("", 0);

	if (p->phase == PHASE_CONTENT)
		event = next_content(p, &nothing, piece);
	if (event != BSMTP_MORE)
		return event;
	if (p->phase == PHASE_CONTENT) {
		p->phase = PHASE_LAST_LINE;
		p->stuffed = text_of(p->last_byte == '\n' ? "" : "\n");
	}
	while (event == BSMTP_MORE && p->phase != PHASE_ENDED && p->phase != PHASE_BAD) {
		if (p->stuffed.n == 0) {
			p->phase = p->phase == PHASE_LAST_LINE ? PHASE_DOT : PHASE_ENDED;
			p->stuffed = text_of(p->phase == PHASE_DOT ? ".\n" : "");
		}
		event = put_out(p, piece);
	}
	return event;
}

enum bsmtp_event pickup_finish(struct pickup *p, struct text *piece)
{
	enum bsmtp_event event = BSMTP_MORE;

	if (p->phase == PHASE_FIELDS)
		return end_fields(p);
	if (p->phase == PHASE_BEGUN)
		p->phase = PHASE_CONTENT;
	if (p->phase == PHASE_BAD)
		return BSMTP_ERROR;
	if (p->phase < PHASE_ENDED)
		event = end_content(p, piece);
	if (event != BSMTP_MORE || p->phase == PHASE_OVER)
		return event;
	if (!p->watch.header.over) {
		refuse(p, "no empty line ends the header");
		return BSMTP_ERROR;
	}
	p->phase = PHASE_OVER;
	return BSMTP_END;
}

const char *pickup_error(const struct pickup *p)
{
	return buf_text(&p->error);
}

struct envelope *pickup_take_envelope(struct pickup *p)
{
	struct envelope *e = p->fields.envelope;

	p->fields.envelope = NULL;
	return e;
}

const struct bsmtp_facts *pickup_facts(const struct pickup *p)
{
	return &p->watch.facts;
}
