#include "format/smtp/reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { CODE_DIGITS = 3 };

struct reply_reader {
	char line[REPLY_LINE_MAX];
	size_t line_len;     /* bytes of the line at hand, what is too long left out */
	size_t bytes;        /* of the reply at hand */
	bool line_over;      /* bytes of the line at hand were dropped */
	size_t line_max;     /* bytes kept of a line */
	bool garbage, cut;
	bool ascii;          /* bytes above 127 are read as '?' */
	bool spent;          /* the text belongs to a reply that was given out */
	struct reply_filter filter;
	struct buf shown;    /* the line at hand as the filter sees it */
	struct buf text;
};

struct reply_reader *reply_reader_new(void)
{
	struct reply_reader *r = mem_alloc(sizeof *r);

	r->line_max = REPLY_LINE_MAX;
	buf_init(&r->text, REPLY_TEXT_MAX);
	buf_init(&r->shown, REPLY_TEXT_MAX);
	return r;
}

void reply_reader_free(struct reply_reader *r)
{
	if (!r)
		return;
	buf_free(&r->text);
	buf_free(&r->shown);
	free(r);
}

void reply_reader_filter(struct reply_reader *r, const struct reply_filter *filter)
{
	r->filter = *filter;
}

void reply_reader_ascii(struct reply_reader *r)
{
	r->ascii = true;
}

void reply_reader_limit(struct reply_reader *r, size_t line_max)
{
	if (line_max && line_max < REPLY_LINE_MAX)
		r->line_max = line_max;
}

/* Takes bytes up to and with LF, or all; true if the line is complete. */
static bool take_bytes(struct reply_reader *r, const char **p, size_t *n)
{
	const char *lf = memchr(*p, '\n', *n);
	size_t used = lf ? (size_t)(lf - *p) : *n, room = r->line_max - r->line_len;
	size_t kept = used < room ? used : room;

	memcpy(r->line + r->line_len, *p, kept);
	r->line_len += kept;
	r->line_over = r->line_over || kept < used;
	used += lf != NULL;
	r->bytes += used;
	*p += used;
	*n -= used;
	return lf;
}

/* The line without CRs at its end. */
static struct text line_at_hand(const struct reply_reader *r)
{
	struct text line = text_make(r->line, r->line_len);

