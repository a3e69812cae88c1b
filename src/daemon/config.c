#include "daemon/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_check.h"
#include "daemon/config_expand.h"
#include "daemon/config_file.h"

enum {
	VALUE_MAX = 1024 * 1024,
	SHOWN_MAX = 200,          /* bytes of a value in a complaint */
};

/* One option that is not left at its default, or whose default names others. */
struct value {
	char *path, *text, *expanded;
	const char *place;        /* of the entry; NULL: a default */
	const char *written;      /* the name as it was written */
	bool override, busy;
};

struct config {
	const struct config_source *source;
	struct settings *settings;
	struct config_entries entries;
	struct value **values;
	size_t count;
	struct map *by_path;      /* path → struct value */
	struct buf *warnings;
	char **why;
};

static bool fail(struct config *c, const char *place, const char *what, const char *detail)
{
	char *clean = text_cleaned(what, SHOWN_MAX);

	free(*c->why);
	*c->why = mem_fmt("%s: %s: %s", place ? place : c->source->file, clean, detail);
	free(clean);
	return false;
}

static bool fail_value(struct config *c, const struct value *v, const char *text, const char *complaint)
{
	char *what = mem_fmt("%s = '%s'", v->written, text);

	fail(c, v->place, what, complaint);
	free(what);
	return false;
}

static struct value *find(const struct config *c, const char *path)
{
	return map_get(c->by_path, path, strlen(path));
}

static struct value *add_value(struct config *c, const char *path, const char *text)
{
	struct value *v = mem_alloc(sizeof(*v));

	v->path = mem_str(path);
	v->text = mem_str(text);
	v->written = v->path;
	c->values = mem_grow(c->values, c->count + 1, sizeof(*c->values));
	c->values[c->count++] = v;
	map_put(c->by_path, path, strlen(path), v);
	return v;
}

/* --- sections with titles ------------------------------------------------------------------------------------------ */

static const char *name_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static bool is_protocol(const struct config_entry *entry)
{
	return strncmp(entry->path, "transport.", 10) == 0 && strcmp(name_of(entry->path), "protocol") == 0;
}

/* Called twice: before all other options, so that the transports are known, and when what they start from is set. */
static bool set_protocols(struct config *c)
{
	const char *why;

	for (size_t i = 0; i < c->entries.count; i++) {
		const struct config_entry *entry = &c->entries.list[i];

		if (!is_protocol(entry))
			continue;
		if (entry->count != 1)
			return fail(c, entry->place, entry->path, "takes one value");
		if (!settings_set(c->settings, entry->path, entry->elements[0], &why))
			return fail(c, entry->place, entry->path, why);
	}
	return true;
}

static bool make_section(struct config *c, const struct config_entry *entry)
{
	const char *why;
	char *path;
	bool good;

	if (strncmp(entry->path, "transport.", 10) == 0) {
		char *title = mem_strn(entry->path + 10, strlen(entry->path) - 11);

		good = settings_transport(c->settings, title) ||
			fail(c, entry->place, title, "a transport needs protocol = lmtp or protocol = smtp");
		free(title);
		return good;
	}
	path = mem_fmt("%sformat", entry->path);
	good = settings_set(c->settings, path, "auto", &why) || fail(c, entry->place, entry->path, why);
	free(path);
	return good;
}

static bool make_sections(struct config *c)
{
	if (!set_protocols(c))
		return false;
	for (size_t i = 0; i < c->entries.count; i++)
		if (!*name_of(c->entries.list[i].path) && !make_section(c, &c->entries.list[i]))
			return false;
	return true;
}

/* --- from entries to values ---------------------------------------------------------------------------------------- */

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
		fail(c, entry->place, entry->path, "takes one value, not a list");
		return NULL;
	}
	return mem_str(entry->count ? entry->elements[0] : "");
}

/* The same option in two places must say the same; one from the command line has the last word. */
static bool merge(struct config *c, struct value *old, const struct config_entry *entry, const char *text, bool override)
{
	char *detail;

	if (override && !old->override) {
		free(old->text);
		old->text = mem_str(text);
		old->place = entry->place;
		old->written = entry->path;
		old->override = true;
	} else if (strcmp(old->text, text) != 0) {
		detail = mem_fmt("set to '%s' here, but %s is set to '%s' at %s", text, old->written, old->text, old->place);
		fail(c, entry->place, entry->path, detail);
		free(detail);
		return false;
	}
	return true;
}

static bool take_entry(struct config *c, const struct config_entry *entry, const char *path, bool override)
{
	char *text = text_of_entry(c, entry, path);
	struct value *old = find(c, path);
	bool good = text;

	if (text && old) {
		good = merge(c, old, entry, text, override);
	} else if (text) {
		struct value *v = add_value(c, path, text);

		v->place = entry->place;
		v->written = entry->path;
		v->override = override;
	}
	free(text);
	return good;
}

static bool take_entries(struct config *c, size_t from_file)
{
	for (size_t i = 0; i < c->entries.count; i++) {
		const struct config_entry *entry = &c->entries.list[i];
		char *path = strchr(entry->path, '.') ? mem_str(entry->path) : settings_path(c->settings, entry->path);
		bool good = true;

		if (!path || (*name_of(path) && !settings_row(c->settings, path)))
			good = fail(c, entry->place, entry->path, "unknown option");
		else if (*name_of(path) && !is_protocol(entry))
			good = take_entry(c, entry, path, i >= from_file);
		free(path);
		if (!good)
			return false;
	}
	return true;
}

