#include "format/journal/journal_line.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "format/journal/crc32c.h"
#include "format/journal/queue_id.h"

enum {
	CRC_DIGITS = 8,
	FRAME_MAX = CRC_DIGITS + 1 + 4 + 1,   /* CRC, blank, LENGTH, blank */
	WORD_MAX = 1000,                      /* a file name is at most 255 */
	DESTINATION_MAX = 2000,                /* a destination's is at most 1430 */
	REST_MAX = 500,
	FIELDS_MAX = 8
};

enum value_kind { SIGNED, UNSIGNED, LETTER, WORD, DESTINATION, REST };

struct field {
	const char *name;
	enum value_kind kind;
	size_t offset;
};

struct layout {
	const char *word;
	bool has_id;
	struct field fields[FIELDS_MAX];   /* up to the first without a name */
};

#define FIELD(name, kind, member) { name, kind, offsetof(struct journal_line, member) }

/* THE table of doc/queue.md, in the order of enum journal_kind. */
static const struct layout layouts[] = {
	[JOURNAL_HIGH] = { .word = "high", .has_id = true },
	[JOURNAL_CLAIM] = { "claim", true, { FIELD("dir", WORD, dir), FIELD("name", WORD, name),
		FIELD("uid", UNSIGNED, uid), FIELD("key", WORD, key) } },
	[JOURNAL_BATCH] = { "batch", true, { FIELD("count", UNSIGNED, count) } },
	[JOURNAL_IN] = { "in", true, { FIELD("time", SIGNED, time), FIELD("uid", UNSIGNED, uid),
	FIELD("size", UNSIGNED, size),
		FIELD("rcpts", UNSIGNED, count), FIELD("hops", UNSIGNED, hops),
		FIELD("flags", UNSIGNED, flags),
		FIELD("origin", WORD, name) } },
	[JOURNAL_RESULT] = { "result", true, { FIELD("rcpt", UNSIGNED, rcpt), FIELD("status", LETTER, status),
	FIELD("when", SIGNED, time),
		FIELD("dsn", WORD, dsn), FIELD("peer", WORD, peer), FIELD("text", REST, text) } },
	[JOURNAL_NEXT] = { "next", true, { FIELD("when", SIGNED, time),
	FIELD("attempts", UNSIGNED, count) } },
	[JOURNAL_HOLD] = { "hold", true, { FIELD("held", UNSIGNED, count) } },
	[JOURNAL_SUSPECT] = { "suspect", true, { FIELD("count", UNSIGNED, count) } },
	[JOURNAL_WARNED] = { .word = "warned", .has_id = true },
	[JOURNAL_REPORT] = { .word = "report", .has_id = true },
	[JOURNAL_DONE] = { .word = "done", .has_id = true },
	[JOURNAL_TIME] = { "time", false, { FIELD("when", SIGNED, time), FIELD("boot", SIGNED, boot),
	FIELD("bootid", WORD, name) } },
	[JOURNAL_SUSPEND] = { "suspend", false, { FIELD("suspended", UNSIGNED, count),
	FIELD("name", DESTINATION, name) } },
};

/* ---- printing ---- */

static const char hex[] = "0123456789abcdef";

static bool is_plain(unsigned char c, bool blanks)
{
	return (c > ' ' && c < 127 && c != '%') || (blanks && (c == ' ' || c > 127));
}

/* Stretches that stand for themselves are added at once. */
static void add_encoded(struct buf *out, struct text value, bool blanks)
{
	size_t plain = 0;

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (is_plain(c, blanks)) {
			plain++;
			continue;
		}
		buf_add(out, value.p + i - plain, plain);
		buf_add(out, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
		plain = 0;
	}
	if (plain)
		buf_add(out, value.p + value.n - plain, plain);
}

static struct text cut(struct text value, size_t max)
{
	return text_make(value.p, value.n < max ? value.n : max);
}

static size_t max_of(enum value_kind kind)
{
	return kind == REST ? REST_MAX : kind == DESTINATION ? DESTINATION_MAX : WORD_MAX;
}

