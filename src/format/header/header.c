#include "format/header/header.h"

#include <string.h>

#include "format/header/mime_value.h"

/* Bytes of a line that are looked at when it comes in more than one piece. */
enum { LINE_KEPT = 1024 };

void header_init(struct header *h)
{
	*h = (struct header){ 0 };
	buf_init(&h->message_id, HEADER_MESSAGE_ID_MAX + 3);
	buf_init(&h->line, LINE_KEPT);
	buf_init(&h->value, LINE_KEPT);
}

void header_free(struct header *h)
{
	buf_free(&h->message_id);
	buf_free(&h->line);
	buf_free(&h->value);
}

void header_begin(struct header *h)
{
	h->hops = 0;
	h->utf8 = h->over = h->tls_optional = h->requiretls = false;
	h->field = HEADER_OTHER;
	buf_clear(&h->message_id);
	buf_clear(&h->value);
	buf_clear(&h->line);
}

static enum header_field field_named(struct text name)
{
	static const struct {
		const char *name;
		enum header_field field;
	} fields[] = {
		{ "Received", HEADER_RECEIVED }, { "Message-ID", HEADER_MESSAGE_ID },
		{ "TLS-Required", HEADER_TLS_REQUIRED }, { "Require-TLS-ESMTP", HEADER_REQUIRETLS },
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (text_is_nocase(name, fields[i].name))
			return fields[i].field;
	return HEADER_OTHER;
}

/* The value of the field that began last, or a line more of it. */
static void see_value(struct header *h, struct text line)
{
	if (h->field == HEADER_MESSAGE_ID && h->message_id.len == 0)
		text_clean(text_trim(line), HEADER_MESSAGE_ID_MAX, &h->message_id);
	else if (h->field == HEADER_TLS_REQUIRED || h->field == HEADER_REQUIRETLS)
		buf_add(&h->value, line.p, line.n);
}

/* No more of the last field follows. */
static void end_field(struct header *h)
{
	bool no = h->field == HEADER_TLS_REQUIRED;
	struct text word = mime_without_comments(text_make(h->value.data, h->value.len));

	if (h->value.len && !h->value.over && text_is_nocase(word, no ? "no" : "yes"))
		*(no ? &h->tls_optional : &h->requiretls) = true;
	buf_clear(&h->value);
	h->field = HEADER_OTHER;
}

/* One whole line without its CRLF. */
static void see_line(struct header *h, struct text line)
{
	struct text name;

	if (line.n && (*line.p == ' ' || *line.p == '\t')) {
		see_value(h, line);
		return;
	}
	end_field(h);
	h->over = line.n == 0;
	if (!text_until(&line, ':', &name))
		return;
	h->field = field_named(text_trim(name));
	h->hops += h->field == HEADER_RECEIVED;
	see_value(h, line);
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
