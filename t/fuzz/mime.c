/*
 * A message on its way to a peer that takes 7 bits only. Whatever goes in: the cuts change nothing; no line
 * is too long; what comes out is 7-bit but for what must not be changed; it has the same structure, and each
 * text decodes to the same bytes.
 */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>

#include "format/content/line_cut.h"
#include "format/rewriting/mime.h"
#include "format/rewriting/rewriting.h"

#include "one_message.h"

/* one less than what counts as long, as a stuffed dot is not counted */
enum { ROOM = 1 << 24, CUT_AT = LINE_LONG - 1 };

static const struct mime_limits limits = { 102400, 2048, 20 };

/* What a reader makes of a message. */
struct reading {
	struct buf structure;      /* boundaries and ends of headers, in order */
	struct buf texts;          /* of leaves, decoded */
	struct buf fixed;          /* what must not be changed */
	struct buf leaf;           /* as it stands */
	enum mime_coding coding;
	bool open;                 /* a leaf is being read */
	bool odd_boundary;         /* one is beyond ASCII, which stays in its field too */
};

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c);
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (toupper((unsigned char)c) - 'A') + 10;
}

static void decode_qp(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '=' && i + 2 < t.n && t.p[i + 1] == '\r' && t.p[i + 2] == '\n') {
			i += 2;
		} else if (t.p[i] == '=' && i + 2 < t.n && is_hex(t.p[i + 1]) && is_hex(t.p[i + 2])) {
			buf_char(out, (char)(16 * digit(t.p[i + 1]) + digit(t.p[i + 2])));
			i += 2;
		} else {
			buf_char(out, t.p[i]);
		}
	}
}

static int value64(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void decode_base64(struct text t, struct buf *out)
{
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (value64(t.p[i]) < 0)
			continue;
		bits = bits << 6 | (unsigned)value64(t.p[i]);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		buf_char(out, (char)(bits >> count));
	}
}

/* The last CRLF in a multipart is the boundary's. */
static void close_leaf(struct reading *r, const struct mime *m)
{
	struct text t = text_make(r->leaf.data, r->leaf.len);
	size_t start = r->texts.len;

	if (!r->open)
		return;
	if (r->coding == MIME_QUOTED_PRINTABLE)
		decode_qp(t, &r->texts);
	else if (r->coding == MIME_BASE64)
		decode_base64(t, &r->texts);
	else
		buf_add(&r->texts, t.p, t.n);
	if (mime_in_multipart(m) && r->coding != MIME_BASE64 && r->texts.len >= start + 2
			&& memcmp(r->texts.data + r->texts.len - 2, "\r\n", 2) == 0)
		r->texts.len -= 2;
	buf_str(&r->texts, "\n--\n");
	buf_clear(&r->leaf);
	r->open = false;
}

static bool is_fixed(const struct mime_entity *e)
{
	return e->sealed || e->kind == MIME_OPAQUE || e->coding == MIME_PRIVATE;
}

static bool has_odd_boundary(struct text field)
{
	struct text value = mime_field_value(field), name, raw;
	bool odd = false;

	while (mime_parameter_next(&value, &name, &raw))
		odd = odd || ((text_is_nocase(name, "boundary") || text_starts_nocase(name, "boundary*"))
			&& !text_is_ascii(raw));
	return odd;
}

static void see(struct reading *r, const struct mime *m, enum mime_event event, struct text text)
{
	const struct mime_entity *e = mime_entity(m);

	if (event == MIME_FIELD)
		r->odd_boundary = r->odd_boundary || has_odd_boundary(text);
	if (event == MIME_BOUNDARY || event == MIME_END)
		close_leaf(r, m);
	if (event == MIME_BODY) {
		buf_fmt(&r->structure, "h%d%d%d ", e->header, e->kind, e->sealed);
		r->open = e->kind == MIME_LEAF && !is_fixed(e);
		r->coding = e->coding;
	} else if (event == MIME_BOUNDARY) {
		buf_add(&r->structure, text.p, text.n);
	} else if (event == MIME_TEXT && r->open) {
		buf_add(&r->leaf, text.p, text.n);
	}
	if (event == MIME_BETWEEN || event == MIME_BOUNDARY || (event == MIME_TEXT && is_fixed(e))
			|| (event == MIME_FIELD && e->sealed))
		buf_add(&r->fixed, text.p, text.n);
}

