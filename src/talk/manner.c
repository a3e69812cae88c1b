#include "talk/manner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

const char *protocol_name(enum protocol protocol)
{
	return protocol == PROTOCOL_LMTP ? "lmtp" : "smtp";
}

bool manner_knows(enum protocol protocol, const struct option_row *row)
{
	return row->use & (protocol == PROTOCOL_LMTP ? MANNER_LMTP : MANNER_SMTP);
}

/* The defaults of the rows that the protocol knows, or of the others. */
static void set_defaults(struct manner *m, bool known)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);
	const char *why;

	for (size_t i = 0; i < count; i++)
		if (manner_knows(m->protocol, &rows[i]) == known && !option_set(&rows[i], m, rows[i].initial, &why))
			assert(!"a default is refused by its own setter");
}

struct manner *manner_new(enum protocol protocol)
{
	struct manner *m = mem_alloc(sizeof(*m));

	m->protocol = protocol;
	set_defaults(m, false);   /* so that no text is NULL, whoever reads it */
	set_defaults(m, true);
	return m;
}

static char **text_member(struct manner *m, const struct option_row *row)
{
	if (row->kind != OPTION_TEXT && row->kind != OPTION_LIST)
		return NULL;
	return (char **)(void *)((char *)m + row->offset);
}

struct manner *manner_copy(const struct manner *from)
{
	struct manner *m = mem_alloc(sizeof(*m));
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	*m = *from;
	for (size_t i = 0; i < count; i++) {
		char **text = text_member(m, &rows[i]);

		/* rows may share a member, which is copied once */
		if (text && *text == *(char *const *)(const void *)((const char *)from + rows[i].offset))
			*text = mem_str(*text);
	}
	return m;
}

void manner_free(struct manner *m)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	if (!m)
		return;
	option_release(rows, count, m);
	free(m);
}

const struct option_row *manner_row(enum protocol protocol, const char *name)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (manner_knows(protocol, &rows[i]) && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

bool manner_print(const struct manner *m, const char *name, struct buf *out)
{
	const struct option_row *row = manner_row(m->protocol, name);

	if (row)
		option_print(row, m, out);
	return row;
}

enum tls_level manner_tls_level(const struct manner *m)
{
	if (m->tls_security_level != TLS_UNSET)
		return (enum tls_level)m->tls_security_level;
	if (m->enforce_tls)
		return m->tls_enforce_peername ? TLS_VERIFY : TLS_ENCRYPT;
	return m->use_tls ? TLS_MAY : TLS_NONE;
}

unsigned manner_pix(const char *list)
{
	struct text rest = text_of(list), word;
	unsigned mask = 0;

	while (text_list_next(&rest, &word))
		if (text_is_nocase(word, "disable_esmtp"))
			mask |= PIX_DISABLE_ESMTP;
		else if (text_is_nocase(word, "delay_dotcrlf"))
			mask |= PIX_DELAY_DOTCRLF;
	return mask;
}
