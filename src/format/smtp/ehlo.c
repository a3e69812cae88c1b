#include "format/smtp/ehlo.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct word_bit {
	const char *word;
	unsigned bit;
};

static const struct word_bit keywords[] = {
	{ "PIPELINING", EHLO_PIPELINING }, { "SIZE", EHLO_SIZE }, { "8BITMIME", EHLO_8BITMIME },
	{ "DSN", EHLO_DSN }, { "ENHANCEDSTATUSCODES", EHLO_ENHANCEDSTATUSCODES }, { "SMTPUTF8", EHLO_SMTPUTF8 },
	{ "STARTTLS", EHLO_STARTTLS }, { "AUTH", EHLO_AUTH }, { "CHUNKING", EHLO_CHUNKING },
	{ "XFORWARD", EHLO_XFORWARD }, { "REQUIRETLS", EHLO_REQUIRETLS },
	{ "XCLIENT", EHLO_XCLIENT }, { "ETRN", EHLO_ETRN }, { "VRFY", EHLO_VRFY }, { "VERP", EHLO_VERP },
	{ "silent-discard", EHLO_SILENT }, { NULL, 0 }
};

static const struct word_bit attributes[] = {
	{ "NAME", EHLO_XF_NAME }, { "ADDR", EHLO_XF_ADDR }, { "PORT", EHLO_XF_PORT },
	{ "PROTO", EHLO_XF_PROTO }, { "HELO", EHLO_XF_HELO }, { "IDENT", EHLO_XF_IDENT },
	{ "SOURCE", EHLO_XF_SOURCE }, { NULL, 0 }
};

/* The bit of a word, 0 if it is not in the table. */
static unsigned bit_of(struct text word, const struct word_bit *table)
{
	while (table->word && !text_is_nocase(word, table->word))
		table++;
	return table->bit;
}

/* Takes a word that ends at a blank or '=' off the front (some servers still write AUTH=LOGIN). */
static bool take_word(struct text *t, struct text *word)
{
	*word = *t = text_trim(*t);
	word->n = 0;
	while (word->n < t->n && !strchr(" \t=", t->p[word->n]))
		word->n++;
	*t = text_make(t->p + word->n, t->n - word->n);
	if (t->n)
		*t = text_make(t->p + 1, t->n - 1);
	return word->n > 0;
}

static void take_size(struct ehlo *e, struct text args)
{
	struct text word;

	e->size = 0;
	if (text_word(&args, &word) && (!text_number(&word, UINT64_MAX, &e->size) || word.n))
		e->size = 0;
}

static bool has_mechanism(const struct ehlo *e, struct text mechanism)
{
	struct text known = text_of(e->auth), word;

	while (text_word(&known, &word))
		if (word.n == mechanism.n && strncasecmp(word.p, mechanism.p, word.n) == 0)
			return true;
	return false;
}

static void take_mechanisms(struct ehlo *e, struct text args)
{
	struct text word;

	while (text_word(&args, &word)) {
		size_t len = strlen(e->auth);

		if (has_mechanism(e, word) || len + word.n + 2 > sizeof e->auth)
			continue;
		if (len)
			e->auth[len++] = ' ';
		memcpy(e->auth + len, word.p, word.n);
		e->auth[len + word.n] = '\0';
	}
}

static void take_attributes(struct ehlo *e, struct text args)
{
	struct text word;

	while (text_word(&args, &word))
		e->xforward |= bit_of(word, attributes);
}

/* What stands behind the code of a line; false if the line has none. */
static bool skip_code(struct text *line)
{
	for (size_t i = 0; i < 3; i++)
		if (line->n <= i || !isdigit((unsigned char)line->p[i]))
			return false;
	if (line->n > 3 && line->p[3] != '-' && line->p[3] != ' ')
		return false;
	*line = line->n > 3 ? text_make(line->p + 4, line->n - 4) : text_make(line->p + 3, 0);
	return true;
}

static void take_line(struct ehlo *e, struct text line)
{
	struct text word;
	unsigned bit;

	if (!skip_code(&line) || !take_word(&line, &word))
		return;
	bit = bit_of(word, keywords) & ~EHLO_SILENT;
	e->offers |= bit;
	if (bit == EHLO_SIZE)
		take_size(e, line);
	else if (bit == EHLO_AUTH)
		take_mechanisms(e, line);
	else if (bit == EHLO_XFORWARD)
		take_attributes(e, line);
}

/* The first line names the server; a keyword there is none. */
static void take_name(struct ehlo *e, struct text line)
{
	struct text word;

	if (!skip_code(&line) || !text_word(&line, &word))
		return;
	if (word.n >= sizeof e->name)
		word.n = sizeof e->name - 1;
	memcpy(e->name, word.p, word.n);
}

void ehlo_parse(struct ehlo *e, const char *reply_text)
{
	struct text rest = text_of(reply_text), line;
	bool more = text_until(&rest, '\n', &line);

	*e = (struct ehlo){ 0 };
	take_name(e, more ? line : rest);
	while (more) {
		more = text_until(&rest, '\n', &line);
		take_line(e, more ? line : rest);
	}
}

unsigned ehlo_mask(const char *list)
{
	struct text rest = text_of(list), word;
	unsigned mask = 0;

	while (text_list_next(&rest, &word))
		mask |= bit_of(word, keywords);
	return mask;
}

void ehlo_names(unsigned mask, struct buf *out)
{
	for (const struct word_bit *k = keywords; k->word; k++)
		if (mask & k->bit & ~EHLO_SILENT)
			buf_fmt(out, " %s", k->word);
}
