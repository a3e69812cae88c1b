#include "format/rewriting/mime.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/rewriting/mime_levels.h"

enum { LINE_PIECE = 4096 };   /* longest piece of a line that is told at once, besides a boundary */

enum place {
	IN_HEADER,
	BEFORE_BODY,           /* MIME_BODY was told; what the header said comes into force with the next call */
	IN_TEXT, BETWEEN_PARTS,
	BEHIND_BOUNDARY,       /* the same of MIME_BOUNDARY */
	AT_END
};

struct mime {
	struct mime_limits limits;
	bool global_is_leaf;
	struct mime_levels levels;
	enum place place;
	size_t boundary_level; /* of the boundary that was told, counted from 1, */
	bool boundary_last;    /* and whether it was that level's last one */
	struct mime_entity entity;
	enum mime_type type;
	bool has_type;         /* Content-Type: was met in this header */
	bool header_empty;     /* nothing was met in it */
	bool too_deep;
	struct buf boundary;   /* of the header's Content-Type: */
	struct buf field;      /* met so far */
	size_t field_told;     /* bytes of it that go with the next call, */
	bool line_told;        /* and so does the line */
	bool field_goes_on;    /* its beginning was told */
	struct buf held;       /* beginning of a line */
	bool in_line;          /* the beginning of the line was told */
	bool dotted;           /* its stuffed dot was dropped */
	struct text line;      /* what is looked at */
	bool has_line;
};

struct mime *mime_new(const struct mime_limits *limits, bool global_is_leaf)
{
	struct mime *m = mem_alloc(sizeof *m);

	m->limits = *limits;
	m->global_is_leaf = global_is_leaf;
	m->header_empty = true;
	buf_init(&m->boundary, limits->boundary);
	buf_init(&m->field, limits->header + limits->boundary + 3 * LINE_PIECE);
	buf_init(&m->held, limits->boundary + LINE_PIECE);
	return m;
}

void mime_free(struct mime *m)
{
	if (!m)
		return;
	mime_levels_free(&m->levels);
	buf_free(&m->boundary);
	buf_free(&m->field);
	buf_free(&m->held);
	free(m);
}

const struct mime_entity *mime_entity(const struct mime *m)
{
	return &m->entity;
}

bool mime_too_deep(const struct mime *m)
{
	return m->too_deep;
}

/* --- lines --- */

static void take(struct text *t, size_t n)
{
	t->p += n;
	t->n -= n;
}

static bool ends(struct text line)
{
	return line.n && line.p[line.n - 1] == '\n';
}

/* Takes what is told of a line at once; in a long one a CR stays with its LF. False if more bytes are
 * needed. */
static bool cut_line(struct mime *m, struct text *wire)
{
	const char *lf = memchr(wire->p, '\n', wire->n);
	size_t room = m->held.max - m->held.len, n = lf ? (size_t)(lf - wire->p) + 1 : wire->n;
	bool in_place;

	n = n < room ? n : room;
	m->line = text_make(wire->p, n);
	in_place = m->held.len == 0 && (ends(m->line) || n == room);
	if (!in_place) {
		buf_add(&m->held, wire->p, n);
		m->line = text_make(m->held.data, m->held.len);
	}
	if (!ends(m->line) && m->line.n == m->held.max)
		m->line.n -= m->line.p[m->line.n - 1] == '\r';
	take(wire, in_place ? m->line.n : n);
	return ends(m->line) || n == room;
}

/* Makes m->line the next line, or the next piece of a long one, without its stuffed dot; false if more
 * bytes are needed. */
static bool next_line(struct mime *m, struct text *wire)
{
	if (m->has_line || !wire->n)
		return m->has_line;
	if (!m->in_line && !m->dotted && m->held.len == 0 && *wire->p == '.') {
		take(wire, 1);
		m->dotted = true;
	}
	m->has_line = wire->n && cut_line(m, wire);
	return m->has_line;
}

static void drop_line(struct mime *m)
{
	if (m->held.len)
		buf_drop(&m->held, m->line.n);
	m->in_line = !ends(m->line);
	m->dotted = m->dotted && m->in_line;
	m->has_line = m->line_told = false;
}

