#include "tool/inject_letter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content/content.h"

/* Content is held back this long, so that the file of a common message is written in one go. */
enum { HELD_MAX = 1024 * 1024, PIECE_MAX = 128 * 1024 };

struct inject_letter {
	struct inject_drop *drop;
	struct envelope *envelope;
	struct content content;   /* reads lines that end in LF; CRLF passes */
	struct buf held;          /* content that is not in the file yet */
	size_t head;              /* bytes of the envelope in the file; 0: nothing is there yet */
	bool eight_bit, in_line;
};

struct inject_letter *inject_letter_new(struct inject_drop *drop, struct envelope *envelope)
{
	struct inject_letter *l = mem_alloc(sizeof(*l));

	l->drop = drop;
	l->envelope = envelope;
	content_init(&l->content);
	content_begin(&l->content, false);
	buf_init(&l->held, HELD_MAX + PIECE_MAX);
	return l;
}

void inject_letter_free(struct inject_letter *l)
{
	content_free(&l->content);
	buf_free(&l->held);
	free(l);
}

static void print_envelope(struct inject_letter *l, struct buf *out)
{
	if (l->eight_bit && l->envelope->body == BODY_NONE)
		l->envelope->body = BODY_8BITMIME;
	buf_init(out, SIZE_MAX);
	envelope_print(l->envelope, out);
}

/* Writes what is held, behind the envelope as it is known now. */
static bool flush(struct inject_letter *l, char **why)
{
	bool good = true;

	if (l->head == 0) {
		struct buf head;

		print_envelope(l, &head);
		l->head = head.len;
		good = inject_drop_write(l->drop, text_make(head.data, head.len), why);
		buf_free(&head);
	}
	good = good && inject_drop_write(l->drop, text_make(l->held.data, l->held.len), why);
	buf_clear(&l->held);
	return good;
}

/* Takes text in the form of a drop file whose lines end in LF. */
static bool add_stuffed(struct inject_letter *l, struct text t, char **why)
{
	while (t.n > 0) {
		struct text piece;

		content_next(&l->content, &t, &piece);
		l->eight_bit = l->eight_bit || !text_is_ascii(piece);
		buf_add(&l->held, piece.p, piece.n);
		if (l->held.len >= HELD_MAX && !flush(l, why))
			return false;
	}
	return true;
}

/* A line, or a part of one. */
static bool add_line(struct inject_letter *l, struct text line, bool starts_line, char **why)
{
	l->in_line = line.p[line.n - 1] != '\n';
	if (starts_line && *line.p == '.' && !add_stuffed(l, text_of("."), why))
		return false;
	return add_stuffed(l, line, why);
}

bool inject_letter_add(struct inject_letter *l, struct text t, bool starts_line, char **why)
{
	while (t.n > 0) {
		const char *lf = memchr(t.p, '\n', t.n);
		size_t n = lf ? (size_t)(lf - t.p) + 1 : t.n;

		if (!add_line(l, text_make(t.p, n), starts_line, why))
			return false;
		t = text_make(t.p + n, t.n - n);
		starts_line = true;
	}
	return true;
}

/* The envelope was written before the first byte above 127 was seen. */
static bool correct_envelope(struct inject_letter *l, char **why)
{
	struct buf head;
	bool good;

	print_envelope(l, &head);
	good = head.len == l->head ||
		inject_drop_replace_front(l->drop, l->head, text_make(head.data, head.len), why);
	buf_free(&head);
	return good;
}

bool inject_letter_end(struct inject_letter *l, char **why)
{
	if (l->in_line && !add_stuffed(l, text_of("\n"), why))
		return false;
	return add_stuffed(l, text_of(".\n"), why) && flush(l, why) && correct_envelope(l, why);
}
