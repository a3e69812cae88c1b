#include "daemon/config/config_values.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "daemon/config/config_expand.h"
#include "settings/settings_place.h"

enum {
	VALUE_MAX = 1024 * 1024,
	SHOWN_MAX = 200,          /* bytes of a value in a complaint */
};

bool config_fail(struct config *c, const char *place, const char *what, const char *detail)
{
	char *clean = text_cleaned(what, SHOWN_MAX);
	size_t n = strlen(clean);

	if (n && clean[n - 1] == '.')     /* a section, and none of its options */
		clean[n - 1] = '\0';
	free(*c->why);
	*c->why = mem_fmt("%s: %s: %s", place ? place : c->source->file, clean, detail);
	free(clean);
	return false;
}

bool config_fail_value(struct config *c, const struct config_value *v, const char *text,
	const char *complaint)
{
	char *what = mem_fmt("%s = '%s'", v->written, text);

	config_fail(c, v->place, what, complaint);
	free(what);
	return false;
}

struct config_value *config_find(const struct config *c, const char *path)
{
	return map_get(c->by_path, path, strlen(path));
}

static struct config_value *config_add(struct config *c, const char *path, const char *text)
{
	struct config_value *v = mem_alloc(sizeof(*v));

	v->path = mem_str(path);
	v->text = mem_str(text);
	v->written = v->path;
	c->values = mem_grow(c->values, c->count + 1, sizeof(*c->values));
	c->values[c->count++] = v;
	map_put(c->by_path, path, strlen(path), v);
	return v;
}

void config_add_default(struct config *c, const char *path, const char *text)
{
	if (!config_find(c, path))
		config_add(c, path, text);
}

void config_clear(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->values[i]->path);
		free(c->values[i]->text);
		free(c->values[i]->expanded);
		free(c->values[i]);
	}
	free(c->values);
	map_free(c->by_path);
	config_entries_free(&c->entries);
}

const char *config_name_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

struct config_path config_path_of(const char *path)
{
	struct config_path p;

	p.name = settings_split_path(path, &p.section, &p.title);
	return p;
}

bool config_is_protocol(const struct config_entry *entry)
{
	struct config_path p = config_path_of(entry->path);

	return text_is(p.section, "transport") && strcmp(p.name, "protocol") == 0;
}

/* --- from entries to values --- */

/* Elements of a braced list as text_list_next takes them apart again. */
static char *join(const struct config_entry *entry)
{
	struct buf out;

	buf_init(&out, VALUE_MAX);
	for (size_t i = 0; i < entry->count; i++) {
		const char *element = entry->elements[i];
		struct text rest = text_of(element), first;
		bool whole = text_list_next(&rest, &first) && first.n == strlen(element);

		buf_fmt(&out, whole ? "%s%s" : "%s\"%s\"", i ? ", " : "", element);
	}
	return buf_take(&out);
}

static char *text_of_entry(struct config *c, const struct config_entry *entry, const char *path)
{
	const struct option_row *row = settings_row(c->settings, path);

	if ((entry->braces || entry->count > 1) && row && row->kind == OPTION_LIST)
		return join(entry);
	if (entry->count > 1) {
		config_fail(c, entry->place, entry->path, "takes one value, not a list");
		return NULL;
	}
	return mem_str(entry->count ? entry->elements[0] : "");
}

/* A time or a size may be written in several ways. */
static bool same_value(const struct option_row *row, const char *a, const char *b)
{
	int64_t ms, other_ms;
	uint64_t bytes, other_bytes;

	if (row && row->kind == OPTION_DURATION)
		return text_duration(text_of(a), &ms) && text_duration(text_of(b), &other_ms) &&
			ms == other_ms;
	if (row && row->kind == OPTION_SIZE)
		return text_size(text_of(a), &bytes) && text_size(text_of(b), &other_bytes) &&
			bytes == other_bytes;
	return false;
}

/* The same option in two places must say the same; one from the command line has the last word. */
static bool merge(struct config *c, struct config_value *old, const struct config_entry *entry,
	const char *text, bool override)
{
	char *detail;

	if (override && !old->override) {
		free(old->text);
		old->text = mem_str(text);
		old->place = entry->place;
		old->written = entry->path;
		old->override = true;
	} else if (strcmp(old->text, text) != 0 &&
			!same_value(settings_row(c->settings, old->path), old->text, text)) {
		detail = mem_fmt("set to '%s' here, but %s is set to '%s' at %s", text, old->written,
			old->text, old->place);
		config_fail(c, entry->place, entry->path, detail);
		free(detail);
		return false;
	}
	return true;
}

static bool take_entry(struct config *c, const struct config_entry *entry, const char *path, bool override)
{
	char *text = text_of_entry(c, entry, path);
	struct config_value *old = config_find(c, path);
	bool good = text;

	if (text && old) {
		good = merge(c, old, entry, text, override);
	} else if (text) {
		struct config_value *v = config_add(c, path, text);

		v->place = entry->place;
		v->written = entry->path;
		v->override = override;
	}
	free(text);
	return good;
}

