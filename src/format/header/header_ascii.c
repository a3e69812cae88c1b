#include "format/header/header_ascii.h"

#include <string.h>

#include "format/address/domain.h"
#include "format/header/encoded_word.h"
#include "format/header/mime_field.h"

enum { PARAMETER_PIECE = 20 };   /* bytes of a parameter's value on a line, each of which may take three */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes n bytes off the front. */
static struct text take(struct text *t, size_t n)
{
	struct text taken = text_make(t->p, n);

	*t = text_make(t->p + n, t->n - n);
	return taken;
}

static void add(struct buf *out, struct text t)
{
	buf_add(out, t.p, t.n);
}

/* Bytes as encoded words, without the line ends of folds. */
static void add_encoded(struct text t, struct buf *out)
{
	struct buf flat;

	buf_init(&flat, t.n);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] != '\r' && t.p[i] != '\n')
			buf_char(&flat, t.p[i]);
	encoded_words(text_make(flat.data, flat.len), out);
	buf_free(&flat);
}

/* --- text (RFC 5322 3.6.5) --- */

static size_t space_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && is_space(t.p[n]))
		n++;
	return n;
}

static size_t word_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && !is_space(t.p[n]))
		n++;
	return n;
}

static bool is_encoded_word(struct text word)
{
	return word.n > 4 && memcmp(word.p, "=?", 2) == 0 && memcmp(word.p + word.n - 2, "?=", 2) == 0;
}

/* Bytes of the words beyond ASCII that follow each other here, blanks between them included; what stands
 * between two encoded words is nothing to a reader, so it is encoded with the words, ahead of one that is
 * there already too. */
static size_t run_length(struct text t)
{
	size_t n = word_length(t), space, word;

	for (;;) {
		space = space_length(text_make(t.p + n, t.n - n));
		word = word_length(text_make(t.p + n + space, t.n - n - space));
		if (is_encoded_word(text_make(t.p + n + space, word)))
			return n + space;
		if (text_is_ascii(text_make(t.p + n + space, word)))
			return n;
		n += space + word;
	}
}

static void write_text(struct text t, struct buf *out)
{
	bool behind_encoded = false;

	while (t.n) {
		size_t space = space_length(t), word = word_length(text_make(t.p + space, t.n - space));
		size_t run;

		if (text_is_ascii(text_make(t.p + space, word))) {
			behind_encoded = is_encoded_word(text_make(t.p + space, word));
			add(out, take(&t, space + word));
			continue;
		}
		run = run_length(text_make(t.p + space, t.n - space));
		if (behind_encoded)
			buf_char(out, ' ');
		else
			add(out, take(&t, space));
		add_encoded(take(&t, run + (behind_encoded ? space : 0)), out);
		if (t.n && !is_space(*t.p))
			buf_char(out, ' ');
		behind_encoded = false;
	}
}

/* --- addresses (RFC 5322 3.4, RFC 6857 3.1.8 and 3.1.9) --- */

/* Bytes up to the next of these characters that stands neither in quotes nor in a comment or, but for '>',
 * in <>. */
static size_t length_until(struct text t, const char *stops)
{
	bool quoted = false, angle = false;
	unsigned comment = 0;
	size_t n = 0;

	for (; n < t.n; n++) {
		char c = t.p[n];

		if (c == '\\' && (quoted || comment))
			n++;
		else if (c == '"' && !comment)
			quoted = !quoted;
		else if (!quoted && !comment && !angle && c && strchr(stops, c))
			return n;
		else if (!quoted && (c == '(' || c == ')'))
			comment += c == '(' ? 1 : comment ? -1 : 0;
		else if (!quoted && !comment && (c == '<' || c == '>'))
			angle = c == '<';
	}
	return t.n;
}

