#include "tool/inject_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/header/encoded_word.h"
#include "tool/address_list.h"

enum { SHOWN_MAX = 200 };

/* --- fields ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool inject_header_is_field(struct text line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f && line.p[n] != ':')
		n++;
	if (n == 0)
		return false;
	while (n < line.n && is_blank(line.p[n]))
		n++;
	return n < line.n && line.p[n] == ':';
}

static size_t line_length(struct text t)
{
	const char *lf = t.n ? memchr(t.p, '\n', t.n) : NULL;

	return lf ? (size_t)(lf - t.p) + 1 : t.n;
}

/* The field at the front with the lines that continue it. */
static struct text take_field(struct text *header)
{
	struct text field = text_make(header->p, line_length(*header));

	*header = text_make(header->p + field.n, header->n - field.n);
	while (header->n && is_blank(*header->p)) {
		size_t n = line_length(*header);

		field.n += n;
		*header = text_make(header->p + n, header->n - n);
	}
	return field;
}

static struct text name_of(struct text field)
{
	struct text name = text_make("", 0);

	text_until(&field, ':', &name);
	return text_trim(name);
}

static bool is_bcc(struct text field)
{
	return text_is_nocase(name_of(field), "Bcc") || text_is_nocase(name_of(field), "Resent-Bcc");
}

bool inject_header_next(struct text *header, bool no_bcc, struct text *field)
{
	while (header->n) {
		*field = take_field(header);
		if (!no_bcc || !is_bcc(*field))
			return true;
	}
	return false;
}

/* --- what there is ---------------------------------------------------------------------------- */

static bool is_resent(struct text header)
{
	struct text field;

	while (inject_header_next(&header, false, &field))
		if (text_starts_nocase(field, "Resent-"))
			return true;
	return false;
}

/* The name without the Resent- that it must have, or must not; empty if it is not of that kind. */
static struct text name_of_kind(struct text field, bool resent)
{
	static const char prefix[] = "Resent-";
	struct text name = name_of(field);

	if (!resent || name.n == 0)
		return name;
	if (!text_starts_nocase(name, prefix))
		return text_make("", 0);
	return text_make(name.p + strlen(prefix), name.n - strlen(prefix));
}

struct inject_header inject_header_scan(struct text header)
{
	struct inject_header h = {
		.resent = is_resent(header), .utf8 = !text_is_ascii(header) && text_is_utf8(header)
	};
	struct text field;

	while (inject_header_next(&header, false, &field)) {
		struct text name = name_of_kind(field, h.resent);

		h.from = h.from || text_is_nocase(name, "From");
		h.date = h.date || text_is_nocase(name, "Date");
		h.message_id = h.message_id || text_is_nocase(name, "Message-ID");
	}
	return h;
}

/* --- recipients ------------------------------------------------------------------------------- */

static bool refuse(struct text field, const struct address_list_fault *fault, char **why)
{
	struct text name = name_of(field);
	struct buf clean;

	buf_init(&clean, SHOWN_MAX + sizeof("..."));
	text_clean(fault->element, SHOWN_MAX, &clean);
	*why = mem_fmt("%.*s: '%s': %s", (int)name.n, name.p, buf_text(&clean), fault->why);
	buf_free(&clean);
	return false;
}

/* Without the end of the last line, which has no place in a complaint. */
static struct text without_end(struct text t)
{
	while (t.n && (t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r'))
		t.n--;
	return t;
}

static bool names_recipients(struct text name)
{
	return text_is_nocase(name, "To") || text_is_nocase(name, "Cc") || text_is_nocase(name, "Bcc");
}

bool inject_header_recipients(struct text header, void (*found)(void *arg, const char *address), void *arg,
	char **why)
{
	bool resent = is_resent(header);
	struct address_list_fault fault;
	struct text field, name;

	while (inject_header_next(&header, false, &field)) {
		if (!names_recipients(name_of_kind(field, resent)))
			continue;
		struct text value = field;

		text_until(&value, ':', &name);
		if (!address_list(without_end(value), found, arg, &fault))
			return refuse(field, &fault, why);
	}
	return true;
}

/* --- From: ------------------------------------------------------------------------------------ */

static void quote_name(const char *name, struct buf *out)
{
	buf_char(out, '"');
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			buf_char(out, '\\');
		buf_char(out, *name);
	}
	buf_char(out, '"');
}

void inject_header_from(const char *field, const char *full_name, const char *address, struct buf *out)
{
	char *name = text_cleaned(full_name ? full_name : "", SHOWN_MAX);

	buf_fmt(out, "%s: ", field);
	if (!text_is_ascii(text_of(name)))
		encoded_words(text_of(name), out);
	else if (*name)
		quote_name(name, out);
	buf_fmt(out, "%s<%s>\r\n", *name ? " " : "", address);
	free(name);
}
