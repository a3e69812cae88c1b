#include "settings/settings_place.h"

#include <string.h>

#include "settings/settings_rows.h"

static const char *const protocol_words[] = { "smtp", "lmtp", NULL };
const struct option_row settings_protocol_row = {
	.name = "protocol", .kind = OPTION_CHOICE, .offset = offsetof(struct manner, protocol),
	.initial = "lmtp", .choices = protocol_words,
	.help = "smtp or lmtp: how the transport talks, and whose values it starts from",
};

static bool visit_section(struct settings_visit *v, const struct settings_section *section,
	const char *title, const char *prefix, void *base)
{
	for (size_t i = 0; i < section->count; i++) {
		struct settings_place p = { .section = section->name, .title = title, .prefix = prefix,
			.row = &section->rows[i], .base = base };

		if (!v->each(v, &p))
			return false;
	}
	return true;
}

static bool visit_others(struct settings_visit *v, union settings_other *others)
{
	for (size_t i = 0; i < settings_other_count; i++) {
		const struct option_row *row = &settings_other_rows[i];
		struct settings_place p = { .section = "", .prefix = "", .row = row, .base = &others[i],
			.obsolete = row->use & ROWS_OBSOLETE, .read_only = row->use & ROWS_READ_ONLY };

		if (!v->each(v, &p))
			return false;
	}
	return true;
}

static bool visit_manner(struct settings_visit *v, const char *section, const char *title, struct manner *m)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);
	const char *prefix = m->protocol == PROTOCOL_LMTP ? "lmtp_" : "smtp_";

	for (size_t i = 0; i < count; i++) {
		struct settings_place p = { .section = section, .title = title, .prefix = prefix,
			.row = &rows[i], .base = m, .obsolete = rows[i].use & MANNER_OBSOLETE };

		if (manner_knows(m->protocol, &rows[i]) && !v->each(v, &p))
			return false;
	}
	return true;
}

static bool visit_transport(struct settings_visit *v, const struct settings *s, struct settings_transport *t)
{
	bool named = t->manner != s->smtp && t->manner != s->lmtp;
	struct settings_place protocol = { .section = "transport", .title = t->name,
		.row = &settings_protocol_row, .base = t->manner };

	return v->each(v, &protocol) && visit_section(v, &settings_transport_section, t->name, NULL, t) &&
		(!named || visit_manner(v, "transport", t->name, t->manner));
}

bool settings_walk(const struct settings *s, struct settings_visit *v)
{
	for (size_t i = 0; i < settings_section_count; i++)
		if (!visit_section(v, &settings_sections[i], NULL, settings_sections[i].prefix, (void *)s))
			return false;
	if (!visit_section(v, &settings_tls_section, NULL, settings_tls_section.prefix, (void *)s))
		return false;
	if (!visit_others(v, s->others))
		return false;
	if (!visit_manner(v, "smtp", NULL, s->smtp) || !visit_manner(v, "lmtp", NULL, s->lmtp))
		return false;
	for (size_t i = 0; i < s->transport_count; i++)
		if (!visit_transport(v, s, &s->transports[i]))
			return false;
	for (size_t i = 0; i < s->pickup_count; i++)
		if (!visit_section(v, &settings_pickup_section, s->pickups[i].path, NULL, &s->pickups[i]))
			return false;
	return true;
}

void settings_print_path(const struct settings_place *p, struct buf *out)
{
	if (*p->section)
		buf_fmt(out, "%s.", p->section);
	if (p->title)
		buf_fmt(out, "%s.", p->title);
	buf_str(out, p->row->name);
}

static bool is_alias_of(const struct settings_alias *alias, const struct settings_place *p)
{
	size_t section = strlen(p->section);

	return !p->title && strncmp(alias->path, p->section, section) == 0 && alias->path[section] == '.' &&
		strcmp(alias->path + section + 1, p->row->name) == 0;
}

void settings_print_name(const struct settings_place *p, struct buf *out)
{
	for (size_t i = 0; i < settings_alias_count; i++) {
		if (is_alias_of(&settings_aliases[i], p)) {
			buf_str(out, settings_aliases[i].postfix);
			return;
		}
	}
	if (strcmp(p->section, "pickup") == 0)
		settings_print_path(p, out);
	else if (p->title)
		buf_fmt(out, "%s_%s", p->title, p->row->name);
	else
		buf_fmt(out, "%s%s", p->prefix, p->row->name);
}

const char *settings_split_path(const char *path, struct text *section, struct text *title)
{
	const char *first = strchr(path, '.'), *last = strrchr(path, '.');

	*section = text_make(path, first ? (size_t)(first - path) : 0);
	*title = text_make(NULL, 0);
	if (first != last)
		*title = text_make(first + 1, (size_t)(last - first - 1));
	return last ? last + 1 : path;
}

struct locate {
	struct settings_visit visit;
	struct text section, title;
	const char *name;
	struct settings_place *found;
};

static bool locate_step(struct settings_visit *v, const struct settings_place *p)
{
	struct locate *locate = (struct locate *)v;

	if (!text_is(locate->section, p->section) || strcmp(locate->name, p->row->name) != 0)
		return true;
	if (!text_is(locate->title, p->title ? p->title : ""))
		return true;
	*locate->found = *p;
	return false;
}

bool settings_locate(const struct settings *s, const char *path, struct settings_place *found)
{
	struct locate locate = { .visit.each = locate_step, .found = found };

	locate.name = settings_split_path(path, &locate.section, &locate.title);
	return !settings_walk(s, &locate.visit);
}