static void add_value(struct buf *out, enum value_kind kind, const char *value)
{
	switch (kind) {
	case SIGNED:
		buf_signed(out, *(const int64_t *)(const void *)value);
		break;
	case UNSIGNED:
		buf_unsigned(out, *(const uint64_t *)(const void *)value);
		break;
	case LETTER:
		buf_char(out, *value);
		break;
	case WORD:
	case DESTINATION:
	case REST:
		add_encoded(out, cut(*(const struct text *)(const void *)value, max_of(kind)), kind == REST);
		break;
	}
}

static void add_text(struct buf *out, const struct journal_line *line)
{
	const struct layout *layout = &layouts[line->kind];
	char id[QUEUE_ID_SIZE];

	buf_str(out, layout->word);
	if (layout->has_id) {
		buf_char(out, ' ');
		buf_str(out, queue_id_print(line->id, id));
	}
	for (const struct field *f = layout->fields; f->name; f++) {
		buf_char(out, ' ');
		buf_str(out, f->name);
		buf_char(out, '=');
		add_value(out, f->kind, (const char *)line + f->offset);
	}
}

/* CRC, blank, LENGTH in as few digits as it needs, blank; returns the frame's length. */
static size_t print_frame(char frame[FRAME_MAX], const char *text, size_t n)
{
	uint32_t crc = crc32c(text, n);
	char digits[4];
	size_t at = 0, count = 0;

	assert(n <= JOURNAL_TEXT_MAX);
	for (int shift = 28; shift >= 0; shift -= 4)
		frame[at++] = hex[crc >> shift & 15];
	frame[at++] = ' ';
	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count)
		frame[at++] = digits[--count];
	frame[at++] = ' ';
	return at;
}

void journal_line_print(const struct journal_line *line, struct buf *out)
{
	static const char room[FRAME_MAX];
	char frame[FRAME_MAX];
	size_t start = out->len, n, used;

	assert(line->kind < JOURNAL_OTHER);
	if (!buf_add(out, room, FRAME_MAX))
		return;
	add_text(out, line);
	if (out->over)
		return;
	n = out->len - start - FRAME_MAX;
	used = print_frame(frame, out->data + start + FRAME_MAX, n);
	memcpy(out->data + start, frame, used);
	memmove(out->data + start + used, out->data + start + FRAME_MAX, n);
	out->len = start + used + n;
	buf_char(out, '\n');
}

/* ---- reading ---- */

static int hex_value(char c)
{
	const char *at = c ? strchr(hex, c) : NULL;

	return at ? (int)(at - hex) : -1;
}

/* The frame's CRC and LENGTH; false if it is not one. */
static bool read_frame(struct text *from, uint32_t *crc, uint64_t *length)
{
	*crc = 0;
	if (from->n < CRC_DIGITS + 1)
		return false;
	for (size_t i = 0; i < CRC_DIGITS; i++) {
		int digit = hex_value(from->p[i]);

		if (digit < 0)
			return false;
		*crc = *crc << 4 | (uint32_t)digit;
	}
	if (from->p[CRC_DIGITS] != ' ')
		return false;
	*from = text_make(from->p + CRC_DIGITS + 1, from->n - CRC_DIGITS - 1);
	if (!text_number(from, JOURNAL_TEXT_MAX, length) || from->n == 0 || *from->p != ' ')
		return false;
	*from = text_make(from->p + 1, from->n - 1);
	return true;
}

/* The text at the front, if what its frame says of it is true. */
static bool read_framed(struct text from, struct text *text)
{
	uint32_t crc;
	uint64_t length;

	if (!read_frame(&from, &crc, &length) || length > from.n || crc32c(from.p, length) != crc)
		return false;
	*text = text_make(from.p, length);
	return true;
}

/* Takes what ends at end off from, and the LF (or what was one) behind it. */
static void take_to(struct text *from, const char *end)
{
	size_t used = (size_t)(end - from->p);

	if (used < from->n)
		used++;
	*from = text_make(from->p + used, from->n - used);
}

