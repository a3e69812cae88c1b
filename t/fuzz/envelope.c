/* Lines "MAIL…" and others taken for "RCPT…": what is accepted holds no control and is printed in a form
 * that reads back to itself. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/smtp/envelope.h"

enum { RCPT_MAX = 50 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Takes the line into e; a line that is refused ends the envelope. */
static bool take_line(struct envelope *e, struct text line)
{
	const char *why = NULL;
	bool mail = text_starts_nocase(line, "MAIL");
	bool ok;

	if (line.n < 4)
		return false;
	line = text_make(line.p + 4, line.n - 4);
	ok = mail ? e->count == 0 && *e->sender == '\0' && !e->envid && !e->auth && envelope_mail(e, line,
		&why) : envelope_rcpt(e, line, RCPT_MAX, &why);
	must(ok || !why || (strlen(why) > 0 && !text_has_control(text_of(why))));
	return ok;
}

static struct envelope *read_lines(struct text t, char end)
{
	struct envelope *e = envelope_new();
	struct text line;

	while (text_until(&t, end, &line)) {
		if (!take_line(e, line)) {
			envelope_free(e);
			return NULL;
		}
		if (end == '\r')
			t = text_make(t.p + 1, t.n - 1);
	}
	return e;
}

/* The printed lines without the last one, DATA. */
static void print(const struct envelope *e, struct buf *out)
{
	struct text t, line;

	must(envelope_print(e, out));
	must(out->len >= 6 && memcmp(out->data + out->len - 6, "DATA\r\n", 6) == 0);
	out->len -= 6;
	t = text_make(out->data, out->len);
	while (text_until(&t, '\r', &line)) {
		must(!text_has_control(line) && *t.p == '\n');
		t = text_make(t.p + 1, t.n - 1);
	}
	must(t.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope *e = read_lines(text_make((const char *)data, size), '\n'), *again;
	struct buf first, second;

	if (!e)
		return 0;
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	print(e, &first);
	again = read_lines(text_make(first.data, first.len), '\r');
	must(again);
	print(again, &second);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	envelope_free(e);
	envelope_free(again);
	buf_free(&first);
	buf_free(&second);
	return 0;
}