	while (!r->line_over && line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* The code of a reply line and whether it is the last one; -1: not a reply line (RFC 5321 section 4.2). A NUL
 * ends a code as the end of the line does. */
static int line_code(struct text line, bool *last)
{
	uint64_t code;
	struct text rest = line;

	if (!text_number(&rest, 999, &code) || line.n - rest.n != CODE_DIGITS)
		return -1;
	if (rest.n && *rest.p && *rest.p != ' ' && *rest.p != '-')
		return -1;
	*last = rest.n == 0 || *rest.p != '-';
	return (int)code;
}

/* Appends the line to the text; a line that does not fit as a whole ends what is kept. */
static void keep_line(struct reply_reader *r, struct text line)
{
	size_t before = r->text.len;

	if (r->text.over)
		return;
	if (before)
		buf_char(&r->text, '\n');
	text_clean(line, REPLY_LINE_MAX, &r->text);
	if (!r->text.over)
		return;
	r->text.len = before;
	if (r->text.data)
		r->text.data[before] = '\0';
}

/* Takes one to three digits and copies them. */
static bool take_part(struct text *t, char *out, size_t *len)
{
	size_t n = 0;

	while (n < t->n && n < 4 && isdigit((unsigned char)t->p[n]))
		n++;
	if (n == 0 || n > 3)
		return false;
	memcpy(out + *len, t->p, n);
	*len += n;
	*t = text_make(t->p + n, t->n - n);
	return true;
}

bool reply_take_dsn(struct text *from, char out[12])
{
	struct text t = *from;
	size_t len = 0;

	while (t.n && *t.p == ' ')
		t = text_make(t.p + 1, t.n - 1);
	if (t.n == 0 || (*t.p != '2' && *t.p != '4' && *t.p != '5'))
		return false;
	for (int part = 0; part < 3; part++) {
		if (part) {
			if (t.n == 0 || *t.p != '.')
				return false;
			t = text_make(t.p + 1, t.n - 1);
			out[len++] = '.';
		}
		if (!take_part(&t, out, &len))
			return false;
	}
	out[len] = '\0';
	*from = t;
	return len >= 5 && out[1] == '.' && (t.n == 0 || !*t.p || isspace((unsigned char)*t.p));
}

/* What stands behind a code begins with an enhanced one of its class. */
static bool read_dsn(struct text t, int class, char out[12])
{
	return reply_take_dsn(&t, out) && out[0] == '0' + class;
}

static const char *default_dsn(int class)
{
	return class == 2 ? "2.0.0" : class == 4 ? "4.0.0" : class == 5 ? "5.0.0" : "5.5.0";
}

static void fill(struct reply_reader *r, int code, struct text line, struct reply *out)
{
	int class = code / 100;

	*out = (struct reply){ .code = code, .garbage = r->garbage, .cut = r->cut,
		.text = buf_text(&r->text) };
	out->has_dsn = read_dsn(text_make(line.p + CODE_DIGITS, line.n - CODE_DIGITS), class, out->dsn);
	if (!out->has_dsn)
		strcpy(out->dsn, default_dsn(class));
}

static void forget_spent(struct reply_reader *r)
{
	if (!r->spent)
		return;
	buf_clear(&r->text);
	r->garbage = r->cut = r->spent = false;
	r->bytes = 0;
}

/* Puts what is to be read instead of a line in its place; false with out->text if nobody can say. */
static bool filter_line(struct reply_reader *r, struct text *line, struct reply *out)
{
	const char *value, *why = NULL;

	buf_clear(&r->shown);
	text_clean(*line, REPLY_LINE_MAX, &r->shown);
	value = r->filter.replace(r->filter.arg, buf_text(&r->shown), &why);
	if (why)
		*out = (struct reply){ .text = why };
	else if (value)
		*line = text_of(value);
	return !why;
}

static void make_ascii(struct reply_reader *r)
{
	for (size_t i = 0; i < r->line_len; i++)
		if ((unsigned char)r->line[i] > 127)
			r->line[i] = '?';
}

/* A line is complete. */
static enum reply_result take_line(struct reply_reader *r, struct reply *out)
{
	struct text line = line_at_hand(r);
	bool last = false;
	int code;

	if (r->ascii)
		make_ascii(r);
	if (r->filter.replace && !filter_line(r, &line, out))
		return REPLY_UNFILTERED;
	code = line_code(line, &last);
	r->cut = r->cut || r->line_over;
	r->line_len = 0;
	r->line_over = false;
	r->garbage = r->garbage || code < 0;
	keep_line(r, line);
	if (!last)
		return REPLY_MORE;
	fill(r, code, line, out);
	r->spent = true;
	return REPLY_READY;
}

enum reply_result reply_reader_next(struct reply_reader *r, const char **p, size_t *n, struct reply *out)
{
	if (*n)
		forget_spent(r);
	while (*n) {
		bool whole = take_bytes(r, p, n);
		enum reply_result result;

		if (r->bytes > REPLY_BYTES_MAX)
			return REPLY_ENDLESS;
		result = whole ? take_line(r, out) : REPLY_MORE;
		if (result != REPLY_MORE)
			return result;
	}
	return REPLY_MORE;
}

bool reply_reader_inside(const struct reply_reader *r)
{
	return r->bytes > 0 && !r->spent;
}

int reply_class(const struct reply *r)
{
	return r->code / 100;
}

void reply_one_line(const struct reply *r, struct buf *out)
{
	for (const char *c = r->text; *c; c++)
		buf_char(out, *c == '\n' ? ' ' : *c);
}
