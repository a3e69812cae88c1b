#include "daemon/config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config/config_check.h"
#include "daemon/config/config_file.h"
#include "daemon/config/config_level.h"
#include "daemon/config/config_values.h"
#include "daemon/config/config_warn.h"

#define PASSED_OVER_MAX (64 * 1024)
#define EXPLANATION_MAX 4096

/* A complaint of settings_set, with what would have been good; free() it. */
static char *explain(const struct config *c, const char *path, const char *complaint)
{
	const struct option_row *row = settings_row(c->settings, path);
	struct buf out;

	buf_init(&out, EXPLANATION_MAX);
	if (row)
		option_explain(row, complaint, &out);
	else
		buf_str(&out, complaint);
	return buf_take(&out);
}

/* --- sections with titles --- */

static bool set_protocol(struct config *c, const struct config_entry *entry)
{
	const char *why;
	char *detail;

	if (entry->count != 1)
		return config_fail(c, entry->place, entry->path, "takes one value");
	if (settings_set(c->settings, entry->path, entry->elements[0], &why))
		return true;
	detail = explain(c, entry->path, why);
	config_fail(c, entry->place, entry->path, detail);
	free(detail);
	return false;
}

/* Called twice: before all other options, so that the transports are known, and when what they start from
 * is set. */
static bool set_protocols(struct config *c)
{
	for (size_t i = 0; i < c->entries.count; i++)
		if (config_is_protocol(&c->entries.list[i]) && !set_protocol(c, &c->entries.list[i]))
			return false;
	return true;
}

static bool make_section(struct config *c, const struct config_entry *entry)
{
	struct config_path at = config_path_of(entry->path);
	const char *why;
	char *path;
	bool good;

	if (text_is(at.section, "transport")) {
		char *title = mem_strn(at.title.p, at.title.n);

		good = settings_transport(c->settings, title) ||
			config_fail(c, entry->place, title,
				"a transport needs protocol = lmtp or protocol = smtp");
		free(title);
		return good;
	}
	path = mem_fmt("%sformat", entry->path);
	good = settings_set(c->settings, path, "auto", &why) || config_fail(c, entry->place, entry->path,
		why);
	free(path);
	return good;
}

static bool make_sections(struct config *c)
{
	if (!set_protocols(c))
		return false;
	for (size_t i = 0; i < c->entries.count; i++)
		if (!*config_name_of(c->entries.list[i].path) && !make_section(c, &c->entries.list[i]))
			return false;
	return true;
}

/* --- overrides and defaults --- */

