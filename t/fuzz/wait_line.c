/* What came on drop/socket, on either side: every line that is read lies in it, and is read back from its
 * print. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/drop/wait_line.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool lies_in(struct text part, const uint8_t *data, size_t size)
{
	return part.n == 0 || (part.p >= (const char *)data && part.p + part.n <= (const char *)data + size);
}

static bool same(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Words and texts that printing cuts, which marks the place. */
static bool is_cut(const struct wait_line *line)
{
	return line->status.n > 16 || line->dsn.n > 16 || line->text.n > WAIT_LINE_MAX / 2;
}

/* Printing cleans, so what is compared is what has been printed before. */
static void print_and_read(const struct wait_line *line)
{
	struct wait_line once, twice;
	struct buf first, second;
	struct text from;

	buf_init(&first, 2 * WAIT_PACKET_MAX);
	buf_init(&second, 2 * WAIT_PACKET_MAX);
	wait_line_print(line, &first);
	must(first.len <= WAIT_LINE_MAX && first.data[first.len - 1] == '\n');
	must(memchr(first.data, '\n', first.len) == first.data + first.len - 1);
	from = text_make(first.data, first.len);
	must(wait_line_read(&from, &once) && from.n == 0 && once.word == line->word);
	wait_line_print(&once, &second);
	from = text_make(second.data, second.len);
	must(wait_line_read(&from, &twice) && from.n == 0);
	must(is_cut(&once) || (once.rcpt == twice.rcpt && same(once.status, twice.status) &&
	     same(once.dsn, twice.dsn) && same(once.text, twice.text)));
	buf_free(&first);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text from = text_make((const char *)data, size < WAIT_PACKET_MAX ? size : WAIT_PACKET_MAX);
	struct wait_line line = { 0 };
	size_t left = from.n;

	while (wait_line_read(&from, &line)) {
		must(from.n < left);
		left = from.n;
		must(lies_in(line.status, data, size) && lies_in(line.dsn, data, size)
			&& lies_in(line.text, data, size));
		print_and_read(&line);
	}
	return 0;
}
