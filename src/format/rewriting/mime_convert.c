#include "format/rewriting/mime_convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content/line_cut.h"
#include "format/rewriting/base64_lines.h"
#include "format/rewriting/quoted_printable.h"

enum {
	SAMPLE = 8 * 1024,     /* bytes of a leaf by which its coding is chosen */
	PIECE = 4 * 1024,      /* bytes encoded at once */
	ENCODED_MAX = 5 * PIECE + 1024,   /* two bytes become nine where lines are shortest */
	WORTH = 128            /* bytes that base64 has to save, since people can read the other */
};

/* What is done to the text at hand. */
enum way { AS_IT_IS, SAMPLING, ENCODE_QP, ENCODE_BASE64, MEND_QP, MEND_BASE64 };

struct mime_convert {
	struct mime_convert_setup setup;
	const struct mime *mime;
	struct mime_sink sink;
	enum way way;
	struct buf tail;       /* of the header: from the first field on that a coding would replace */
	struct buf sample;
	struct line_lengths lengths;   /* of the sample */
	bool must;             /* a coding is needed whatever the sample shows */
	bool given_up;         /* the header is too long to be changed */
	const char *empty_line;   /* what ends the header if nothing is changed */
	struct buf out;        /* what was encoded */
	struct qp_encoder qp;
	struct qp_mender mender;
	struct base64_lines base64;
};

static size_t bounded(size_t n, size_t least, size_t most)
{
	return n == 0 || n > most ? most : n < least ? least : n;
}

struct mime_convert *mime_convert_new(const struct mime_convert_setup *setup, const struct mime *mime,
	const struct mime_sink *sink)
{
	struct mime_convert *c = mem_alloc(sizeof *c);

	c->setup = *setup;
	c->mime = mime;
	c->sink = *sink;
	buf_init(&c->tail, setup->header);
	buf_init(&c->sample, SAMPLE);
	buf_init(&c->out, ENCODED_MAX);
	return c;
}

void mime_convert_free(struct mime_convert *c)
{
	if (!c)
		return;
	buf_free(&c->tail);
	buf_free(&c->sample);
	buf_free(&c->out);
	free(c);
}

/* --- headers --- */

static const char coding_field[] = "Content-Transfer-Encoding";

static void send_field(struct mime_convert *c, struct text field)
{
	c->sink.field(c->sink.arg, mime_entity(c->mime), field);
}

static void send_text(struct mime_convert *c, struct text text)
{
	if (text.n)
		c->sink.text(c->sink.arg, text);
}

/* Sends what was held back of the header, the old coding left out or not. */
static void send_tail(struct mime_convert *c, bool with_coding)
{
	struct text tail = text_make(c->tail.data, c->tail.len), field;

	while (mime_field_next(&tail, &field))
		if (with_coding || !mime_field_is(field, coding_field))
			send_field(c, field);
	buf_clear(&c->tail);
}

static bool may_be_replaced(enum mime_coding coding)
{
	return coding != MIME_QUOTED_PRINTABLE && coding != MIME_BASE64 && coding != MIME_PRIVATE;
}

static void hold_field(struct mime_convert *c, struct text field)
{
	if (buf_add(&c->tail, field.p, field.n))
		return;
	send_tail(c, true);
	c->given_up = true;
	send_field(c, field);
}

static void take_field(struct mime_convert *c, struct text field)
{
	const struct mime_entity *e = mime_entity(c->mime);
	bool replaced = c->setup.seven_bit && !c->given_up && !e->sealed && may_be_replaced(e->coding)
		&& mime_field_is(field, coding_field);

	if (c->tail.len || replaced)
		hold_field(c, field);
	else
		send_field(c, field);
}

/* --- the choice --- */

/* The one that can be read, unless it takes much more room. */
static enum way cheaper(const struct buf *sample)
{
	size_t encoded = 0;

	for (size_t i = 0; i < sample->len; i++)
		encoded += qp_must_encode((unsigned char)sample->data[i]) && sample->data[i] != '\r'
			&& sample->data[i] != '\n';
	return 2 * encoded > sample->len / 3 + WORTH ? ENCODE_BASE64 : ENCODE_QP;
}

static void encode(struct mime_convert *c, struct text t);

/* It counts in what is MIME only. */
static void send_coding(struct mime_convert *c)
{
	const struct mime_entity *e = mime_entity(c->mime);

	if (e->header != HEADER_PART && !e->has_version)
		send_field(c, text_of("MIME-Version: 1.0\r\n"));
	send_field(c, text_of(c->way == ENCODE_BASE64 ? "Content-Transfer-Encoding: base64\r\n" :
		"Content-Transfer-Encoding: quoted-printable\r\n"));
}

/* The sample is as long as it gets; over: it is all of the leaf. */
static void choose(struct mime_convert *c, bool over)
{
	struct text sample = text_make(c->sample.data, c->sample.len);
	bool plain = over && !c->must && !c->lengths.has_long && text_is_ascii(sample);

	c->way = plain ? AS_IT_IS : cheaper(&c->sample);
	send_tail(c, plain);
	if (!plain)
		send_coding(c);
	send_text(c, text_of(plain ? c->empty_line : "\r\n"));
	encode(c, sample);
	buf_clear(&c->sample);
}

