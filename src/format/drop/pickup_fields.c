#include "format/drop/pickup_fields.h"

#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"

/* Room for any field, and for the command that is made of it. */
enum { VALUE_MAX = 2 * PICKUP_FIELD_MAX };

void pickup_fields_init(struct pickup_fields *p, size_t rcpt_limit)
{
	*p = (struct pickup_fields){ .rcpt_limit = rcpt_limit, .known = map_new(), .envelope = envelope_new() };
	buf_init(&p->complaint, 512);
}

void pickup_fields_free(struct pickup_fields *p)
{
	map_free(p->known);
	envelope_free(p->envelope);
	buf_free(&p->complaint);
}

static bool refuse(struct pickup_fields *p, const char *field, const char *complaint)
{
	buf_fmt(&p->complaint, "%s%s", field, complaint);
	return false;
}

/* ---- the value of a field ---- */

/* Skips a display name, quoted or not; the view then begins with '<', or is as it was. */
static void skip_display_name(struct text *t)
{
	bool quoted = false;

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i] == '\\' && quoted)
			i++;
		else if (t->p[i] == '"')
			quoted = !quoted;
		else if (t->p[i] == '<' && !quoted) {
			*t = text_make(t->p + i, t->n - i);
			return;
		}
	}
}

/* A bare address ends at the first blank or semicolon that is not quoted. */
static struct text bare_address(struct text *t)
{
	bool quoted = false;
	size_t n = 0;
	struct text address;

	for (; n < t->n && (quoted || (t->p[n] != ' ' && t->p[n] != ';')); n++) {
		if (t->p[n] == '\\' && quoted)
			n++;
		else if (t->p[n] == '"')
			quoted = !quoted;
	}
	n = n < t->n ? n : t->n;
	address = text_make(t->p, n);
	*t = text_make(t->p + n, t->n - n);
	return address;
}

/* Takes the address off the front of a value; "" is none. */
static bool take_address(struct text *value, struct text *address, const char **why)
{
	*address = text_make("", 0);
	skip_display_name(value);
	if (value->n == 0)
		return true;
	if (*value->p == '<')
		return address_path(value, address, why);
	*address = bare_address(value);
	return address_check(*address, why);
}

static bool is_known(struct text name, const char *const *known)
{
	for (; *known; known++)
		if (text_is_nocase(name, *known))
			return true;
	return false;
}

/* Appends the parameters that are known; each may stand behind or ahead of a semicolon. False if what
 * stands right behind the address is no parameter; behind one there may be anything, as opaque values are
 * folded. */
static bool add_parameters(struct text value, const char *const *known, struct buf *out)
{
	struct text word, rest, name;
	bool named, first = true;

	for (; text_word(&value, &word); first = false) {

		if (word.p[word.n - 1] == ';')
			word.n--;
		rest = word;
		named = text_until(&rest, '=', &name);
		if (is_known(named ? name : word, known))
			buf_fmt(out, " %.*s", (int)word.n, word.p);
		else if (first && !named && word.n)
			return false;
	}
	return true;
}

/* The value as the arguments of a command, so that parameters are judged in one place. */
static bool as_command(struct pickup_fields *p, const char *field, const char *verb, struct text value,
	const char *const *known, struct text *address, struct buf *command)
{
	const char *why;

	if (!take_address(&value, address, &why))
		return refuse(p, field, why);
	buf_fmt(command, "%s<%.*s>", verb, (int)address->n, address->p);
	if (!add_parameters(value, known, command))
		return refuse(p, field, "there is something behind the address");
	p->envelope->smtputf8 = p->envelope->smtputf8 || !text_is_ascii(*address);
	return true;
}

/* ---- the fields ---- */

static bool set_sender(struct pickup_fields *p, const char *field, struct text value)
{
	static const char *const known[] = { "BODY", "RET", "ENVID", "AUTH", "SMTPUTF8", "REQUIRETLS", NULL };
	struct buf command;
	struct text address;
	const char *why;
	bool good;

	buf_init(&command, VALUE_MAX);
	good = as_command(p, field, " FROM:", value, known, &address, &command);
	if (good && !envelope_mail(p->envelope, text_make(command.data, command.len), &why))
		good = refuse(p, field, why);
	buf_free(&command);
	return good;
}

static bool do_sender(struct pickup_fields *p, struct text value)
{
	if (p->sender)
		return refuse(p, "X-Sender: ", "is there twice");
	p->sender = true;
	return p->overridden || set_sender(p, "X-Sender: ", value);
}