/* A name, whose quotes go. */
static void write_phrase(struct text t, struct buf *out)
{
	struct buf plain;

	if (text_is_ascii(t)) {
		add(out, t);
		return;
	}
	buf_init(&plain, t.n);
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '"')
			continue;
		i += t.p[i] == '\\' && i + 1 < t.n;
		buf_char(&plain, t.p[i]);
	}
	add_encoded(text_make(plain.data, plain.len), out);
	buf_free(&plain);
}

/* What stands behind an address: comments. */
static void write_comments(struct text t, struct buf *out)
{
	t = mime_trim(t);
	if (t.n == 0)
		return;
	buf_char(out, ' ');
	if (text_is_ascii(t)) {
		add(out, t);
		return;
	}
	if (*t.p == '(' && t.p[t.n - 1] == ')')
		t = text_make(t.p + 1, t.n - 2);
	buf_char(out, '(');
	add_encoded(t, out);
	buf_char(out, ')');
}

/* Whether the address can be written in ASCII because only its domain is not. */
static bool write_a_labels(struct text address, struct buf *out)
{
	const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL, *why;
	size_t local = at ? (size_t)(at - address.p) : 0;
	char domain[DOMAIN_SIZE];

	if (!at || !text_is_ascii(text_make(address.p, local)))
		return false;
	if (!domain_to_ascii(text_make(at + 1, address.n - local - 1), false, domain, &why))
		return false;
	buf_char(out, '<');
	buf_add(out, address.p, local + 1);
	buf_fmt(out, "%s>", domain);
	return true;
}

/* The name of an empty group; a reader puts it right behind a name that is encoded too. */
static void write_group(struct text address, bool named, struct buf *out)
{
	struct buf name;

	buf_init(&name, address.n + 1);
	buf_str(&name, named ? " " : "");
	add(&name, address);
	add_encoded(text_make(name.data, name.len), out);
	buf_str(out, " :;");
	buf_free(&name);
}

static void write_address(struct text address, bool named, struct buf *out)
{
	if (!text_is_ascii(address)) {
		if (!write_a_labels(address, out))
			write_group(address, named, out);
		return;
	}
	buf_char(out, '<');
	add(out, address);
	buf_char(out, '>');
}

static void write_mailbox(struct text t, struct buf *out)
{
	size_t name = length_until(t, "<"), comment;
	struct text phrase, address;

	if (name < t.n) {
		phrase = mime_trim(take(&t, name));
		take(&t, 1);
		address = mime_trim(take(&t, length_until(t, ">")));
		take(&t, t.n > 0);
	} else if (memchr(t.p, '@', t.n)) {
		const char *open = memchr(t.p, '(', t.n);

		comment = open ? (size_t)(open - t.p) : t.n;
		phrase = text_make(t.p, 0);
		address = mime_trim(take(&t, comment));
	} else {
		write_phrase(mime_trim(t), out);
		return;
	}
	write_phrase(phrase, out);
	if (phrase.n)
		buf_char(out, ' ');
	write_address(address, !text_is_ascii(phrase), out);
	write_comments(t, out);
}

static void write_addresses(struct text t, struct buf *out)
{
	while (t.n) {
		struct text element = take(&t, length_until(t, ",:;"));

		if (text_is_ascii(element)) {
			add(out, element);
		} else {
			add(out, take(&element, space_length(element)));
			write_mailbox(element, out);
		}
		add(out, take(&t, t.n > 0));
	}
}

/* --- parameters (RFC 2231) --- */

static void write_percent(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c > ' ' && c < 127 && !strchr("*'%()<>@,;:\\\"/[]?=", c))
			buf_char(out, (char)c);
		else
			buf_fmt(out, "%%%02X", c);
	}
}

/* What is no text has no form in ASCII. */
static void write_bytes(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++)
		buf_char(out, (unsigned char)t.p[i] > 127 ? '?' : t.p[i]);
}

static void begin_parameter(struct text name, struct buf *out)
{
	buf_str(out, ";\r\n\t");
	write_bytes(name, out);
}

