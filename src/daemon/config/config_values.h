/* Inside the reading of the configuration: config.c leads, config_values.c has the values on their way
 * from entry to setting. */
#ifndef CAUSEWAY_DAEMON_CONFIG_VALUES_H
#define CAUSEWAY_DAEMON_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"
#include "daemon/config/config.h"
#include "daemon/config/config_file.h"

/* One option that is not left at its default, or whose default names others. */
struct config_value {
	char *path, *text, *expanded;
	const char *place;        /* of the entry; NULL: a default */
	const char *written;      /* the name as it was written */
	bool override, busy;
};

struct config {
	const struct config_source *source;
	struct settings *settings;
	struct config_entries entries;
	struct config_value **values;
	size_t count;
	struct map *by_path;      /* path → struct config_value */
	struct buf *warnings;
	char **why;
	const struct config_value *expanding;   /* whose text names other parameters just now */
};

/* Both return false, with "PLACE: WHAT: DETAIL" in *c->why; place NULL is the file as a whole. */
bool config_fail(struct config *, const char *place, const char *what, const char *detail);
bool config_fail_value(struct config *, const struct config_value *, const char *text,
	const char *complaint);

/* The value with that path, or NULL. */
struct config_value *config_find(const struct config *, const char *path);
/* A new one, whose strings are copied, where there is none yet. */
void config_add_default(struct config *, const char *path, const char *text);
void config_clear(struct config *);

/* "section.title.name" taken apart, as views of the path; section and title are empty where there is none
 * (the title with p NULL), and so is the name of a section as such ("transport.TITLE."). */
struct config_path {
	struct text section, title;
	const char *name;
};
struct config_path config_path_of(const char *path);
const char *config_name_of(const char *path);      /* its name alone */

/* Whether an entry is a transport's protocol, which is set before all others. */
bool config_is_protocol(const struct config_entry *);

/* All entries become values; those from from_override on are of the command line. */
bool config_take_entries(struct config *, size_t from_override);

/* Puts the values of others for $name into all values. */
bool config_expand_all(struct config *);

#endif