static bool add_overrides(struct config *c)
{
	for (size_t i = 0; i < c->source->override_count; i++) {
		struct text rest = text_of(c->source->overrides[i]), name;
		char *path, *value;

		if (!text_until(&rest, '=', &name) || !text_trim(name).n)
			return config_fail(c, "-o", c->source->overrides[i], "not name=value");
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

static void add_referring(void *arg, const char *name, const char *text)
{
	struct config *c = arg;
	char *path = strchr(text, '$') ? settings_path(c->settings, name) : NULL;

	if (path && !text_is(config_path_of(path).section, "transport"))
		config_add_default(c, path, text);
	free(path);
}

/* Limits for all transports go for those that have none of their own. */
static void add_limits(struct config *c)
{
	static const struct {
		const char *general, *name;
	} limits[] = {
		{ "initial_destination_concurrency", "initial_destination_concurrency" },
		{ "default_destination_concurrency_limit", "destination_concurrency_limit" },
		{ "default_destination_recipient_limit", "destination_recipient_limit" },
		{ "default_destination_rate_delay", "destination_rate_delay" },
		{ "default_destination_concurrency_positive_feedback",
			"destination_concurrency_positive_feedback" },
		{ "default_destination_concurrency_negative_feedback",
			"destination_concurrency_negative_feedback" },
		{ "default_destination_concurrency_failed_cohort_limit",
			"destination_concurrency_failed_cohort_limit" },
	};
	static const char *const sections[] = { "smtp", "lmtp" };

	for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
		const char *general = limits[i / 2].general;
		char *path = mem_fmt("%s.%s", sections[i % 2], limits[i / 2].name);
		char *text = mem_fmt("$%s", general);

		if (config_find(c, general))
			config_add_default(c, path, text);
		free(path);
		free(text);
	}
}

/* The obsolete parameter is the default of its successor in the same section. */
static void add_deadlines(struct config *c)
{
	static const char old[] = "per_record_deadline";

	for (size_t i = 0, count = c->count; i < count; i++) {
		const struct config_value *v = c->values[i];
		const char *name = config_name_of(v->path);
		char *path;

		if (strcmp(name, old) != 0)
			continue;
		path = mem_fmt("%.*sper_request_deadline", (int)(name - v->path), v->path);
		config_add_default(c, path, v->text);
		free(path);
	}
}

/* What a protocol's section says with $service_name stands for another name in each transport of that
 * protocol. */
static void add_own_names(struct config *c, const char *section, enum protocol protocol)
{
	size_t count = c->count, n = strlen(section);

	for (size_t i = 0; i < count; i++) {
		if (strncmp(c->values[i]->path, section, n) != 0 || !strstr(c->values[i]->text, "service_name"))
			continue;
		for (size_t k = 0; k < c->settings->transport_count; k++) {
			const struct settings_transport *t = &c->settings->transports[k];
			char *path = mem_fmt("transport.%s.%s", t->name, c->values[i]->path + n);

			if (t->manner->protocol == protocol && settings_row(c->settings, path))
				config_add_default(c, path, c->values[i]->text);
			free(path);
		}
	}
}

/* The option of the section that a default is the same as ("$smtp_tls_cert_file": "tls_cert_file"), or
 * NULL. */
static const char *same_as(const struct option_row *row, const char *section)
{
	size_t n = strlen(section);
	const char *text = row->initial;

	return *text == '$' && strncmp(text + 1, section, n) == 0 && text[1 + n] == '_' ? text + n + 2 : NULL;
}

/* Takes the option's value from the transport's own of that name, if it has one and nothing else was said in
 * the section. */
static void add_same(struct config *c, const char *transport, const char *section, const char *option,
	const char *other)
{
	char *general = mem_fmt("%s.%s", section, option), *path = mem_fmt("transport.%s.%s", transport, option);
	char *source = mem_fmt("transport.%s.%s", transport, other);
	const struct config_value *own = config_find(c, source);

	if (own && !config_find(c, general))
		config_add_default(c, path, own->text);
	free(source);
	free(path);
	free(general);
}

/* A default that is the same as another option of the section is so in each transport. */
static void add_own_defaults(struct config *c, const struct settings_transport *t)
{
	const char *section = protocol_name(t->manner->protocol);
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	for (size_t i = 0; i < count; i++) {
		const char *other = same_as(&rows[i], section);

		if (other)
			add_same(c, t->name, section, rows[i].name, other);
	}
}

static void add_directory(struct config *c)
{
	const char *file = c->source->file, *slash = strrchr(file, '/');
	char *directory = mem_strn(file, slash ? (size_t)(slash - file) + (slash == file) : 0);

	config_add_default(c, "config_directory", slash ? directory : ".");
	free(directory);
}

/* What is there already wins, so the order counts: first what the host says; then what one option gives to
 * another in the sections of the protocols; from these sections to the transports when they are complete;
 * and last the tables' own defaults that refer to other options. Defaults without a reference need no value
 * here: the settings begin with them. */
static bool add_defaults(struct config *c)
{
	config_add_default(c, "myhostname", c->entries.hostname);
	add_directory(c);
	if (c->source->foreground)
		config_add_default(c, "log.to", "stderr");
	if (access(SETTINGS_TRUST_ANCHOR_FILE, R_OK) != 0)
		config_add_default(c, "resolver.trust_anchor_file", "");
	if (!config_level(c))
		return false;
	add_limits(c);
	add_deadlines(c);
	add_own_names(c, "lmtp.", PROTOCOL_LMTP);
	add_own_names(c, "smtp.", PROTOCOL_SMTP);
	for (size_t i = 0; i < c->settings->transport_count; i++)
		add_own_defaults(c, &c->settings->transports[i]);
	settings_each(c->settings, NULL, add_referring, c);
	return true;
}

/* --- into the settings --- */

static bool fail_value(struct config *c, const struct config_value *v, const char *why)
{
	char *detail = explain(c, v->path, why);

	config_fail_value(c, v, v->expanded, detail);
	free(detail);
	return false;
}

static bool apply(struct config *c, bool titled)
{
	const char *why;

	for (size_t i = 0; i < c->count; i++) {
		struct config_value *v = c->values[i];
		const char *successor = settings_successor(c->settings, v->path);

		if ((config_path_of(v->path).title.p != NULL) != titled)
			continue;
		if (!settings_set(c->settings, v->path, v->expanded, &why))
			return fail_value(c, v, why);
		if (v->place && successor)
			buf_fmt(c->warnings, "%s: %s is obsolete: %s\n", v->place, v->written, successor);
	}
	return true;
}

/* What is passed over, with its place. */
static void tell_passed_over(struct config *c, struct text lines)
{
	struct text line, name;

	while (text_until(&lines, '\n', &line)) {
		struct text rest = line;
		const struct config_value *v = NULL;

		if (text_until(&rest, ':', &name)) {
			char *path = mem_strn(name.p, name.n);

			v = config_find(c, path);
			free(path);
		}
		buf_fmt(c->warnings, "%s: %.*s\n", v && v->place ? v->place : c->source->file, (int)line.n, line.p);
	}
}

/* A section as a whole has a place, but no value. */
static const char *place_of_section(const struct config *c, const char *path)
{
	for (size_t i = 0; i < c->entries.count; i++)
		if (strcmp(c->entries.list[i].path, path) == 0)
			return c->entries.list[i].place;
	return NULL;
}

static bool check(struct config *c)
{
	struct config_fault fault = { NULL, NULL, NULL };
	const struct config_value *v;
	struct buf passed_over;
	bool good;

	buf_init(&passed_over, PASSED_OVER_MAX);
	good = config_check(c->settings, &fault, &passed_over);
	tell_passed_over(c, text_make(passed_over.data, passed_over.len));
	buf_free(&passed_over);

	if (!good) {
		v = config_find(c, fault.path);
		if (fault.other && !(v && v->place))
			v = config_find(c, fault.other);
		config_fail(c, v ? v->place : place_of_section(c, fault.path), v ? v->written : fault.path,
			fault.what);
	}
	free(fault.path);
	free(fault.other);
	free(fault.what);
	return good;
}

static void know_process(struct config *c)
{
	char *id = mem_fmt("%ld", (long)getpid());
	const char *why;

	settings_set(c->settings, "process_id", id, &why);
	free(id);
}

static bool build(struct config *c)
{
	size_t from_file = c->entries.count;

	know_process(c);
	if (!add_overrides(c) || !make_sections(c) || !config_take_entries(c, from_file) || !add_defaults(c))
		return false;
	if (!config_expand_all(c) || !apply(c, false) || !set_protocols(c) || !apply(c, true))
		return false;
	if (!c->source->values_only && !check(c))
		return false;
	config_warn(c);
	return true;
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
	config_clear(&c);
	return c.settings;
}
