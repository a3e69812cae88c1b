#include "format/drop/wait_line.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = WAIT_LINE_MAX / 4 * 3 };   /* the rest is for all that stands ahead of it */

/* Which fields follow the word, in the order of struct wait_line. */
static const struct {
	const char *word;
	bool rcpt, dsn, text;
} words[] = {
	[WAIT_FOR] = { "wait", false, false, true },
	[WAIT_ENOUGH] = { "enough", false, false, false },
	[WAIT_TAKE] = { "take", false, false, false },
	[WAIT_READY] = { "ready", false, false, false },
	[WAIT_NO] = { "no", false, false, true },
	[WAIT_RESULT] = { "result", true, true, true },
	[WAIT_OFFER] = { "offer", false, false, false },
	[WAIT_REST] = { "rest", false, true, true },
	[WAIT_OVER] = { "over", false, false, false },
	[WAIT_REFUSED] = { "refused", false, false, true },
	[WAIT_QUEUED] = { "queued", false, false, true },
};

static void put(struct text t, size_t max, struct buf *out)
{
	buf_char(out, ' ');
	text_clean(t, max, out);
}

void wait_line_print(const struct wait_line *l, struct buf *out)
{
	enum { WORD_MAX = 16 };

	buf_str(out, words[l->word].word);
	if (words[l->word].rcpt) {
		buf_fmt(out, " %u", (unsigned)l->rcpt);
		put(l->status, WORD_MAX, out);
	}
	if (words[l->word].dsn)
		put(l->dsn, WORD_MAX, out);
	if (words[l->word].text)
		put(l->text, TEXT_MAX, out);
	buf_char(out, '\n');
}

static bool read_rcpt(struct text *line, struct wait_line *l)
{
	struct text number;
	uint64_t rcpt;

	if (!text_word(line, &number) || !text_number(&number, UINT32_MAX, &rcpt) || number.n)
		return false;
	l->rcpt = (uint32_t)rcpt;
	return text_word(line, &l->status);
}

/* What stands behind the word. */
static bool read_fields(struct text line, struct wait_line *l)
{
	if (words[l->word].rcpt && !read_rcpt(&line, l))
		return false;
	if (words[l->word].dsn && !text_word(&line, &l->dsn))
		return false;
	l->text = text_trim(line);
	return words[l->word].text || l->text.n == 0;
}

bool wait_line_read(struct text *from, struct wait_line *l)
{
	struct text line, word;

	if (!text_until(from, '\n', &line))
		return false;
	if (text_has_control(line) || !text_word(&line, &word))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!text_is(word, words[i].word))
			continue;
		*l = (struct wait_line){ .word = (enum wait_word)i };
		return read_fields(line, l);
	}
	return false;
}