static void write_parameter(struct text name, struct text raw, struct buf *out)
{
	struct buf value;
	size_t section = 0;
	struct text t;

	buf_init(&value, raw.n + 1);
	mime_unquote(raw, &value);
	t = text_make(buf_text(&value), value.len);
	if (t.n <= PARAMETER_PIECE) {
		begin_parameter(name, out);
		buf_fmt(out, "*=%s''", encoded_charset(t));
		write_percent(t, out);
	} else {
		for (const char *set = encoded_charset(t); t.n; section++, set = NULL) {
			begin_parameter(name, out);
			buf_fmt(out, set ? "*%zu*=%s''" : "*%zu*=", section, set);
			write_percent(take(&t, t.n < PARAMETER_PIECE ? t.n : PARAMETER_PIECE), out);
		}
	}
	buf_free(&value);
}

static bool is_token(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || strchr("()<>@,;:\\\"/[]?=*'%", name.p[i]))
			return false;
	return name.n > 0;
}

/* The lines of the body have to go on being like it. */
static bool is_boundary(struct text name)
{
	return text_is_nocase(name, "boundary") || text_starts_nocase(name, "boundary*");
}

static void write_parameters(struct text t, struct buf *out)
{
	struct text first = mime_value_first(&t), name, raw;

	buf_char(out, ' ');
	write_bytes(first, out);
	while (mime_parameter_next(&t, &name, &raw)) {
		if (!text_is_ascii(raw) && is_token(name) && !is_boundary(name)) {
			write_parameter(name, raw, out);
			continue;
		}
		begin_parameter(name, out);
		buf_char(out, '=');
		if (is_boundary(name))
			add(out, raw);
		else
			write_bytes(raw, out);
	}
}

/* --- fields --- */

static const struct form {
	const char *name;
	void (*write)(struct text value, struct buf *out);
	bool renamed;      /* RFC 6857 3.1.10: there is no form in ASCII, only a field that tells people */
} forms[] = {
	{ "From", write_addresses, false }, { "Sender", write_addresses, false },
	{ "Reply-To", write_addresses, false }, { "To", write_addresses, false },
	{ "Cc", write_addresses, false }, { "Bcc", write_addresses, false },
	{ "Resent-From", write_addresses, false }, { "Resent-Sender", write_addresses, false },
	{ "Resent-Reply-To", write_addresses, false }, { "Resent-To", write_addresses, false },
	{ "Resent-Cc", write_addresses, false }, { "Resent-Bcc", write_addresses, false },
	{ "Return-Path", write_addresses, false }, { "Delivered-To", write_addresses, false },
	{ "Errors-To", write_addresses, false }, { "Return-Receipt-To", write_addresses, false },
	{ "Disposition-Notification-To", write_addresses, false },
	{ "Mail-Followup-To", write_addresses, false }, { "Mail-Reply-To", write_addresses, false },
	{ "Content-Transfer-Encoding", write_bytes, false },
	{ "Content-Type", write_parameters, false }, { "Content-Disposition", write_parameters, false },
	{ "Message-ID", write_text, true }, { "Resent-Message-ID", write_text, true },
	{ "In-Reply-To", write_text, true }, { "References", write_text, true },
	{ "Original-Recipient", write_text, true }, { "Final-Recipient", write_text, true },
	{ NULL, write_text, false },
};

static const struct form *form_of(struct text field)
{
	const struct form *f = forms;

	while (f->name && !mime_field_is(field, f->name))
		f++;
	return f;
}

void header_ascii(struct text field, struct buf *out)
{
	const struct form *form = form_of(field);
	struct text value = mime_field_value(field);

	if (text_is_ascii(field)) {
		add(out, field);
	} else if (!mime_field_begins(field)) {
		write_bytes(field, out);
	} else {
		if (form->renamed)
			buf_str(out, "Downgraded-");
		buf_add(out, field.p, (size_t)(value.p - field.p));
		while (value.n && is_space(value.p[value.n - 1]))
			value.n--;
		form->write(value, out);
		buf_str(out, "\r\n");
	}
}