static void begin_sample(struct mime_convert *c)
{
	enum mime_coding coding = mime_entity(c->mime)->coding;

	c->way = SAMPLING;
	c->must = coding == MIME_8BIT || coding == MIME_BINARY;
	c->lengths = (struct line_lengths){ 0 };
	c->qp = (struct qp_encoder){ .most = bounded(c->setup.line, QP_LEAST, QP_LINE) };
}

static void begin_mending(struct mime_convert *c, enum mime_coding coding)
{
	if (coding == MIME_QUOTED_PRINTABLE)
		c->way = MEND_QP;
	else if (coding == MIME_BASE64 && c->setup.seven_bit)
		c->way = MEND_BASE64;
	c->mender = (struct qp_mender){ .seven_bit = c->setup.seven_bit,
		.most = bounded(c->setup.line, QP_LEAST, LINE_LONG) };
}

/* A header is over. */
static void begin_body(struct mime_convert *c, struct text empty_line)
{
	const struct mime_entity *e = mime_entity(c->mime);
	bool composite = e->kind == MIME_MULTIPART || e->kind == MIME_MESSAGE;
	bool was_8bit = e->coding == MIME_8BIT || e->coding == MIME_BINARY;
	bool mine = c->setup.seven_bit && !e->sealed && !c->given_up;
	bool changed = composite && was_8bit && mine;

	c->empty_line = empty_line.n || (e->unended && !e->sealed && c->setup.completes) ? "\r\n" : "";
	c->given_up = false;
	if (e->kind == MIME_LEAF && may_be_replaced(e->coding) && mine) {
		begin_sample(c);
		return;
	}
	if (e->kind == MIME_LEAF && !e->sealed)
		begin_mending(c, e->coding);
	send_tail(c, !changed);
	if (changed)
		send_field(c, text_of("Content-Transfer-Encoding: 7bit\r\n"));
	send_text(c, text_of(c->empty_line));
}

/* --- text --- */

static void send_out(struct mime_convert *c)
{
	send_text(c, text_make(c->out.data, c->out.len));
	buf_clear(&c->out);
}

/* Sends whole lines; one that would be read as a boundary, which only encoding can make of it, is
 * disguised. */
static void send_lines(struct mime_convert *c)
{
	struct text lines = text_make(c->out.data, c->out.len), line;

	while (lines.n) {
		const char *start = lines.p;

		text_until(&lines, '\n', &line);
		line = text_make(start, (size_t)(lines.p - start));
		if (mime_is_boundary(c->mime, line)) {
			send_text(c, text_of("=2D"));
			line = text_make(line.p + 1, line.n - 1);
		}
		send_text(c, line);
	}
	buf_clear(&c->out);
}

/* What is no character of the encoding is skipped by readers, so it may become another such. */
static void mend_base64(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++)
		buf_char(out, (unsigned char)t.p[i] > 127 ? '?' : t.p[i]);
}

static void encode_piece(struct mime_convert *c, struct text t)
{
	switch (c->way) {
	case ENCODE_QP:
		qp_encode(&c->qp, t, &c->out);
		send_lines(c);
		break;
	case ENCODE_BASE64:
		base64_lines_add(&c->base64, t, &c->out);
		break;
	case MEND_QP:
		qp_mend(&c->mender, t, &c->out);
		break;
	case MEND_BASE64:
		mend_base64(t, &c->out);
		break;
	default:
		send_text(c, t);
	}
	send_out(c);
}

static void encode(struct mime_convert *c, struct text t)
{
	while (t.n) {
		size_t n = t.n < PIECE ? t.n : PIECE;

		n -= n > 1 && n < t.n && t.p[n - 1] == '\r';
		encode_piece(c, text_make(t.p, n));
		t = text_make(t.p + n, t.n - n);
	}
}

static void take_text(struct mime_convert *c, struct text t)
{
	if (c->way != SAMPLING) {
		encode(c, t);
		return;
	}
	if (buf_add(&c->sample, t.p, t.n)) {
		line_lengths_see(&c->lengths, t);
		return;
	}
	choose(c, false);
	encode(c, t);
}

/* The text at hand is over, at a boundary or at the end of the message. */
static void end_text(struct mime_convert *c)
{
	if (c->way == SAMPLING)
		choose(c, true);
	if (c->way == ENCODE_BASE64) {
		base64_lines_end(&c->base64, !mime_in_multipart(c->mime), &c->out);
		send_out(c);
	}
	c->way = AS_IT_IS;
}

void mime_convert(struct mime_convert *c, enum mime_event event, struct text text)
{
	switch (event) {
	case MIME_FIELD:
		take_field(c, text);
		break;
	case MIME_BODY:
		begin_body(c, text);
		break;
	case MIME_BOUNDARY:
		end_text(c);
		send_text(c, text);
		break;
	case MIME_END:
		end_text(c);
		break;
	default:
		take_text(c, text);
	}
}