/* A transport may stand in several sections, but they must agree on what it speaks. */
static bool protocols_agree(struct config *c, const struct config_entry *entry)
{
	for (const struct config_entry *old = c->entries.list; old < entry; old++) {
		char *detail;

		if (strcmp(old->path, entry->path) != 0 || strcmp(old->elements[0], entry->elements[0]) == 0)
			continue;
		detail = mem_fmt("set to '%s' here, but to '%s' at %s", entry->elements[0], old->elements[0],
			old->place);
		config_fail(c, entry->place, entry->path, detail);
		free(detail);
		return false;
	}
	return true;
}

static void consider(void *arg, const char *name, const char *value)
{
	(void)value;
	nearest_consider(arg, name);
}

static bool fail_unknown(struct config *c, const struct config_entry *entry)
{
	struct nearest *nearest = nearest_new(entry->path);
	struct buf detail;

	buf_init(&detail, VALUE_MAX);
	buf_str(&detail, "unknown option");
	settings_each(c->settings, NULL, consider, nearest);
	nearest_print(nearest, &detail);
	nearest_free(nearest);
	config_fail(c, entry->place, entry->path, buf_text(&detail));
	buf_free(&detail);
	return false;
}

bool config_take_entries(struct config *c, size_t from_override)
{
	for (size_t i = 0; i < c->entries.count; i++) {
		const struct config_entry *entry = &c->entries.list[i];
		char *path = strchr(entry->path, '.') ? mem_str(entry->path) : settings_path(c->settings,
			entry->path);
		bool good = true;

		if (!path || (*config_name_of(path) && !settings_row(c->settings, path)))
			good = fail_unknown(c, entry);
		else if (settings_is_read_only(c->settings, path))
			good = config_fail(c, entry->place, entry->path, "is read-only");
		else if (config_is_protocol(entry))
			good = i >= from_override || protocols_agree(c, entry);
		else if (*config_name_of(path))
			good = take_entry(c, entry, path, i >= from_override);
		free(path);
		if (!good)
			return false;
	}
	return true;
}

/* --- expansion --- */

static bool lookup(void *arg, const char *name, struct buf *out, const char **why);

static bool expand(struct config *c, struct config_value *v, const char **why)
{
	const struct config_value *outer = c->expanding;
	struct buf out;
	bool good;

	if (v->expanded)
		return true;
	if (v->busy) {
		*why = "refers to itself";
		return false;
	}
	buf_init(&out, VALUE_MAX);
	v->busy = true;
	c->expanding = v;
	good = config_expand(v->text, lookup, c, &out, why);
	c->expanding = outer;
	v->busy = false;
	if (good)
		v->expanded = buf_take(&out);
	buf_free(&out);
	return good;
}

static void append_default(void *arg, const char *name, const char *text)
{
	(void)name;
	buf_str(arg, text);
}

/* Each transport would be a service and a process of its own in Postfix, and values may name both. False: it
 * is not about a transport. */
static bool append_own_name(const struct config *c, const char *name, struct buf *out)
{
	bool service = strcmp(name, "service_name") == 0;
	const struct settings_transport *t;
	struct config_path at;
	char *copy;

	if (!service && strcmp(name, "process_name") != 0)
		return false;
	at = config_path_of(c->expanding->path);
	if (!text_is(at.section, "transport"))
		at.title = at.section;
	copy = mem_strn(at.title.p ? at.title.p : "", at.title.n);
	t = settings_transport(c->settings, copy);
	if (t)
		buf_str(out, service ? t->name : protocol_name(t->manner->protocol));
	free(copy);
	return t;
}

static bool lookup(void *arg, const char *name, struct buf *out, const char **why)
{
	struct config *c = arg;
	char *path;
	struct config_value *v;

	if (append_own_name(c, name, out))
		return true;
	path = settings_path(c->settings, name);
	v = path ? config_find(c, path) : NULL;

	free(path);
	if (!path)
		*why = "refers to a parameter that does not exist";
	else if (!v)
		settings_each(c->settings, name, append_default, out);
	else if (expand(c, v, why))
		buf_str(out, v->expanded);
	else
		return false;
	return path;
}

bool config_expand_all(struct config *c)
{
	struct config_value *host = config_find(c, "myhostname");
	const char *why, *domain;

	if (!expand(c, host, &why))
		return config_fail_value(c, host, host->text, why);
	domain = strchr(host->expanded, '.');
	if (!config_find(c, "mydomain"))
		config_add(c, "mydomain", domain ? domain + 1 : host->expanded);
	for (size_t i = 0; i < c->count; i++)
		if (!expand(c, c->values[i], &why))
			return config_fail_value(c, c->values[i], c->values[i]->text, why);
	return true;
}
