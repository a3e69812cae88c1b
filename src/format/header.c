#include "format/header.h"

#include <string.h>

/* Bytes of a line that are looked at when it comes in more than one piece. */
enum { LINE_KEPT = 1024 };

void header_init(struct header *h)
{
	*h = (struct header){ 0 };
	buf_init(&h->message_id, HEADER_MESSAGE_ID_MAX + 3);
	buf_init(&h->line, LINE_KEPT);
}

void header_free(struct header *h)
{
	buf_free(&h->message_id);
	buf_free(&h->line);
}

void header_begin(struct header *h)
{
	h->hops = 0;
	h->utf8 = h->over = h->in_message_id = h->tls_optional = h->requiretls = false;
	buf_clear(&h->message_id);
	buf_clear(&h->line);
}

static void add_message_id(struct header *h, struct text value)
{
	value = text_trim(value);
	if (h->message_id.len == 0)
		text_clean(value, HEADER_MESSAGE_ID_MAX, &h->message_id);
	h->in_message_id = h->message_id.len == 0;
}

/* A field that counts with one value. */
static bool is_field(struct text name, struct text value, const char *wanted, const char *word)
{
	return text_is_nocase(name, wanted) && text_is_nocase(text_trim(value), word);
}

/* One whole line without its CRLF. */
static void see_line(struct header *h, struct text line)
{
	struct text name;

	if (line.n == 0) {
		h->over = true;
	} else if (*line.p == ' ' || *line.p == '\t') {
		if (h->in_message_id)
			add_message_id(h, line);
	} else {
		h->in_message_id = false;
		if (!text_until(&line, ':', &name))
			return;
		name = text_trim(name);
		if (text_is_nocase(name, "Received"))
			h->hops++;
		else if (text_is_nocase(name, "Message-ID"))
			add_message_id(h, line);
		else if (is_field(name, line, "TLS-Required", "no"))
			h->tls_optional = true;
		else if (is_field(name, line, "Require-TLS-ESMTP", "yes"))
			h->requiretls = true;
	}
}

static void keep_part(struct header *h, struct text part)
{
	size_t room = LINE_KEPT - h->line.len;

	buf_add(&h->line, part.p, part.n < room ? part.n : room);
}

/* The line without the CR before its LF. */
static struct text without_cr(struct text line)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

void header_feed(struct header *h, struct text piece)
{
	struct text line;

	while (!h->over && text_until(&piece, '\n', &line)) {
		h->utf8 = h->utf8 || !text_is_ascii(line);
		if (h->line.len) {
			keep_part(h, line);
			line = text_make(h->line.data, h->line.len);
		}
		see_line(h, without_cr(line));
		buf_clear(&h->line);
	}
	if (h->over)
		return;
	h->utf8 = h->utf8 || !text_is_ascii(piece);
	keep_part(h, piece);
}
