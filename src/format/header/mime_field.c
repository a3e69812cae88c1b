#include "format/header/mime_field.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static struct text behind(struct text t, size_t n)
{
	return text_make(t.p + n, t.n - n);
}

/* Length of the name that the line begins with. */
static size_t name_length(struct text line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 127 && line.p[n] != ':')
		n++;
	return n;
}

bool mime_field_begins(struct text line)
{
	size_t n = name_length(line), name = n;

	while (n < line.n && is_blank(line.p[n]))
		n++;
	return name > 0 && n < line.n && line.p[n] == ':';
}

bool mime_field_is(struct text field, const char *name)
{
	return text_is_nocase(text_make(field.p, name_length(field)), name) && mime_field_begins(field);
}

struct text mime_field_value(struct text field)
{
	const char *colon = field.n ? memchr(field.p, ':', field.n) : NULL;
	size_t n = colon ? (size_t)(colon - field.p) + 1 : field.n;

	return behind(field, n);
}

bool mime_field_next(struct text *header, struct text *field)
{
	struct text line;

	*field = text_make(header->p, 0);
	while (header->n && (field->n == 0 || is_blank(*header->p))) {
		if (!text_until(header, '\n', &line))
			*header = text_make(header->p + header->n, 0);
		field->n = (size_t)(header->p - field->p);
	}
	return field->n > 0;
}

/* Where the last word begins with its blanks, if that is not far away; else where the last character does, if
 * it is not complete. */
static size_t place_to_break(struct text field)
{
	enum { FAR = 1000 };
	size_t least = field.n > 2 * FAR ? field.n - FAR : field.n / 2, n;
	struct text rest;
	uint32_t code;

	for (n = field.n - 1; n > least; n--)
		if (is_blank(field.p[n]) && !is_space(field.p[n - 1]))
			return n;
	for (n = field.n - 1; n + 3 > field.n && n > 1 && ((unsigned char)field.p[n] & 0xc0) == 0x80; n--)
		continue;
	rest = behind(field, n);
	return (unsigned char)*rest.p < 0x80 || text_utf8(&rest, &code) ? field.n : n;
}

size_t mime_field_break(struct buf *field)
{
	size_t n = place_to_break(text_make(field->data, field->len)), rest = field->len - n;
	const char *fold = rest && is_blank(field->data[n]) ? "\r\n" : "\r\n ";
	size_t length = rest ? strlen(fold) : strlen("\r\n");

	buf_add(field, fold, length);
	memmove(field->data + n + length, field->data + n, rest);
	memcpy(field->data + n, fold, length);
	return n + strlen("\r\n");
}

/* --- what the MIME fields say --- */

enum mime_coding mime_coding(struct text value)
{
	static const struct {
		const char *name;
		enum mime_coding coding;
	} codings[] = {
		{ "7bit", MIME_7BIT }, { "8bit", MIME_8BIT }, { "binary", MIME_BINARY },
		{ "quoted-printable", MIME_QUOTED_PRINTABLE }, { "base64", MIME_BASE64 },
		{ "uuencode", MIME_PRIVATE }, { "uue", MIME_PRIVATE },
	};

	value = mime_without_comments(value);
	for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
		if (text_is_nocase(value, codings[i].name))
			return codings[i].coding;
	return text_starts_nocase(value, "x-") ? MIME_PRIVATE : MIME_MISNAMED;
}

static void find_boundary(struct text parameters, struct buf *boundary)
{
	mime_parameter(parameters, "boundary", boundary);
	while (boundary->len && is_space(boundary->data[boundary->len - 1]))
		boundary->len--;
}

enum mime_type mime_type(struct text value, struct buf *boundary)
{
	struct text name = mime_without_comments(mime_value_first(&value));

	if (text_starts_nocase(name, "multipart/")) {
		find_boundary(value, boundary);
		if (text_is_nocase(name, "multipart/signed"))
			return MIME_TYPE_SIGNED;
		return text_is_nocase(name, "multipart/digest") ? MIME_TYPE_DIGEST : MIME_TYPE_MULTIPART;
	}
	if (text_is_nocase(name, "message/rfc822"))
		return MIME_TYPE_RFC822;
	if (text_is_nocase(name, "message/global"))
		return MIME_TYPE_GLOBAL;
	if (text_starts_nocase(name, "message/global-"))
		return MIME_TYPE_LEAF;   /* RFC 6533: may be encoded as any leaf */
	return text_starts_nocase(name, "message/") ? MIME_TYPE_MESSAGE : MIME_TYPE_LEAF;
}
