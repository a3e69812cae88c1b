/*
 * Reads and checks the configuration: file, overrides from the command line, expansion of $name, defaults
 * that depend on this host. Either all of it is good, or there is one complaint that names the place and
 * nothing changes.
 */
#ifndef CAUSEWAY_DAEMON_CONFIG_H
#define CAUSEWAY_DAEMON_CONFIG_H

#include "base/buf.h"
#include "settings/settings.h"

#define CONFIG_FILE SYSCONFDIR "/causeway/causeway.conf"

struct config_source {
	const char *file;
	const char *const *overrides;   /* "name=value", from -o */
	size_t override_count;
	bool foreground;                /* the log goes to standard error unless the file says otherwise */
	/* no tables are opened and nothing is checked beyond each value's form */
	bool values_only;
};

/* The settings, with one line per warning appended to warnings; or NULL, and "FILE:LINE: what" in *why
 * (free() it). */
struct settings *config_read(const struct config_source *, struct buf *warnings, char **why);

#endif
