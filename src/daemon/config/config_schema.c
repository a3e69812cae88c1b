#include "daemon/config/config_schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "settings/settings.h"
#include "settings/settings_rows.h"

/* Options of the top level or of a section. */
struct options {
	cfg_opt_t *list;
	size_t count;
	cfg_callback_t value;
	cfg_validate_callback_t checked;
};

static void add(struct options *o, cfg_opt_t option)
{
	o->list = mem_grow(o->list, o->count + 1, sizeof(option));
	o->list[o->count++] = option;
}

static void add_option(struct options *o, const char *name)
{
	cfg_opt_t option = CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, o->value);

	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->list[i].name, name) == 0)
			return;
	option.validcb = o->checked;
	add(o, option);
}

static void add_rows(struct options *o, const struct settings_section *section)
{
	for (size_t i = 0; i < section->count; i++)
		add_option(o, section->rows[i].name);
}

static void add_manner(struct options *o, unsigned use)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].use & use)
			add_option(o, rows[i].name);
}

/* The section is empty then, for the next one. */
static void add_section(struct options *top, const char *name, struct options *section, cfg_flag_t flags)
{
	cfg_opt_t end = CFG_END();

	add(section, end);
	add(top, (cfg_opt_t)CFG_SEC(name, section->list, flags));
	section->list = NULL;
	section->count = 0;
}

static void add_top_name(void *arg, const char *name, const char *value)
{
	(void)value;
	add_option(arg, mem_str(name));
}

static void add_top_names(struct options *top, const struct config_names *more)
{
	struct settings *defaults = settings_new();

	settings_each(defaults, NULL, add_top_name, top);
	for (size_t i = 0; i < more->count; i++)
		add_option(top, more->list[i]);
	settings_free(defaults);
}

static void add_sections(struct options *top, struct options *section)
{
	for (size_t i = 1; i < settings_section_count; i++) {
		add_rows(section, &settings_sections[i]);
		add_section(top, settings_sections[i].name, section, CFGF_NONE);
	}
	add_manner(section, MANNER_SMTP);
	add_section(top, "smtp", section, CFGF_NONE);
	add_manner(section, MANNER_LMTP);
	add_section(top, "lmtp", section, CFGF_NONE);
	add_option(section, "protocol");
	add_rows(section, &settings_transport_section);
	add_manner(section, MANNER_BOTH);
	add_section(top, "transport", section, CFGF_MULTI | CFGF_TITLE);
	add_rows(section, &settings_pickup_section);
	add_section(top, "pickup", section, CFGF_MULTI | CFGF_TITLE);
}

cfg_opt_t *config_schema(const struct config_names *more, cfg_callback_t value,
	cfg_validate_callback_t checked, cfg_func_t include)
{
	struct options top = { .value = value, .checked = checked }, section = top;
	cfg_opt_t end = CFG_END();

	add_top_names(&top, more);
	add_sections(&top, &section);
	add(&top, (cfg_opt_t)CFG_FUNC("include", include));
	add(&top, (cfg_opt_t)CFG_STR(CONFIG_END_MARK, NULL, CFGF_NODEFAULT));
	add(&top, end);
	return top.list;
}
