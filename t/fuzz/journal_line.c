/*
 * A journal: the first byte of the input says what the rest is. "0": bytes of a file; reading ends, and finds
 * the same lines again in what it found. Else: the text of a line; framed, it is found, and what parses is
 * printed so that it parses to the same.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/journal/crc32c.h"
#include "format/journal/journal_line.h"
#include "format/journal/queue_id.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Collects the good lines, each with its LF; returns how many bytes were left. */
static size_t collect(struct text bytes, struct buf *good)
{
	struct text text, whole;
	enum journal_found found;
	struct journal_line line;

	while ((found = journal_line_next(&bytes, true, &text, &whole)) != JOURNAL_MORE) {
		if (found != JOURNAL_LINE)
			continue;
		must(whole.n > text.n && text.p + text.n == whole.p + whole.n);
		buf_add(good, whole.p, whole.n);
		buf_char(good, '\n');
		journal_line_parse(text, &line);
	}
	return bytes.n;
}

static void try_file(struct text bytes)
{
	struct buf once, twice;

	buf_init(&once, bytes.n * 2 + 16);
	buf_init(&twice, bytes.n * 2 + 16);
	must(collect(bytes, &once) == 0);
	must(collect(text_make(once.data, once.len), &twice) == 0);
	must(once.len == twice.len && (once.len == 0 || memcmp(once.data, twice.data, once.len) == 0));
	buf_free(&once);
	buf_free(&twice);
}

/* Prints what was parsed; a text is decoded first, as printing encodes it. */
static void reprint(struct journal_line line, struct buf *out)
{
	char *texts[] = { journal_line_decode(line.name), journal_line_decode(line.dir),
		journal_line_decode(line.dsn),
		journal_line_decode(line.peer), journal_line_decode(line.text),
		journal_line_decode(line.key) };

	line.name = text_of(texts[0]);
	line.dir = text_of(texts[1]);
	line.dsn = text_of(texts[2]);
	line.peer = text_of(texts[3]);
	line.text = text_of(texts[4]);
	line.key = text_of(texts[5]);
	journal_line_print(&line, out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
}

/* Nobody prints names and keys that are all as long as one may be. */
static bool is_printable(const struct journal_line *line)
{
	return line->kind != JOURNAL_OTHER && line->status != '\n'
		&& line->dir.n + line->name.n + line->key.n < 2500;
}

static void try_text(struct text text)
{
	struct buf framed, again, third;
	struct text from, found, whole;
	struct journal_line line;

	buf_init(&framed, JOURNAL_TEXT_MAX + 64);
	buf_init(&again, 4 * JOURNAL_TEXT_MAX);
	buf_init(&third, 4 * JOURNAL_TEXT_MAX);
	buf_fmt(&framed, "%08x %zu ", crc32c(text.p, text.n), text.n);
	buf_add(&framed, text.p, text.n);
	buf_char(&framed, '\n');
	from = text_make(framed.data, framed.len);
	must(journal_line_next(&from, true, &found, &whole) == JOURNAL_LINE);
	must(from.n == 0 && found.n == text.n);
	if (journal_line_parse(found, &line) && is_printable(&line)) {
		reprint(line, &again);
		from = text_make(again.data, again.len);
		must(journal_line_next(&from, true, &found, &whole) == JOURNAL_LINE && from.n == 0);
		must(journal_line_parse(found, &line));
		reprint(line, &third);
		must(again.len == third.len && memcmp(again.data, third.data, again.len) == 0);
	}
	buf_free(&framed);
	buf_free(&again);
	buf_free(&third);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = text_make((const char *)data + 1, size ? size - 1 : 0);

	if (size == 0)
		return 0;
	must(crc32c(data, size) == crc32c_by_table(data, size));
	if (data[0] == '0')
		try_file(rest);
	else if (rest.n <= JOURNAL_TEXT_MAX)
		try_text(rest);
	return 0;
}
