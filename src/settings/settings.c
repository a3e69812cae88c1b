#include "settings/settings.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "settings/settings_place.h"
#include "settings/settings_rows.h"

enum { TITLE_MAX = 4096, COMPLAINT_MAX = 1024, SHOWN_MAX = 200 };

static bool refuse(const char **why, const char *complaint)
{
	*why = complaint;
	return false;
}

static void set_initial(const struct option_row *rows, size_t count, void *base)
{
	const char *why;

	for (size_t i = 0; i < count; i++)
		if (!option_set(&rows[i], base, rows[i].initial, &why))
			assert(!"a default is refused by its own setter");
}

static struct settings_transport *add_transport(struct settings *s, const char *name, struct manner *manner)
{
	struct settings_transport *t;

	s->transports = mem_grow(s->transports, s->transport_count + 1, sizeof(*s->transports));
	t = &s->transports[s->transport_count++];
	memset(t, 0, sizeof(*t));
	t->name = mem_str(name);
	t->manner = manner;
	set_initial(settings_transport_section.rows, settings_transport_section.count, t);
	return t;
}

static struct settings_pickup *add_pickup(struct settings *s, const char *path)
{
	struct settings_pickup *p;

	s->pickups = mem_grow(s->pickups, s->pickup_count + 1, sizeof(*s->pickups));
	p = &s->pickups[s->pickup_count++];
	memset(p, 0, sizeof(*p));
	p->path = mem_str(path);
	set_initial(settings_pickup_section.rows, settings_pickup_section.count, p);
	return p;
}

struct settings *settings_new(void)
{
	struct settings *s = mem_alloc(sizeof(*s));
	union settings_other *others = mem_alloc(settings_other_count * sizeof(*others));

	for (size_t i = 0; i < settings_section_count; i++)
		set_initial(settings_sections[i].rows, settings_sections[i].count, s);
	set_initial(settings_tls_section.rows, settings_tls_section.count, s);
	for (size_t i = 0; i < settings_other_count; i++)
		set_initial(&settings_other_rows[i], 1, &others[i]);
	s->others = others;
	s->smtp = manner_new(PROTOCOL_SMTP);
	s->lmtp = manner_new(PROTOCOL_LMTP);
	add_transport(s, "smtp", s->smtp);
	add_transport(s, "lmtp", s->lmtp);
	return s;
}

static void free_transports(struct settings *s)
{
	for (size_t i = 0; i < s->transport_count; i++) {
		struct settings_transport *t = &s->transports[i];

		option_release(settings_transport_section.rows, settings_transport_section.count, t);
		manner_free(t->manner);
		free(t->name);
	}
	free(s->transports);
}

void settings_free(struct settings *s)
{
	union settings_other *others;

	if (!s)
		return;
	others = s->others;
	for (size_t i = 0; i < settings_section_count; i++)
		option_release(settings_sections[i].rows, settings_sections[i].count, s);
	option_release(settings_tls_section.rows, settings_tls_section.count, s);
	for (size_t i = 0; i < settings_other_count; i++)
		option_release(&settings_other_rows[i], 1, &others[i]);
	free(others);
	free_transports(s);
	for (size_t i = 0; i < s->pickup_count; i++) {
		option_release(settings_pickup_section.rows, settings_pickup_section.count, &s->pickups[i]);
		free(s->pickups[i].path);
	}
	free(s->pickups);
	free(s);
}

static struct settings_transport *find_transport(const struct settings *s, struct text name)
{
	for (size_t i = 0; i < s->transport_count; i++)
		if (text_is(name, s->transports[i].name))
			return &s->transports[i];
	return NULL;
}

const struct settings_transport *settings_transport(const struct settings *s, const char *name)
{
	return find_transport(s, text_of(name));
}

char *settings_no_transport(const struct settings *s, const char *name)
{
	struct nearest *nearest = nearest_new(name);
	char *clean = text_cleaned(name, SHOWN_MAX);
	struct buf out;

	for (size_t i = 0; i < s->transport_count; i++)
		nearest_consider(nearest, s->transports[i].name);
	buf_init(&out, COMPLAINT_MAX);
	buf_fmt(&out, "there is no transport '%s'", clean);
	nearest_print(nearest, &out);
	free(clean);
	nearest_free(nearest);
	return buf_take(&out);
}

char *settings_transport_path(const struct settings_transport *t, const char *option)
{
	bool own = strcmp(t->name, "smtp") == 0 || strcmp(t->name, "lmtp") == 0;

	return mem_fmt("%s%s.%s", own ? "" : "transport.", t->name, option);
}

static bool find_pickup(const struct settings *s, struct text path)
{
	for (size_t i = 0; i < s->pickup_count; i++)
		if (text_is(path, s->pickups[i].path))
			return true;
	return false;
}

static bool is_transport_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
			return false;
	return name.n > 0 && name.n <= 64;
}

/* Brings the transport or pickup directory that the path names into being. */
static bool make_titled(struct settings *s, const char *path, const char **why)
{
	struct text section, title;
	char *copy;

	settings_split_path(path, &section, &title);
	copy = mem_strn(title.p ? title.p : "", title.n);
	if (text_is(section, "transport") && !find_transport(s, title)) {
		if (!is_transport_name(title)) {
			free(copy);
			return refuse(why, "the name of a transport is letters, digits, - and _");
		}
		add_transport(s, copy, manner_copy(s->lmtp));
	} else if (text_is(section, "pickup") && !find_pickup(s, title)) {
		if (title.n == 0 || title.n > TITLE_MAX || *title.p != '/') {
			free(copy);
			return refuse(why, "the name of a pickup section is a path that begins with /");
		}
		add_pickup(s, copy);
	}
	free(copy);
	return true;
}

static bool set_protocol(struct settings *s, const char *title, const char *value, const char **why)
{
	struct settings_transport *t = find_transport(s, text_of(title));
	struct manner wanted = { .protocol = PROTOCOL_LMTP };
	struct manner *from;

	if (!option_set(&settings_protocol_row, &wanted, value, why))
		return false;
	from = wanted.protocol == PROTOCOL_LMTP ? s->lmtp : s->smtp;
	if (t->manner == s->smtp || t->manner == s->lmtp)
		return t->manner == from || refuse(why,
			"the transports smtp and lmtp speak the protocol of their name");
	manner_free(t->manner);
	t->manner = manner_copy(from);
	return true;
}

bool settings_set(struct settings *s, const char *path, const char *value, const char **why)
{
	struct settings_place p;

	if (!make_titled(s, path, why))
		return false;
	if (!settings_locate(s, path, &p))
		return refuse(why, "unknown option");
	if (p.row == &settings_protocol_row)
		return set_protocol(s, p.title, value, why);
	return option_set(p.row, p.base, value, why);
}

const struct option_row *settings_row(const struct settings *s, const char *path)
{
	struct settings_place p;

	return settings_locate(s, path, &p) ? p.row : NULL;
}

bool settings_is_read_only(const struct settings *s, const char *path)
{
	struct settings_place p;

	return settings_locate(s, path, &p) && p.read_only;
}

const char *settings_successor(const struct settings *s, const char *path)
{
	struct settings_place p;

	return settings_locate(s, path, &p) && p.obsolete ? p.row->help : NULL;
}