/* The line itself, which goes with the next call. */
static enum mime_event tell_line(struct mime *m, enum mime_event event, struct text *text)
{
	*text = m->line;
	m->line_told = true;
	return event;
}

static bool is_empty(struct text line)
{
	return text_is(line, "\r\n");
}

static bool is_final_dot(const struct mime *m)
{
	return m->dotted && !m->in_line && is_empty(m->line);
}

/* --- boundaries --- */

bool mime_in_multipart(const struct mime *m)
{
	return m->levels.depth > 0;
}

bool mime_is_boundary(const struct mime *m, struct text line)
{
	bool last;

	return mime_levels_find(&m->levels, line, &last) > 0;
}

static bool is_sealed(const struct mime *m)
{
	const struct mime_level *top = mime_levels_top(&m->levels);

	return top && top->sealed;
}

static void push_level(struct mime *m)
{
	mime_levels_push(&m->levels, &(struct mime_level){
		.boundary = mem_strn(m->boundary.data, m->boundary.len), .n = m->boundary.len,
		.cut = m->boundary.over, .digest = m->type == MIME_TYPE_DIGEST,
		.sealed = is_sealed(m) || m->type == MIME_TYPE_SIGNED,
	});
}

/* --- headers --- */

static void begin_header(struct mime *m, enum rewriting_header header)
{
	m->place = IN_HEADER;
	m->entity = (struct mime_entity){ .header = header, .sealed = is_sealed(m) };
	m->has_type = false;
	m->header_empty = true;
	m->field_goes_on = false;
}

/* Of several fields of a name the first counts, as readers of mail have it. */
static void see_field(struct mime *m, struct text field)
{
	if (mime_field_is(field, "Content-Type") && !m->has_type) {
		m->has_type = true;
		buf_clear(&m->boundary);
		m->type = mime_type(mime_field_value(field), &m->boundary);
	} else if (mime_field_is(field, "Content-Transfer-Encoding") && m->entity.coding == MIME_NO_CODING) {
		m->entity.coding = mime_coding(mime_field_value(field));
	} else if (mime_field_is(field, "MIME-Version")) {
		m->entity.has_version = true;
	}
}

/* The field met so far, or as much of it as is told at once; it then ends in a CRLF in any case. */
static enum mime_event tell_field(struct mime *m, struct text *text)
{
	bool whole = m->field.data[m->field.len - 1] == '\n';

	m->field_told = whole ? m->field.len : mime_field_break(&m->field);
	*text = text_make(m->field.data, m->field_told);
	if (!m->field_goes_on)
		see_field(m, *text);
	return MIME_FIELD;
}

static bool is_encoded(enum mime_coding c)
{
	return c == MIME_QUOTED_PRINTABLE || c == MIME_BASE64 || c == MIME_PRIVATE;
}

static enum mime_kind multipart_kind(struct mime *m)
{
	if (m->boundary.len == 0)
		return MIME_OPAQUE;
	if (m->levels.depth < m->limits.nesting)
		return m->type == MIME_TYPE_SIGNED ? MIME_SIGNED : MIME_MULTIPART;
	m->too_deep = true;
	return MIME_OPAQUE;
}

/* What follows the header that is over. */
static enum mime_kind kind(struct mime *m)
{
	if (!m->has_type)
		m->type = m->entity.header == HEADER_PART && mime_levels_top(&m->levels)->digest ?
			MIME_TYPE_RFC822 : MIME_TYPE_LEAF;
	switch (m->type) {
	case MIME_TYPE_MULTIPART:
	case MIME_TYPE_DIGEST:
	case MIME_TYPE_SIGNED:
		return multipart_kind(m);
	case MIME_TYPE_RFC822:
		return is_encoded(m->entity.coding) ? MIME_LEAF : MIME_MESSAGE;
	case MIME_TYPE_GLOBAL:
		return m->global_is_leaf || is_encoded(m->entity.coding) ? MIME_LEAF : MIME_MESSAGE;
	case MIME_TYPE_MESSAGE:
		return MIME_OPAQUE;
	default:
		return MIME_LEAF;
	}
}

