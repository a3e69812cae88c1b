/* What the tables of the transport do to the message that a session sends: checks first, then the mapping of
 * addresses (behaviour B-21). */
#include <stdlib.h>

#include "base/mem.h"
#include "courier/content/checks.h"
#include "courier/content/generic.h"
#include "courier/session/session_private.h"
#include "format/header/address_header.h"

#define NOTES_MAX 1000   /* lines for the log about one message */

static const char local_error[] = "local data error while sending the message";

static void note(void *arg, char *text)
{
	struct session *s = arg;

	s->rules.notes++;
	if (s->rules.notes <= NOTES_MAX) {
		session_note(s, text);
		return;
	}
	free(text);
	if (s->rules.notes == NOTES_MAX + 1)
		session_note(s, mem_str("warning: no more of what the checks find in this message "
			"is logged"));
}

/* The fields that flags O and D add hold addresses; those of the same name in the message are of old
 * deliveries. */
static bool has_addresses(const struct session *s, struct text name)
{
	return address_header_is(name) || (s->rules.in_trace && (text_is_nocase(name, "Delivered-To")
		|| text_is_nocase(name, "X-Original-To")));
}

static const char *map(struct session *s, struct text field, struct buf *out)
{
	struct text value = field, name;
	const char *why;

	if (!text_until(&value, ':', &name) || !has_addresses(s, text_trim(name))) {
		buf_add(out, field.p, field.n);
		return NULL;
	}
	if (generic_field(s->transport->generic, field, value, out, &why))
		return NULL;
	note(s, mem_fmt("warning: %s", why));
	return local_error;
}

static const char *check(struct session *s, enum rewriting_header header, struct text field, struct buf *out,
	struct text *left)
{
	struct checks_log log = { note, s };
	struct text rest = field, name = text_of("");
	enum checks_which which;

	*left = field;
	if (!s->transport->checks)
		return NULL;
	text_until(&rest, ':', &name);
	which = checks_of_field(text_trim(name), header == HEADER_PART, header == HEADER_NESTED);
	return checks_apply(s->transport->checks, which, field, &log, out, left) ? NULL : local_error;
}

/* What a check puts ahead of a field is not looked at again. */
static const char *rule_field(void *arg, enum rewriting_header header, struct text field, struct buf *out)
{
	struct session *s = arg;
	struct text left;
	const char *why = check(s, header, field, out, &left);

	if (why)
		return why;
	if (left.n && s->transport->generic && header == HEADER_PRIMARY)
		return map(s, left, out);
	buf_add(out, left.p, left.n);
	return NULL;
}

/* The end of a long line stays when its last piece goes. */
static const char *rule_line(void *arg, struct text line, struct buf *out)
{
	struct session *s = arg;
	struct checks_log log = { note, s };
	bool ends = line.n && line.p[line.n - 1] == '\n', inside = s->rules.inside_line;
	struct text left;

	s->rules.inside_line = !ends;
	if (!checks_apply(s->transport->checks, CHECKS_BODY, line, &log, out, &left))
		return local_error;
	buf_add(out, left.p, left.n);
	if (left.n == 0 && inside && ends)
		buf_str(out, "\r\n");
	return NULL;
}

const struct rewriting_rules *session_rules(struct session *s)
{
	const struct checks *c = s->transport->checks;
	bool fields = c && (checks_has(c, CHECKS_HEADER) || checks_has(c, CHECKS_MIME)
		|| checks_has(c, CHECKS_NESTED));
	bool lines = c && checks_has(c, CHECKS_BODY);

	s->rules = (struct session_rules){ .in_trace = true };
	s->rules.rules.field = fields || s->transport->generic ? rule_field : NULL;
	s->rules.rules.line = lines ? rule_line : NULL;
	s->rules.rules.arg = s;
	return s->rules.rules.field || s->rules.rules.line ? &s->rules.rules : NULL;
}