static void read_message(struct text wire, struct reading *r)
{
	struct mime *m = mime_new(&limits, true);
	enum mime_event event;
	struct text text;

	buf_init(&r->structure, ROOM);
	buf_init(&r->texts, ROOM);
	buf_init(&r->fixed, ROOM);
	buf_init(&r->leaf, ROOM);
	r->open = r->odd_boundary = false;
	while ((event = mime_next(m, &wire, &text)) != MIME_MORE)
		see(r, m, event, text);
	must(!r->open);
	mime_free(m);
}

static void release(struct reading *r)
{
	buf_free(&r->structure);
	buf_free(&r->texts);
	buf_free(&r->fixed);
	buf_free(&r->leaf);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool has_long_lines(const struct buf *b)
{
	struct line_lengths l = { 0 };

	line_lengths_see(&l, text_make(b->data, b->len));
	return l.has_long;
}

/* Whether some line is longer than the limit of convert(). */
static bool is_cut(const struct buf *b)
{
	struct text rest = text_make(b->data, b->len), line;

	while (text_until(&rest, '\n', &line))
		if (line.n > CUT_AT + strlen("\r"))
			return true;
	return rest.n > CUT_AT;
}

/* False if the message cannot be converted. */
static bool convert(struct text wire, size_t step, struct buf *out)
{
	struct rewriting_setup setup = { .seven_bit = true, .line_limit = CUT_AT, .header_limit = limits.header,
		.boundary_limit = limits.boundary, .nesting_limit = limits.nesting, .record_limit = 2048 };
	struct rewriting *r = rewriting_new(&setup);
	const char *dsn;
	bool good = true;

	buf_init(out, ROOM);
	while (good && wire.n) {
		size_t n = wire.n < step ? wire.n : step;

		good = rewriting_add(r, text_make(wire.p, n), out);
		wire = text_make(wire.p + n, wire.n - n);
	}
	must(good == !rewriting_failure(r, &dsn));
	rewriting_free(r);
	return good;
}

static void must_be_the_same(const struct buf *wire, const struct buf *out)
{
	struct reading before, after;
	bool plain;

	read_message(text_make(wire->data, wire->len), &before);
	read_message(text_make(out->data, out->len), &after);
	plain = !before.odd_boundary && text_is_ascii(text_make(before.fixed.data, before.fixed.len));
	must(!has_long_lines(out));
	must(!plain || text_is_ascii(text_make(out->data, out->len)));
	if (!is_cut(&before.fixed)) {
		must(same(&before.structure, &after.structure));
		must(same(&before.fixed, &after.fixed));
		must(same(&before.texts, &after.texts));
	}
	release(&before);
	release(&after);
}

/* Any bytes in wire form: CRLF, LF and CR each end a line. */
static void put_wire(struct text t, struct buf *out)
{
	bool start = true;

	for (size_t i = 0; i < t.n; i++) {
		bool end = t.p[i] == '\r' || t.p[i] == '\n';

		if (start && t.p[i] == '.')
			buf_char(out, '.');
		if (end)
			buf_str(out, "\r\n");
		else
			buf_char(out, t.p[i]);
		i += t.p[i] == '\r' && i + 1 < t.n && t.p[i + 1] == '\n';
		start = end;
	}
	if (!start)
		buf_str(out, "\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf wire, whole, cut;
	bool good;

	if (size == 0)
		return 0;
	buf_init(&wire, ROOM);
	put_wire(text_make((const char *)data + 1, size - 1), &wire);
	buf_str(&wire, ".\r\n");
	good = convert(text_make(wire.data, wire.len), wire.len, &whole);
	must(good == convert(text_make(wire.data, wire.len), data[0] % 64 + 1, &cut));
	if (good) {
		must(same(&whole, &cut));
		must_be_one_message(text_make(whole.data, whole.len));
		must_be_the_same(&wire, &whole);
	}
	buf_free(&wire);
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