/* It beats X-Sender, wherever it stands. */
static bool do_override(struct pickup_fields *p, struct text value)
{
	if (p->overridden)
		return refuse(p, "X-Sender-Override: ", "is there twice");
	p->overridden = true;
	return set_sender(p, "X-Sender-Override: ", value);
}

static bool do_receiver(struct pickup_fields *p, struct text value)
{
	static const char *const known[] = { "NOTIFY", "ORCPT", NULL };
	struct buf command;
	struct text address;
	const char *why;
	bool good;

	buf_init(&command, VALUE_MAX);
	good = as_command(p, "X-Receiver: ", " TO:", value, known, &address, &command);
	if (good && address.n == 0)
		good = refuse(p, "X-Receiver: ", "the address is empty");
	if (good && !map_put(p->known, address.p, address.n, p) &&
		!envelope_rcpt(p->envelope, text_make(command.data, command.len), p->rcpt_limit, &why))
		good = refuse(p, "X-Receiver: ", why);
	buf_free(&command);
	return good;
}

static bool do_envid(struct pickup_fields *p, struct text value)
{
	struct buf command;
	const char *why;
	bool good = true;

	if (!p->sender || p->envelope->envid)
		return true;
	buf_init(&command, VALUE_MAX);
	buf_fmt(&command, " FROM:<%s> ENVID=%.*s", p->envelope->sender, (int)value.n, value.p);
	if (value.n && !envelope_mail(p->envelope, text_make(command.data, command.len), &why))
		good = refuse(p, "X-Envid: ", why);
	buf_free(&command);
	return good;
}

static bool do_nothing(struct pickup_fields *p, struct text value)
{
	(void)p;
	(void)value;
	return true;
}

static bool do_end(struct pickup_fields *p, struct text value)
{
	(void)value;
	p->over = true;
	return true;
}

/* Whatever the writers of such files put ahead of the message. Credentials among it are of no use here, and
 * are nobody's business further on. */
static const struct field {
	const char *name;
	bool (*run)(struct pickup_fields *, struct text value);
	bool starts;      /* the name may go on */
} fields[] = {
	{ "X-Sender", do_sender, false },
	{ "X-Receiver", do_receiver, false },
	{ "X-Sender-Override", do_override, false },
	{ "X-Envid", do_envid, false },
	{ "X-Job", do_nothing, false },
	{ "X-CreatedBy", do_nothing, false },
	{ "X-HeloDomain", do_nothing, false },
	{ "X-Source", do_nothing, false },
	{ "X-SourceIPAddress", do_nothing, false },
	{ "X-ExtendedProps", do_nothing, false },
	{ "X-ExtendedMessageProps", do_nothing, false },
	{ "X-MessageSnapshot-", do_nothing, true },
	{ "X-ServerAddress", do_nothing, false },
	{ "X-AuthLogin", do_nothing, false },
	{ "X-AuthPassword", do_nothing, false },
	{ "X-SendToPickupDirectory", do_nothing, false },
	{ "X-EndOfInjectedXHeaders", do_end, false },
	{ "X-Stop", do_end, false },
};

/* The row of a line "Name: …", and its name's length; NULL if it is none of them. */
static const struct field *field_of(struct text line, struct text *value)
{
	struct text name;

	*value = line;
	if (!text_until(value, ':', &name) || text_has_control(name))
		return NULL;
	name = text_trim(name);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].starts ? text_starts_nocase(name, fields[i].name)
			: text_is_nocase(name, fields[i].name))
			return &fields[i];
	return NULL;
}

bool pickup_fields_know(struct text line)
{
	struct text value;

	return field_of(line, &value) != NULL;
}

/* Line ends and the blanks behind them that fold a value become single blanks. */
static void unfold(struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		bool end = t.p[i] == '\n' || (t.p[i] == '\r' && i + 1 < t.n && t.p[i + 1] == '\n');

		if (!end)
			buf_char(out, t.p[i] == '\t' ? ' ' : t.p[i]);
	}
}

enum pickup_field pickup_fields_take(struct pickup_fields *p, struct text field)
{
	struct text raw, clean;
	const struct field *f = p->over ? NULL : field_of(field, &raw);
	struct buf value;
	bool good;

	if (!f)
		return PICKUP_FIELD_OTHER;
	buf_init(&value, VALUE_MAX);
	unfold(raw, &value);
	clean = text_trim(text_make(buf_text(&value), value.len));
	if (text_has_control(clean))
		good = refuse(p, f->name, ": there is a control character in the field");
	else
		good = f->run(p, clean);
	buf_free(&value);
	return good ? PICKUP_FIELD_TAKEN : PICKUP_FIELD_BAD;
}
