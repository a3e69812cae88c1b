/* Bytes of a peer in slices: every reply's text is clean and bounded, its enhanced code well-formed, and
 * the cuts change nothing. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/smtp/reply.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* "class.number.number" */
static bool is_dsn(const char *s)
{
	struct text t = text_of(s);
	uint64_t n;

	return t.n && strchr("245", *s) && text_number(&t, 5,
		&n) && t.n && *t.p == '.' && (t = text_make(t.p + 1, t.n - 1), text_number(&t, 999, &n)) &&
	       t.n && *t.p == '.' && (t = text_make(t.p + 1, t.n - 1), text_number(&t, 999, &n)) && t.n == 0;
}

static void check(const struct reply *r)
{
	struct text rest = text_of(r->text), line;
	char *clean;

	must(r->code >= 0 && r->code <= 999 && strlen(r->text) <= REPLY_TEXT_MAX && is_dsn(r->dsn));
	must(!r->has_dsn || r->dsn[0] == '0' + reply_class(r));
	while (text_until(&rest, '\n', &line))
		must(!text_has_control(line));
	clean = text_cleaned(rest.p, REPLY_TEXT_MAX);
	must(strcmp(clean, rest.p) == 0);
	free(clean);
}

static void read_all(struct text in, size_t n, struct buf *out)
{
	struct reply_reader *reader = reply_reader_new();
	struct reply r;

	while (in.n) {
		const char *p = in.p;
		size_t left = in.n < n ? in.n : n;

		in = text_make(in.p + left, in.n - left);
		while (reply_reader_next(reader, &p, &left, &r) == REPLY_READY) {
			check(&r);
			must(!reply_reader_inside(reader));
			buf_fmt(out, "%d %s %d %d ", r.code, r.dsn, r.has_dsn, r.garbage);
			reply_one_line(&r, out);
		}
	}
	buf_fmt(out, "%d", reply_reader_inside(reader));
	reply_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;

	if (size == 0 || size > REPLY_BYTES_MAX)
		return 0;
	buf_init(&whole, 1 << 26);
	buf_init(&cut, 1 << 26);
	read_all(text_make((const char *)data + 1, size - 1), (size_t)-1, &whole);
	read_all(text_make((const char *)data + 1, size - 1), data[0] % 16 + 1, &cut);
	must(strcmp(buf_text(&whole), buf_text(&cut)) == 0);
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