static bool is_cut(struct text line)
{
	size_t n = strlen(JOURNAL_LINE_CUT);

	return line.n >= n && memcmp(line.p + line.n - n, JOURNAL_LINE_CUT, n) == 0;
}

enum journal_found journal_line_next(struct text *from, bool last, struct text *text, struct text *whole)
{
	const char *start = from->p, *lf;

	if (from->n == 0)
		return JOURNAL_MORE;
	lf = memchr(from->p, '\n', from->n);
	if (!lf && !last && from->n <= FRAME_MAX + JOURNAL_TEXT_MAX)
		return JOURNAL_MORE;
	if (read_framed(*from, text)) {
		if (whole)
			*whole = text_make(start, (size_t)(text->p + text->n - start));
		take_to(from, text->p + text->n);
		return JOURNAL_LINE;
	}
	take_to(from, lf ? lf : from->p + from->n);
	if (lf && is_cut(text_make(start, (size_t)(lf - start))))
		return JOURNAL_CUT;
	return lf || !last ? JOURNAL_DAMAGED : JOURNAL_TORN;
}

static bool read_signed(struct text value, int64_t *out)
{
	bool minus = value.n && *value.p == '-';
	uint64_t n;

	if (minus)
		value = text_make(value.p + 1, value.n - 1);
	if (!text_number(&value, INT64_MAX, &n) || value.n)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool read_value(enum value_kind kind, struct text value, char *out)
{
	switch (kind) {
	case SIGNED:
		return read_signed(value, (int64_t *)(void *)out);
	case UNSIGNED:
		return text_number(&value, UINT64_MAX, (uint64_t *)(void *)out) && value.n == 0;
	case LETTER:
		*out = value.n == 1 ? *value.p : '\0';
		return value.n == 1;
	case WORD:
	case DESTINATION:
	case REST:
		*(struct text *)(void *)out = value;
	}
	return true;
}

/* The next field's name and value; one named "text" runs to the end. */
static bool next_field(struct text *from, struct text *name, struct text *value)
{
	const char *end = from->p + from->n;
	struct text word;

	if (!text_word(from, &word))
		return false;
	*value = word;
	if (!text_until(value, '=', name)) {
		*name = word;
		*value = text_make("", 0);
	} else if (text_is(*name, "text")) {
		*value = text_make(value->p, (size_t)(end - value->p));
		*from = text_make(end, 0);
	}
	return true;
}

static const struct field *find_field(const struct layout *layout, struct text name)
{
	for (const struct field *f = layout->fields; f->name; f++)
		if (text_is(name, f->name))
			return f;
	return NULL;
}

static bool read_fields(const struct layout *layout, struct text rest, struct journal_line *line)
{
	struct text name, value;

	while (next_field(&rest, &name, &value)) {
		const struct field *f = find_field(layout, name);

		if (f && !read_value(f->kind, value, (char *)line + f->offset))
			return false;
	}
	return true;
}

bool journal_line_parse(struct text text, struct journal_line *line)
{
	struct text word, id;

	*line = (struct journal_line){ .kind = 0 };
	if (!text_word(&text, &word))
		return false;
	while (line->kind < JOURNAL_OTHER && !text_is(word, layouts[line->kind].word))
		line->kind++;
	if (line->kind == JOURNAL_OTHER) {
		if (text_word(&text, &id) && !queue_id_parse(id.p, id.n, &line->id))
			line->id = 0;
		return true;
	}
	if (layouts[line->kind].has_id && (!text_word(&text, &id) || !queue_id_parse(id.p, id.n, &line->id)))
		return false;
	return read_fields(&layouts[line->kind], text, line);
}

char *journal_line_decode(struct text value)
{
	char *out = mem_alloc(value.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++) {
		bool encoded = value.p[i] == '%' && i + 2 < value.n && hex_value(value.p[i + 1]) >= 0
			&& hex_value(value.p[i + 2]) >= 0;

		out[n++] = encoded ? (char)(hex_value(value.p[i + 1]) << 4 | hex_value(value.p[i + 2]))
			: value.p[i];
		if (encoded)
			i += 2;
	}
	return out;
}
