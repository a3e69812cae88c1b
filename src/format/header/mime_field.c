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

struct text mime_trim(struct text t)
{
	while (t.n && is_space(*t.p))
		t = behind(t, 1);
	while (t.n && is_space(t.p[t.n - 1]))
		t.n--;
	return t;
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

/* Where the last word begins with its blanks, if that is not far away; else where the last character does, if it is
 * not complete. */
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

/* --- values --- */

/* Bytes of the character that begins here, two behind a backslash. */
static size_t char_length(struct text t)
{
	return *t.p == '\\' && t.n > 1 ? 2 : 1;
}

/* Bytes of the quoted string that begins here, its quotes included. */
static size_t quoted_length(struct text t)
{
	size_t n = 1;

	while (n < t.n && t.p[n] != '"')
		n += char_length(behind(t, n));
	return n < t.n ? n + 1 : t.n;
}

/* Bytes of the comment that begins here, with those inside it; 0 if it has no end. */
static size_t comment_length(struct text t)
{
	unsigned depth = 0;

	for (size_t n = 0; n < t.n; n += char_length(behind(t, n))) {
		depth += t.p[n] == '(';
		depth -= t.p[n] == ')';
		if (depth == 0)
			return n + 1;
	}
	return 0;
}

/* Bytes of the quoted string or comment that begins here, or of another character. */
static size_t element_length(struct text t)
{
	size_t comment = *t.p == '(' ? comment_length(t) : 0;

	return *t.p == '"' ? quoted_length(t) : comment ? comment : 1;
}

static size_t length_to_semicolon(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] != ';')
		n += element_length(behind(t, n));
	return n;
}

struct text mime_value_first(struct text *value)
{
	size_t n = length_to_semicolon(*value), semicolon = n < value->n;
	struct text first = mime_trim(text_make(value->p, n));

	*value = behind(*value, n + semicolon);
	return first;
}

bool mime_parameter_next(struct text *rest, struct text *name, struct text *raw)
{
	while (rest->n) {
		*raw = mime_value_first(rest);
		if (!text_until(raw, '=', name))
			continue;
		*name = mime_trim(*name);
		*raw = mime_trim(*raw);
		return true;
	}
	return false;
}

void mime_unquote(struct text raw, struct buf *out)
{
	bool quoted = raw.n && *raw.p == '"';
	size_t end = quoted ? quoted_length(raw) : raw.n;

	end -= quoted && end > 1 && raw.p[end - 1] == '"';
	for (size_t i = quoted; i < end; i++) {
		if (quoted && raw.p[i] == '\\' && i + 1 < end)
			i++;
		if (raw.p[i] != '\r' && raw.p[i] != '\n')
			buf_char(out, raw.p[i]);
	}
}

struct text mime_without_comments(struct text t)
{
	const char *comment;
	size_t n;

	t = mime_trim(t);
	while (t.n && *t.p == '(' && (n = comment_length(t)) > 0)
		t = mime_trim(behind(t, n));
	comment = t.n ? memchr(t.p, '(', t.n) : NULL;
	if (comment)
		t.n = (size_t)(comment - t.p);
	return mime_trim(t);
}

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

static void find_boundary(struct text rest, struct buf *boundary)
{
	struct text name, raw;

	while (boundary->len == 0 && mime_parameter_next(&rest, &name, &raw))
		if (text_is_nocase(name, "boundary"))
			mime_unquote(raw, boundary);
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