static bool add_overrides(struct config *c)
{
	for (size_t i = 0; i < c->source->override_count; i++) {
		struct text rest = text_of(c->source->overrides[i]), name;
		char *path, *value;

		if (!text_until(&rest, '=', &name) || !text_trim(name).n)
			return fail(c, "-o", c->source->overrides[i], "not name=value");
		name = text_trim(name);
		rest = text_trim(rest);
		path = mem_strn(name.p, name.n);
		value = mem_strn(rest.p, rest.n);
		config_entries_add(&c->entries, "-o", path, value);
		free(path);
		free(value);
	}
	return true;
}

/* --- defaults that are not constant -------------------------------------------------------------------------------- */

static void add_default(struct config *c, const char *path, const char *text)
{
	if (!find(c, path))
		add_value(c, path, text);
}

static void add_referring(void *arg, const char *name, const char *text)
{
	struct config *c = arg;
	char *path = strchr(text, '$') ? settings_path(c->settings, name) : NULL;

	if (path && strncmp(path, "transport.", 10) != 0)
		add_default(c, path, text);
	free(path);
}

/* Limits for all transports go for those that have none of their own. */
static void add_limits(struct config *c)
{
	static const char *const limits[] = { "destination_concurrency_limit", "destination_recipient_limit" };
	static const char *const sections[] = { "smtp", "lmtp" };

	for (size_t i = 0; i < 4; i++) {
		char *general = mem_fmt("default_%s", limits[i / 2]), *path = mem_fmt("%s.%s", sections[i % 2], limits[i / 2]);
		char *text = mem_fmt("$%s", general);

		if (find(c, general))
			add_default(c, path, text);
		free(general);
		free(path);
		free(text);
	}
}

static void add_defaults(struct config *c)
{
	add_default(c, "myhostname", c->entries.hostname);
	if (c->source->foreground)
		add_default(c, "log.to", "stderr");
	if (access(SETTINGS_TRUST_ANCHOR_FILE, R_OK) != 0)
		add_default(c, "resolver.trust_anchor_file", "");
	add_limits(c);
	settings_each(c->settings, NULL, add_referring, c);
}

/* --- expansion ----------------------------------------------------------------------------------------------------- */

static bool lookup(void *arg, const char *name, struct buf *out, const char **why);

static bool expand(struct config *c, struct value *v, const char **why)
{
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
	good = config_expand(v->text, lookup, c, &out, why);
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

static bool lookup(void *arg, const char *name, struct buf *out, const char **why)
{
	struct config *c = arg;
	char *path = settings_path(c->settings, name);
	struct value *v = path ? find(c, path) : NULL;

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

static bool expand_all(struct config *c)
{
	struct value *host = find(c, "myhostname");
	const char *why, *domain;

	if (!expand(c, host, &why))
		return fail_value(c, host, host->text, why);
	domain = strchr(host->expanded, '.');
	add_default(c, "mydomain", domain ? domain + 1 : host->expanded);
	for (size_t i = 0; i < c->count; i++)
		if (!expand(c, c->values[i], &why))
			return fail_value(c, c->values[i], c->values[i]->text, why);
	return true;
}

/* --- into the settings --------------------------------------------------------------------------------------------- */

static bool is_titled(const char *path)
{
	return strchr(path, '.') != strrchr(path, '.');
}

static bool apply(struct config *c, bool titled)
{
	const char *why;

	for (size_t i = 0; i < c->count; i++) {
		struct value *v = c->values[i];
		const char *successor = settings_successor(c->settings, v->path);

		if (is_titled(v->path) != titled)
			continue;
		if (!settings_set(c->settings, v->path, v->expanded, &why))
			return fail_value(c, v, v->expanded, why);
		if (v->place && successor)
			buf_fmt(c->warnings, "%s: %s is obsolete: %s\n", v->place, v->written, successor);
	}
	return true;
}

static bool check(struct config *c)
{
	struct config_fault fault = { NULL, NULL };
	const struct value *v;
	bool good = config_check(c->settings, &fault);

	if (!good) {
		v = find(c, fault.path);
		fail(c, v ? v->place : NULL, v ? v->written : fault.path, fault.what);
	}
	free(fault.path);
	free(fault.what);
	return good;
}

/* What was asked for in writing and does nothing yet. */
static void warn_about_waiting(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct value *v = c->values[i];

		if (v->place && strcmp(name_of(v->path), "tls_security_level") == 0 && strcmp(v->expanded, "may") == 0)
			buf_fmt(c->warnings, "%s: %s = may: acts as none, this version has no TLS yet\n", v->place, v->written);
	}
	for (size_t i = 0; i < c->settings->pickup_count; i++)
		buf_fmt(c->warnings, "pickup %s: this version does not read pickup directories yet, files there stay\n",
			c->settings->pickups[i].path);
}

static bool build(struct config *c)
{
	size_t from_file = c->entries.count;

	if (!add_overrides(c) || !make_sections(c) || !take_entries(c, from_file))
		return false;
	add_defaults(c);
	if (!expand_all(c) || !apply(c, false) || !set_protocols(c) || !apply(c, true))
		return false;
	if (!c->source->values_only && !check(c))
		return false;
	warn_about_waiting(c);
	return true;
}

static void clear(struct config *c)
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

struct settings *config_read(const struct config_source *source, struct buf *warnings, char **why)
{
	struct config c = { .source = source, .warnings = warnings, .why = why };

	*why = NULL;
	if (!config_file_read(source->file, &c.entries, why))
		return NULL;
	c.by_path = map_new();
	c.settings = settings_new();
	if (!build(&c)) {
		assert(*why);
		settings_free(c.settings);
		c.settings = NULL;
	}
	clear(&c);
	return c.settings;
}
