/*
 * A header field that is folded (the first byte is the limit): nothing of it is lost, a fold stands ahead of
 * a blank or behind a comma or semicolon, and no line is longer than the limit where a blank would have made
 * it shorter.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/header/header_fold.h"
#include "format/header/mime_field.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Name and colon, or a word that is no name with its blank. */
static size_t head_length(struct text field)
{
	const char *colon = memchr(field.p, ':', field.n);
	size_t n = 0;

	if (mime_field_begins(field))
		return (size_t)(colon - field.p) + 1;
	while (n < field.n && !is_blank(field.p[n]))
		n++;
	return n > 0 ? n + 1 : 0;
}

/* Whether it is longer than the limit, blanks at its end not counted, although a blank stands behind one of
 * its words, and not in its head. */
static bool should_be_shorter(struct text line, uint64_t limit, size_t head)
{
	size_t first = head > 0 ? head - 1 : 0;

	while (line.n && memchr(" \t\r\n", line.p[line.n - 1], 4))
		line.n--;
	while (first < line.n && is_blank(line.p[first]))
		first++;
	for (size_t i = first + 1; i < line.n && line.n > limit; i++)
		if (is_blank(line.p[i]) && line.p[i - 1] != '\\')   /* a quoted blank belongs to its word */
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header_fold f;
	struct text field, piece;
	const char *fold, *at;
	uint64_t limit = size ? data[0] % 100u + 1 : 1;

	if (size < 2)
		return 0;
	field = text_make((const char *)data + 1, size - 1);
	at = field.p;
	header_fold_begin(&f, field, limit);
	while (header_fold_next(&f, &piece, &fold)) {
		must(piece.p == at && piece.n > 0);
		at += piece.n;
		if (strcmp(fold, "\r\n ") == 0)
			must(piece.p[piece.n - 1] == ',' || piece.p[piece.n - 1] == ';');
		else if (*fold)
			must(is_blank(*at) && (!is_blank(piece.p[piece.n - 1]) || piece.p[piece.n - 2] == '\\'));
		must(!should_be_shorter(piece, limit, piece.p == field.p ? head_length(field) : 0));
	}
	must(at == field.p + field.n);
	return 0;
}