static enum mime_event end_header(struct mime *m, struct text *text)
{
	bool is_text = !is_final_dot(m) && !mime_is_boundary(m, m->line);

	m->entity.kind = kind(m);
	m->place = BEFORE_BODY;
	if (is_text && is_empty(m->line))
		return tell_line(m, MIME_BODY, text);
	m->entity.unended = is_text;
	*text = text_of("");
	return MIME_BODY;
}

static bool starts(struct text line, const char *with)
{
	return line.n >= strlen(with) && memcmp(line.p, with, strlen(with)) == 0;
}

/* The line that mailboxes have ahead of a message, quoted or not, as no field begins with it. */
static bool is_from_line(const struct mime *m)
{
	return m->header_empty && m->entity.header != HEADER_PART
		&& (starts(m->line, "From ") || starts(m->line, ">From "));
}

static bool goes_on(const struct mime *m)
{
	return m->in_line || (!m->header_empty && (*m->line.p == ' ' || *m->line.p == '\t'));
}

static bool is_header_line(const struct mime *m)
{
	if (m->in_line)
		return true;
	if (is_final_dot(m) || mime_is_boundary(m, m->line))
		return false;
	return goes_on(m) || mime_field_begins(m->line) || is_from_line(m);
}

/* MIME_MORE if the line only makes the field longer. */
static enum mime_event see_header_line(struct mime *m, struct text *text)
{
	bool is_header = is_header_line(m);

	if (m->field.len && (!is_header || !goes_on(m)))
		return tell_field(m, text);
	if (!is_header)
		return end_header(m, text);
	m->field_goes_on = m->field_goes_on && goes_on(m);
	if (m->in_line && m->field.len == 0)
		buf_char(&m->field, ' ');
	buf_add(&m->field, m->line.p, m->line.n);
	m->header_empty = false;
	drop_line(m);
	return m->field.len > m->limits.header ? tell_field(m, text) : MIME_MORE;
}

/* --- bodies --- */

static void enter_body(struct mime *m)
{
	if (m->entity.kind == MIME_MULTIPART || m->entity.kind == MIME_SIGNED) {
		push_level(m);
		m->place = BETWEEN_PARTS;
	} else if (m->entity.kind == MIME_MESSAGE) {
		begin_header(m, HEADER_NESTED);
	} else {
		m->place = IN_TEXT;
	}
}

static void leave_boundary(struct mime *m)
{
	mime_levels_drop(&m->levels, m->boundary_level - m->boundary_last);
	if (m->boundary_last)
		m->place = BETWEEN_PARTS;
	else
		begin_header(m, HEADER_PART);
}

static enum mime_event see_body_line(struct mime *m, struct text *text)
{
	enum mime_event event = m->place == IN_TEXT ? MIME_TEXT : MIME_BETWEEN;

	if (is_final_dot(m)) {
		m->place = AT_END;
		*text = text_of("");
		return MIME_END;
	}
	m->boundary_level = m->in_line ? 0 : mime_levels_find(&m->levels, m->line, &m->boundary_last);
	if (m->boundary_level) {
		m->place = BEHIND_BOUNDARY;
		event = MIME_BOUNDARY;
	}
	return tell_line(m, event, text);
}

enum mime_event mime_next(struct mime *m, struct text *wire, struct text *text)
{
	enum mime_event event = MIME_MORE;

	if (m->field_told) {
		buf_drop(&m->field, m->field_told);
		m->field_goes_on = true;
		m->field_told = 0;
	}
	if (m->line_told)
		drop_line(m);
	if (m->place == BEFORE_BODY)
		enter_body(m);
	else if (m->place == BEHIND_BOUNDARY)
		leave_boundary(m);
	while (event == MIME_MORE && m->place != AT_END && next_line(m, wire))
		event = m->place == IN_HEADER ? see_header_line(m, text) : see_body_line(m, text);
	return event;
}
